'use strict';

const golr = require('../lib/golr');
const { element, termLink, productLink, latest } = require('../lib/page');

const small = (text) => element('small', {}, text || '');
const cell = (...children) => element('td', {}, ...children);
const organism = (doc) => cell(element('i', {}, doc.taxon_label || ''));
const spaced = (text) => (text || '').replace(/_/g, ' ');

const rowOf = {
  annotation: (doc) => [
    cell(productLink(doc.bioentity, doc.bioentity_label), small(doc.bioentity_name)),
    cell(spaced((doc.qualifier || []).join(', '))),
    cell(termLink(doc.annotation_class, doc.annotation_class_label), small(doc.annotation_class)),
    cell(doc.evidence_type || ''),
    organism(doc),
  ],
  bioentity: (doc) => [
    cell(productLink(doc.bioentity, doc.bioentity_label), small(doc.bioentity)),
    cell(doc.bioentity_name || ''),
    organism(doc),
  ],
  ontology: (doc) => [
    cell(termLink(doc.annotation_class, doc.annotation_class_label), small(doc.annotation_class)),
    cell(doc.description || ''),
    cell(spaced(doc.source)),
  ],
};

function counted(total, shown, words) {
  if (total === 0) {
    return `Nothing was found for “${words}”. Try another word, or part of one; this sample holds little of GO.`;
  }
  return total > shown ? `${total} found, the best ${shown} shown` : `${total} found`;
}

function start(form) {
  const personality = form.dataset.personality;
  const input = form.elements.q;
  const count = document.getElementById('count');
  const body = document.querySelector('#results tbody');
  const show = ({ total, documents }, words) => {
    count.textContent = counted(total, documents.length, words);
    body.replaceChildren(...documents.map((doc) => element('tr', {}, ...rowOf[personality](doc))));
    history.replaceState(null, '', words ? `?q=${encodeURIComponent(words)}` : location.pathname);
    document.getElementById('pager')?.remove();
  };
  const fail = (error) => { count.textContent = `The search failed: ${error.message}`; };
  const ask = latest((words) => golr.search(personality, words, 50), show, fail);
  input.addEventListener('input', () => ask(input.value.trim()));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    ask(input.value.trim());
  });
}

const form = document.getElementById('live');
if (form && rowOf[form.dataset.personality]) {
  start(form);
}
