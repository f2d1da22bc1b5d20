'use strict';

const { server } = require('amigo2-instance-data');

// element makes an element; text in it is text, never markup.
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

const termLink = (id, label) => element('a', { href: `${server.app_base}/amigo/term/${id}` }, label);

const productLink = (id, label) => element('a', { href: `${server.app_base}/amigo/gene_product/${encodeURIComponent(id)}` }, label);

// latest wraps an asynchronous function so that only the answer to the newest
// call is passed on, after a pause in which no other call came.
function latest(ask, show, fail, pause = 200) {
  let newest = 0;
  let timer;
  return (...given) => {
    const mine = newest += 1;
    clearTimeout(timer);
    timer = setTimeout(() => ask(...given).then(
      (answer) => mine === newest && show(answer, ...given),
      (error) => mine === newest && fail(error),
    ), pause);
  };
}

module.exports = { element, termLink, productLink, latest };
