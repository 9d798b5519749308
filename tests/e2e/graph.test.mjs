// weir graph: every pipeline in every format, and the way of a job in it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { JSDOM } from 'jsdom';
import { folder, root, start, until, weir } from './lib/weir.mjs';

const pipelines = readdirSync(join(root, 'pipelines')).filter((n) => n.endsWith('.yaml') && !n.endsWith('.test.yaml')).map((n) => `pipelines/${n}`);
const nested = `
name: nested
description: All that a drawing has to show & "escape" <there>.
trigger: [{ webhook: { path: "/a" } }, { schedule: "@daily" }]
steps:
  - id: choose
    switch: \${ request.body.kind }
    cases:
      book:
        - id: ask
          http: http://127.0.0.1:1/\${ request.body.isbn }
          timeout: 2s
          retry: 3
          catch: [{ log: "a \\"quoted\\" <text> & more, which is so long that no box holds all of it, however wide" }]
      "a: b": []
    default: [{ reply: { status: 404 } }]
  - id: each
    if: \${ size(request.body.items) < 3 }
    foreach: \${ request.body.items }
    do: [{ set: "\${ item }" }]
  - switch:
    cases: [{ when: "\${ input == null }", do: [{ set: "\u6f22\u5b57\u6f22\u5b57" }] }]
catch: [{ log: failed }]
finally: [{ log: over }]
`;

const graph = (t, ...args) => weir(['graph', join(folder(t, { 'nested.yaml': nested }), 'nested.yaml'), ...args]);

test('text is a tree of steps and blocks', (t) => {
  const r = graph(t);
  assert.deepEqual([r.code, r.err], [0, '']);
  assert.equal(r.out.replace(/ a "quoted".*/, ' ...'), `nested: All that a drawing has to show & "escape" <there>.
  webhook /a
  schedule @daily

steps
  |- choose: switch \${ request.body.kind }
  |  |= book
  |  |  \`- ask: http http://127.0.0.1:1/\${ request.body.isbn }, timeout 2s, 3 attempts
  |  |     \`= catch
  |  |        \`- log ...
  |  |= a: b (nothing)
  |  \`= default
  |     \`- reply 404
  |- each: foreach \${ request.body.items }, if \${ size(request.body.items) < 3 }
  |  \`= do (many times)
  |     \`- set \${ item }
  \`- switch
     \`= when \${ input == null }
        \`- set \u6f22\u5b57\u6f22\u5b57

catch
  \`- log failed

finally
  \`- log over
`);
});

test('charts have an edge for each way on, and quote what their language would read', (t) => {
  const chart = graph(t, '--format', 'mermaid').out;
  assert.match(chart, /^flowchart TD\n/);
  const label = (text) => new RegExp(`(n\\d+)\\(?\\["${text}`).exec(chart)?.[1];
  const edges = [...chart.matchAll(/^ {2}(n\d+) (-->|-\.->)(?:\|"(.*)"\|)? (n\d+)$/gm)].map((m) => m.slice(1));
  const has = (from, arrow, text, to) => assert.ok(edges.some((e) => e[0] === label(from) && e[1] === arrow && e[2] === text && e[3] === label(to)), `${from} ${arrow} ${to}\n${chart}`);
  has('webhook', '-->', undefined, 'choose');
  has('schedule', '-->', undefined, 'choose');
  has('choose', '-->', 'book', 'ask');
  has('ask', '-.->', 'catch', 'log<br>a #34;quoted#34; #60;text#62; #38; more');
  has('choose', '-->', 'a: b', 'each'); // an empty block: straight on
  has('reply', '-->', undefined, 'each');
  has('each', '-->', 'do', 'set<br>\\$\\{ item');
  has('choose', '-.->', 'error in any step', 'log<br>failed');
  has('log<br>failed', '-->', undefined, 'log<br>over');
  assert.equal((chart.match(/^ {2}subgraph /gm)).length, (chart.match(/^ {2}end$/gm)).length);
  const dot = graph(t, '-f', 'dot').out;
  assert.match(dot, /^digraph "nested" \{\n/);
  assert.match(dot, /label="log\\na \\"quoted\\" <text>/);
  assert.equal((dot.match(/\{$/gm)).length, (dot.match(/^ *\}$/gm)).length);
  assert.equal((dot.match(/ -> /g)).length, edges.length);
});

/** What the SVG shows: { rects, texts }, each with its place. Everything lies within the drawing. */
function drawn(svg) {
  const { document } = new JSDOM(svg, { contentType: 'image/svg+xml' }).window;
  const number = (e, name) => Number(e.getAttribute(name) ?? 0);
  const [, , width, height] = document.documentElement.getAttribute('viewBox').split(' ').map(Number);
  const rects = [...document.querySelectorAll('g > rect')].map((e) => ({
    class: e.parentElement.getAttribute('class'), x: number(e, 'x'), y: number(e, 'y'), right: number(e, 'x') + number(e, 'width'), bottom: number(e, 'y') + number(e, 'height') }));
  const texts = [...document.querySelectorAll('text')].map((e) => ({
    step: e.parentElement.getAttribute('class'), x: number(e, 'x'), y: number(e, 'y'), right: number(e, 'x') + number(e, 'textLength'), text: e.lastChild.textContent, whole: e.textContent }));
  for (const r of rects) assert.ok(r.x >= 0 && r.y >= 0 && r.right <= width && r.bottom <= height, JSON.stringify(r));
  for (const s of texts) assert.ok(s.x >= 0 && s.right <= width && s.y <= height, JSON.stringify(s));
  return { document, rects, texts };
}

test('in an SVG no text overflows its box, and boxes lie in each other or apart', (t) => {
  const svgs = [graph(t, '-f', 'svg').out, ...pipelines.map((p) => weir(['graph', p, '-f', 'svg']).out)];
  for (const svg of svgs) {
    const { rects, texts, document } = drawn(svg);
    assert.doesNotMatch(svg, /(href|url\((?!#))/);
    assert.match(svg, /@media \(prefers-color-scheme:dark\)/);
    for (const step of document.querySelectorAll('g.step')) {
      const r = step.querySelector('rect');
      const [x, y, w, h] = ['x', 'y', 'width', 'height'].map((n) => Number(r.getAttribute(n)));
      for (const text of step.querySelectorAll('text')) {
        const at = Number(text.getAttribute('x'));
        assert.ok(at > x && at + Number(text.getAttribute('textLength')) < x + w, text.outerHTML);
        assert.ok(Number(text.getAttribute('y')) > y && Number(text.getAttribute('y')) < y + h, text.outerHTML);
      }
    }
    const inside = (a, b) => a.x >= b.x && a.right <= b.right && a.y >= b.y && a.bottom <= b.bottom;
    const apart = (a, b) => a.right <= b.x || b.right <= a.x || a.bottom <= b.y || b.bottom <= a.y;
    rects.forEach((a, i) => rects.slice(i + 1).forEach((b) => assert.ok(inside(a, b) || inside(b, a) || apart(a, b), JSON.stringify([a, b]))));
    assert.ok(texts.length > 3);
  }
  const long = drawn(svgs[0]).texts.find((s) => s.text.startsWith('a "quoted"'));
  assert.ok(long.text.endsWith('\u2026') && long.whole.includes('however wide'));
});

test('every pipeline is drawn in every format', () => {
  for (const p of pipelines)
    for (const format of ['text', 'mermaid', 'dot', 'svg']) {
      const r = weir(['graph', p, '--format', format]);
      assert.deepEqual([r.code, r.err], [0, ''], p);
      assert.ok(r.out.length > 50);
    }
});

test('misuse and mistakes are told', (t) => {
  const dir = folder(t, { 'bad.yaml': 'steps:\n  - sett: 1\n' });
  const bad = weir(['graph', join(dir, 'bad.yaml')]);
  assert.equal(bad.code, 1);
  assert.match(bad.err, /bad\.yaml:2:5: error\[W0203\]/);
  assert.equal(weir(['graph']).code, 2);
  assert.match(graph(t, '--format', 'png').err, /takes text, mermaid, dot or svg, not 'png'/);
  assert.equal(graph(t, '--job', 'nonsense').code, 2);
});

test('the way of a job is marked', async (t) => {
  const text = `name: way\ntrigger: { webhook: { path: /way, methods: [POST] } }\nsteps:
  - id: first\n    set: 1
  - id: choose\n    switch: \${ request.body.kind }
    cases: { a: [{ id: broken, http: "http://127.0.0.1:1/" }], b: [{ id: other, set: 2 }] }\n    default: []
  - id: last\n    set: 3\n`;
  const w = await start(t, { 'way.yaml': text }, { args: ['--store', `sqlite:${folder(t)}/weir.db`] });
  const admin = ['--admin', w.admin.slice(7)];
  await fetch(`${w.edge}/way`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"kind":"a"}' });
  const id = await until(() => JSON.parse(weir(['jobs', '--json', ...admin]).out).jobs[0]?.id, 'the failed run is kept');
  const file = join(w.dir, 'way.yaml');
  const r = weir(['graph', file, '--job', id, ...admin]);
  assert.deepEqual([r.code, r.err], [0, '']);
  assert.match(r.out, /\+ first: set/);
  assert.match(r.out, /> choose: switch/);
  assert.match(r.out, /x broken: http/);
  assert.match(r.out, /\. other: set 2/);
  assert.match(r.out, /\. last: set/);
  assert.match(r.out, /^\(\. not reached, \+ done, x failed, > went inside\)$/m);
  const { document } = drawn(weir(['graph', file, '--job', id, '-f', 'svg', ...admin]).out);
  const state = Object.fromEntries([...document.querySelectorAll('g.step')].map((g) => [g.querySelector('.name').textContent, g.getAttribute('class')]));
  assert.deepEqual(state, { webhook: 'step', first: 'step done', choose: 'step inside', broken: 'step failed', other: 'step none', last: 'step none' });
  assert.match(weir(['graph', file, '--job', id, '-f', 'mermaid', ...admin]).out, /broken<br>http.*:::failed/);
  const another = weir(['graph', 'pipelines/hello.yaml', '--job', id, ...admin]);
  assert.equal(another.code, 1);
  assert.match(another.err, /the job is one of way, and the file is hello/);
});

test('of a completed job no way is marked, if its steps are not kept', async (t) => {
  const dir = folder(t, { 'p/kept.yaml': 'name: kept\ntrigger: { webhook: { path: /kept, methods: [POST] } }\nrespond: accepted\ndurable: true\nsteps:\n  - id: one\n    set: 1\n' });
  const w = await start(t, join(dir, 'p'), { args: ['--store', `sqlite:${join(dir, 'weir.db')}`] });
  const admin = ['--admin', w.admin.slice('http://'.length)];
  const { job } = await (await fetch(`${w.edge}/kept`, { method: 'POST' })).json();
  await until(() => JSON.parse(weir(['jobs', 'show', job, '--json', ...admin]).out).state === 'completed', 'the job is completed');
  const r = weir(['graph', join(dir, 'p/kept.yaml'), '--job', job, ...admin]);
  assert.equal(r.code, 0, r.err);
  assert.equal(r.err, 'weir graph: no way is marked: of a completed job single steps are kept with durable: steps or a wait alone, as long as what it holds (retention: payloads)\n');
  assert.equal(r.out, weir(['graph', join(dir, 'p/kept.yaml')]).out);
});

test('of a completed job with durable: steps the way is marked', async (t) => {
  const dir = folder(t, { 'p/kept.yaml': 'name: kept\ntrigger: { webhook: { path: /kept, methods: [POST] } }\nrespond: accepted\ndurable: steps\nsteps:\n  - id: one\n    set: 1\n' });
  const w = await start(t, join(dir, 'p'), { args: ['--store', `sqlite:${join(dir, 'weir.db')}`] });
  const admin = ['--admin', w.admin.slice('http://'.length)];
  const { job } = await (await fetch(`${w.edge}/kept`, { method: 'POST' })).json();
  await until(() => JSON.parse(weir(['jobs', 'show', job, '--json', ...admin]).out).state === 'completed', 'the job is completed');
  const r = weir(['graph', join(dir, 'p/kept.yaml'), '--job', job, ...admin]);
  assert.equal(r.code, 0, r.err);
  assert.match(r.out, /\+ one: set 1/);
});
