'use strict';

const golr = require('../lib/golr');
const { element } = require('../lib/page');

async function answer(form) {
  const words = form.elements.q.value.trim();
  const { category, fields } = form.dataset;
  const { total, documents } = await golr.find(category, fields, words, 5);
  if (total === 0) {
    form.querySelector('.answer').textContent = `Nothing was found for “${words}”.`;
    return;
  }
  const labels = new Set(documents.map((doc) => doc.bioentity_label || doc.annotation_class_label));
  const all = element('a', { href: `${form.action}?q=${encodeURIComponent(words)}` }, 'see all');
  form.querySelector('.answer').replaceChildren(`${total} found: ${[...labels].join(', ')}${total > documents.length ? ', …' : ''} · `, all);
}

document.querySelectorAll('form.grebe').forEach((form) => {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    answer(form).catch((error) => { form.querySelector('.answer').textContent = `The search failed: ${error.message}`; });
  });
});
