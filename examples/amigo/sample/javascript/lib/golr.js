'use strict';

const data = require('amigo2-instance-data');

// weights lists the fields that a search looks at, by their words where a
// field is made for searching.
function weights(about) {
  const words = new Set(about.fields.filter((f) => f.searchable === 'true').map((f) => f.id));
  return about.boost_weights.split(/\s+/).map((one) => {
    const [field, weight] = one.split('^');
    return `${words.has(field) ? `${field}_searchable` : field}^${weight}`;
  }).join(' ');
}

// query asks GOlr and gives {total, documents}.
async function query(parameters) {
  const sent = new URLSearchParams({ wt: 'json', ...parameters });
  const response = await fetch(`${data.server.golr_base}select?${sent}`);
  if (!response.ok) {
    throw new Error(`GOlr answered ${response.status}`);
  }
  const { response: { numFound, docs } } = await response.json();
  return { total: numFound, documents: docs };
}

// search looks for words in the documents of one type.
function search(personality, words, rows = 20) {
  const about = data.golr[personality];
  return find(about.document_category, weights(about), words, rows);
}

function find(category, fields, words, rows) {
  const match = words ? { q: words, defType: 'edismax', qf: fields, mm: '100%' } : { q: '*:*' };
  return query({ ...match, fq: `document_category:"${category}"`, rows: Math.min(rows, data.definitions.download_limit) });
}

module.exports = { search, find };
