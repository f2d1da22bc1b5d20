package build

const exitStatusBuild = `
EXIT STATUS
  0    everything is built, or nothing changed
  1    the template is not valid, or anything not named here
  2    wrong arguments
  11   a build failed            12   an image failed its test
  20   a host cannot be reached  21   a checksum is wrong
  22   a disk is full            23   this host lacks something
  24   another process holds the lock
  130  interrupted`

const exitStatusRead = `
EXIT STATUS
  0    the template is valid
  1    it is not
  2    wrong arguments`
