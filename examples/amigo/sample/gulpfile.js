'use strict';

// Tasks of the sample, with the names that AmiGO's tasks have:
//   ./node_modules/.bin/gulp compile-js-dev   bundle the scripts of javascript/web
//   ./node_modules/.bin/gulp compile          install, then bundle
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');
const browserify = require('browserify');
const { series } = require('gulp');
const yaml = require('yaml');

const settings = read('./conf/amigo.yaml');
const root = settings.AMIGO_ROOT.value;
const from = path.join(root, 'javascript/web');
const to = path.join(root, 'javascript/staging');

function read(file) {
  try {
    return yaml.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    console.error(`cannot read the settings in ${file}: ${error.message}; run ./install first`);
    process.exit(1);
  }
}

async function bundle(file) {
  const whole = path.join(to, file);
  const part = `${whole}.part`;
  try {
    await pipeline(browserify(path.join(from, file), { basedir: root }).bundle(), fs.createWriteStream(part));
    fs.renameSync(part, whole);
  } catch (error) {
    throw new Error(`cannot bundle ${file}: ${error.message}`);
  } finally {
    fs.rmSync(part, { force: true });
  }
  console.log(`bundled ${file}`);
}

async function compileJsDev() {
  const files = fs.readdirSync(from).filter((file) => file.endsWith('.js')).sort();
  for (const result of await Promise.allSettled(files.map(bundle))) {
    if (result.status === 'rejected') {
      throw result.reason;
    }
  }
}

function build(done) {
  spawn('./install', ['-v'], { stdio: 'inherit' })
    .on('error', done)
    .on('exit', (code) => done(code === 0 ? null : new Error(`./install ended with ${code}`)));
}

const compile = series(build, compileJsDev);

module.exports = {
  build,
  'compile-js-dev': compileJsDev,
  compile,
  install: compile,
  default: compile,
};
