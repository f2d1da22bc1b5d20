'use strict';

// The instance's settings and the descriptions of its documents, as ./install
// wrote them into data/.
module.exports = {
  server: require('./data/server'),
  golr: require('./data/golr'),
  xrefs: require('./data/xrefs'),
  definitions: require('./data/definitions'),
};
