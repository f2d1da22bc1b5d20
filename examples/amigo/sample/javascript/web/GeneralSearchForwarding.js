'use strict';

const golr = require('../lib/golr');
const { element, termLink, productLink, latest } = require('../lib/page');

const kinds = { ontology_class: 'term', bioentity: 'gene product' };

function suggestion(doc) {
  const link = doc.category === 'bioentity' ? productLink : termLink;
  const anchor = link(doc.entity, doc.entity_label);
  anchor.append(element('span', {}, `${kinds[doc.category] || ''} ${doc.entity}`));
  return element('li', {}, anchor);
}

function start(form) {
  const list = document.getElementById('suggestions');
  const hide = () => { list.hidden = true; };
  const show = ({ documents }) => {
    list.replaceChildren(...documents.map(suggestion));
    list.hidden = documents.length === 0;
  };
  const ask = latest((words) => golr.search('general', words, 8), show, hide);
  const input = form.elements.q;
  input.addEventListener('input', () => (input.value.trim() ? ask(input.value.trim()) : hide()));
  form.addEventListener('keydown', (event) => event.key === 'Escape' && hide());
}

const form = document.getElementById('quick');
if (form) {
  start(form);
}
