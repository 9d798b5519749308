// What validate's sanitize leaves of HTML is what DOMPurify leaves when it may keep no tag, and no
// tag is left in it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import createDOMPurify from 'dompurify';
import { JSDOM, VirtualConsole } from 'jsdom';
import { root, start, slow, sanitized } from './lib/weir.mjs';

const { window } = new JSDOM('', { virtualConsole: new VirtualConsole() }); // broken style sheets are no news
const purify = createDOMPurify(window);
const parse = (html) => new window.DOMParser().parseFromString(`<body>${html}`, 'text/html');
const corpus = JSON.parse(readFileSync(new URL('data/html.json', import.meta.url), 'utf8'));
const naughtyFile = join(root, '../shared/data/naughty-strings.json');
const naughty = existsSync(naughtyFile) ? JSON.parse(readFileSync(naughtyFile, 'utf8')) : [];

const pipeline = `
trigger: { webhook: { path: /clean, methods: [POST] } }
steps:
  - validate: { sanitize: { trim: false, nfc: false } }
`;

/** The texts, cleaned by weir, some thousand at a time. */
async function clean(w, texts) {
  const r = await fetch(`${w.edge}/clean`, { method: 'POST', body: JSON.stringify(texts), headers: { 'content-type': 'application/json' } });
  assert.equal(r.status, 200);
  return r.json();
}

// jsdom puts what a table may not hold into an order that is not that of the standard, and DOMPurify
// drops a frameset: the same characters are wanted then, and all of a frameset's.
const ordered = (text) => !/<table/.test(text);
const comparable = (text) => !/<frameset/.test(text);
const sorted = (text) => [...text].sort().join('');
const same = (text, got) => !comparable(text) || (ordered(text) ? got === expected(text) : sorted(got) === sorted(expected(text)));

/** The text of HTML as DOMPurify sees it; a blank that does not break is a character here. */
function expected(text) {
  if (!text.includes('<')) return text;
  return purify.sanitize(text, { ALLOWED_TAGS: [], KEEP_CONTENT: true, FORBID_CONTENTS: ['script', 'style'], SAFE_FOR_XML: false, FORCE_BODY: true }).replaceAll('&nbsp;', '\u00a0');
}

/** Texts made at random, the same ones each time, of what HTML is made of. */
function random(n) {
  let seed = 20260101;
  const next = (k) => { seed = (Math.imul(seed, 1103515245) + 12345) >>> 0; return (seed >>> 8) % k; };
  const parts = ['<b>', '</b>', '<p>', '</p>', '<i a="x>">', '</i>', '<script>', '</script>', '<style>', '</style>', '<!--', '-->', '<table>', '<tr>', '<td>',
    '</table>', '<a href=x>', '</a>', '<div>', '</div>', '<ul><li>', '</ul>', '<', '>', '&', '&amp;', '&lt;', '&#60;', '"', "'", 'x', ' y ', '\n', 'é', '😀', '<br/>',
    '<svg>', '</svg>', '<textarea>', '</textarea>', '<select>', '<option>', '</select>', '</', '/>', '=', '<h1>', '</h2>'];
  return Array.from({ length: n }, () => Array.from({ length: 1 + next(12) }, () => parts[next(parts.length)]).join(''));
}

/** No tag: what a browser makes of TEXT is one text. */
function hasNoTag(text) {
  return parse(text).body.children.length === 0;
}

test('the text of HTML is that of DOMPurify', async (t) => {
  const w = await start(t, { 'clean.yaml': pipeline });
  const texts = [...corpus, ...naughty];
  const got = await clean(w, texts);
  const different = [];
  for (const [i, text] of texts.entries()) {
    if (!same(text, got[i])) different.push({ text, weir: got[i], dompurify: expected(text) });
    if (text.includes('<')) assert.ok(hasNoTag(got[i]), `a tag is left of ${text}: ${got[i]}`);
  }
  assert.deepEqual(different, []);
});

test('so it is with HTML made at random', async (t) => {
  const w = await start(t, { 'clean.yaml': pipeline });
  const texts = random(3000);
  const got = await clean(w, texts);
  const different = texts.map((text, i) => ({ text, weir: got[i], dompurify: expected(text) })).filter((x) => !same(x.text, x.weir));
  assert.deepEqual(different.slice(0, 10), []);
});

test('cleaning twice is cleaning once', async (t) => {
  const w = await start(t, { 'clean.yaml': pipeline });
  const once = await clean(w, [...corpus, ...naughty].filter((x) => x.includes('<')));
  assert.deepEqual(await clean(w, once), once);
});

test('a megabyte of text or of HTML is cleaned, one that is made to be slow is refused, and nobody else waits', { skip: sanitized && 'gumbo under a sanitizer is slow' }, async (t) => {
  const w = await start(t, { 'clean.yaml': pipeline, 'hello.yaml': 'name: hello\ntrigger: { webhook: { path: /hello, methods: [GET] } }\nsteps:\n  - reply: { text: hello }\n' });
  const prose = 'Größe is in the eye of the beholder, says who has <b>seen</b> it. ';
  const long = prose.repeat(1000000 / prose.length - 100);
  assert.ok((await clean(w, [long]))[0] === long.replaceAll(/<\/?b>/g, ''), 'the prose is what it was');
  const dense = '<ul><li><a href="/x">it</a> is <i>so</i></ul>\n';
  assert.match((await clean(w, [dense.repeat(900000 / dense.length)]))[0], /^it is so\nit is so/);
  for (const unit of ['<a ', '<b>', '<div></p>', '<div>']) {
    const answers = Array.from({ length: 2 }, () => fetch(`${w.edge}/clean`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify([unit.repeat(900000 / unit.length)]) }));
    let over = false;
    const all = Promise.all(answers).then((list) => { over = true; return list; });
    const waits = [];
    while (!over) {
      const began = performance.now();
      assert.equal((await fetch(`${w.edge}/hello`)).status, 200);
      waits.push(performance.now() - began);
    }
    for (const r of await all) assert.equal(r.status, 422, unit);
    waits.sort((a, b) => a - b);
    assert.ok(waits.length > 3 && waits[Math.floor(waits.length / 2)] < (slow ? 200 : 50), `${waits.length}: ${waits.slice(-5)} ms`);
  }
});
