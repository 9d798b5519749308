// HTTP/2 frame by frame: what is an attack, and what it may cost (RFC 9113).
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { start, metric, until, slow, sanitized } from './lib/weir.mjs';
import { tcp, upstream } from './lib/net.mjs';
import { open, frame, fields, headers, data, rst, ping, window, settings, preface, type, flag, error, setting } from './lib/h2.mjs';
import { begin, flood, get, pipelines, post, refused, serves, size } from './lib/h2_stage.mjs';

test('to be told to go on pays for no reset', async (t) => {
  const w = await begin(t);
  const c = await open(w.edgePort);
  let calm = false;
  for (let n = 0; n < 2000 && !calm; n++) {
    const id = 2 * n + 1;
    await c.write(headers(id, [...post(), ['expect', '100-continue'], ['content-length', '1']], flag.END_HEADERS));
    const f = await c.until((one) => one.type === type.GOAWAY || (one.type === type.HEADERS && one.stream === id));
    calm = f.type === type.GOAWAY;
    if (!calm) await c.write(data(id, 'x', flag.END_STREAM), rst(id));
  }
  assert.equal(await c.goaway(), error.ENHANCE_YOUR_CALM);
});

test('more than a hundred streams at once are refused, to be tried again', async (t) => {
  const w = await begin(t);
  const c = await open(w.edgePort, [], { manners: false });
  for (let n = 0; n < 101; n++) await c.write(headers(2 * n + 1, post(), flag.END_HEADERS));
  assert.equal((await c.answer(201)).reset, error.REFUSED_STREAM);
  await c.write(data(1, 'x', flag.END_STREAM));
  assert.equal((await c.answer(1)).status, 200);
  await c.write(headers(203, post(), flag.END_HEADERS), data(203, 'ab', flag.END_STREAM));
  assert.equal((await c.answer(203)).body, '2');
  assert.equal(await refused(w, 'streams'), 1);
  c.end();
});

test('floods are told to calm down, and counted', async (t) => {
  const w = await begin(t);
  const floods = {
    'requests that are reset at once': [2000, (i) => [headers(2 * i + 1, post(), flag.END_HEADERS), rst(2 * i + 1)]],
    'fields that unfold to far more than they are': [300, (i) => [headers(2 * i + 1, Buffer.concat([fields(get()), fields([['x', 'y'.repeat(4000)]], true), Buffer.alloc(100, 0xbe)]))]],
    'requests that could be answered at once, and are reset': [400, (i) => [headers(2 * i + 1, [[':method', 'GET'], [':scheme', 'http'], [':path', '/nowhere'], [':authority', 'a']]), rst(2 * i + 1)]],
    'requests that are malformed': [2000, (i) => [headers(2 * i + 1, [...get(), ['connection', 'close']])], true],
    'requests beyond those that may be at once': [30, (i) => Array.from({ length: 100 }, (_, n) => headers(2 * (100 * i + n) + 1, post(), flag.END_HEADERS))],
    'CONTINUATION': [100, (i) => (i === 0 ? [headers(1, get(), 0)] : [frame(type.CONTINUATION, 0, 1, fields([[`x-${i}`, 'y']]))])],
    'CONTINUATION that is empty': [100, (i) => (i === 0 ? [headers(1, get(), 0)] : [frame(type.CONTINUATION, 0, 1)])],
    'PING': [100, () => Array(100).fill(ping())],
    'SETTINGS': [100, () => Array(100).fill(settings())],
    'SETTINGS with an entry': [100, (i) => Array(100).fill(settings([[setting.INITIAL_WINDOW_SIZE, 1000 + i]]))],
    'PRIORITY': [100, (i) => Array.from({ length: 100 }, (_, n) => frame(type.PRIORITY, 0, 2 * (100 * i + n) + 3, Buffer.from([0, 0, 0, 1, 1])))],
    'WINDOW_UPDATE': [100, () => Array(100).fill(window(0, 1))],
    'unknown frames': [100, () => Array(100).fill(frame(0x42, 0, 0, 'x'))],
    'DATA that is empty': [100, (i) => (i === 0 ? [headers(1, post(), flag.END_HEADERS)] : Array(100).fill(data(1, '')))],
    'DATA that is padding': [100, (i) => (i === 0 ? [headers(1, post(), flag.END_HEADERS)] : Array(50).fill(frame(type.DATA, flag.PADDED, 1, Buffer.from([3, 0, 0, 0]))))],
    'DATA of a stream that was refused': [100, (i) => (i === 0 ? [headers(1, [...post(), ['content-length', '2000000']], flag.END_HEADERS)] : Array(50).fill(data(1, 'x')))],
  };
  for (const [name, [times, write, answered]] of Object.entries(floods)) {
    const before = await refused(w, 'flood');
    const c = await open(w.edgePort);
    assert.equal(await flood(c, times, write, answered), error.ENHANCE_YOUR_CALM, name);
    assert.equal(await refused(w, 'flood'), before + 1, name);
  }
  await until(async () => await metric(w, 'http_server_active_requests') === 0, 'nothing is left at work');
  const c = await open(w.edgePort);
  await serves(c, 1);
  c.end();
});

test('who reads nothing and makes weir answer is closed', async (t) => {
  const w = await begin(t, 'edge.write_timeout=1s');
  const c = await open(w.edgePort);
  await serves(c, 1);
  c.socket.pause();
  for (let n = 0; n < 100; n++) await c.write(headers(2 * n + 3, get('/large')), window(0, 1_000_000));
  await until(async () => await metric(w, 'weir_edge_connections') === 0, 'it is closed');
  assert.ok(await refused(w, 'slow_reader') >= 1);
  c.end();
});

test('a window that stays shut ends its stream, and no other', async (t) => {
  const w = await begin(t, 'edge.write_timeout=1s');
  const c = await open(w.edgePort, [[setting.INITIAL_WINDOW_SIZE, 0]]);
  await c.write(headers(1, get('/large')), headers(3, get()), window(3, 100_000));
  assert.equal((await c.answer(3)).status, 200);
  assert.equal((await c.answer(1)).reset, error.CANCEL);
  assert.equal(await refused(w, 'slow_reader'), 1);
  await c.write(headers(5, get()), window(5, 100_000));
  assert.equal((await c.answer(5)).status, 200);
  c.end();
});

test('when memory is short, answers that nobody takes go, and who takes them is served', { skip: sanitized && 'figures of a release build' }, async (t) => {
  const up = await upstream(t, (request, response) => response.end(Buffer.alloc(1024 * 1024)));
  const fetched = `name: fetched\ntrigger: { webhook: { path: /fetched, methods: [GET] } }\nsteps:\n  - { id: ask, http: { url: "${up.url}/", parse: bytes } }\n  - reply: { body: "\${ steps.ask.body }" }\n`;
  const w = await start(t, { ...pipelines, 'fetched.yaml': fetched }, { args: ['--store', 'none', ...['edge.h2c=true', 'edge.write_timeout=5m', 'memory.limit=96MiB'].flatMap((s) => ['--set', s])] });
  const c = await open(w.edgePort);
  await serves(c, 1); // who was not served yet is refused sooner
  await c.write(settings([[setting.INITIAL_WINDOW_SIZE, 0]]));
  // One after another: of many at once more would fail than have to, and what the others hold would be no want. Windows that
  // open by a byte are as good as shut.
  for (let n = 0; n < 100; n++) {
    await c.write(headers(2 * n + 3, get('/fetched')), window(2 * n + 3, 1));
    await c.until((f) => f.stream === 2 * n + 3 && (f.type === type.DATA || f.type === type.RST_STREAM));
  }
  await w.log((l) => /memory runs short/.test(l.msg));
  await until(async () => (await fetch(`${w.edge}/any/x`).catch(() => ({}))).status === 200 && await refused(w, 'slow_reader') > 0, 'there is memory again');
  // At the last step of memory a stream on which nothing may be said ends before it begins: it may be the first that ended.
  const codes = c.frames.filter((f) => f.type === type.RST_STREAM).map((f) => f.payload.readUInt32BE(0));
  assert.ok(codes.includes(error.CANCEL), `an answer that nobody takes ends: ${codes}`);
  assert.deepEqual(codes.filter((code) => ![error.CANCEL, error.ENHANCE_YOUR_CALM].includes(code)), []);
  c.end();
});

test('tiny windows, and windows that change, get the answer whole', async (t) => {
  const w = await begin(t);
  const c = await open(w.edgePort, [[setting.INITIAL_WINDOW_SIZE, 0]]);
  await c.write(headers(1, get()));
  const over = c.answer(1);
  await c.until((f) => f.type === type.HEADERS && f.stream === 1);
  let done = false;
  over.then(() => { done = true; });
  for (let n = 0; n < 600 && !done; n++) {
    await c.write(window(1, 1));
    await Promise.race([over, c.until(() => c.frames.filter((f) => f.type === type.DATA).length > n)]);
  }
  assert.ok('host' in JSON.parse((await over).body).headers);
  // The first window shrinks below what was sent, and grows again.
  const d = await open(w.edgePort, [[setting.INITIAL_WINDOW_SIZE, 60_000]]);
  await d.write(headers(1, get('/large')));
  await d.until(() => d.frames.filter((f) => f.type === type.DATA).reduce((n, f) => n + f.payload.length, 0) === 60_000);
  await d.write(settings([[setting.INITIAL_WINDOW_SIZE, 1]]), window(0, 2_000_000), settings([[setting.INITIAL_WINDOW_SIZE, 2_000_000]]));
  assert.equal((await d.answer(1)).body.length, size);
  // A window beyond 2^31 - 1 is the stream's fault.
  await d.write(headers(3, post(), flag.END_HEADERS), window(3, 2 ** 31 - 1));
  assert.equal((await d.answer(3)).reset, error.FLOW_CONTROL_ERROR);
  c.end();
  d.end();
});

test('headers, bodies and whole connections have their deadlines', async (t) => {
  const w = await begin(t, 'edge.header_timeout=1s', 'edge.body_timeout=1s');
  const head = await open(w.edgePort, [], { manners: false }); // nothing may come between
  await head.write(headers(1, get(), flag.END_STREAM));
  const body = await open(w.edgePort);
  await body.write(headers(1, post(), flag.END_HEADERS), data(1, 'x'));
  const nothing = await open(w.edgePort);
  const half = await open(w.edgePort, [], { greet: false });
  await half.write(preface.slice(0, 20));
  assert.equal((await body.answer(1)).status, 408);
  await serves(body, 3);
  assert.equal(await head.goaway(), error.ENHANCE_YOUR_CALM);
  assert.equal(await nothing.goaway(), error.NO_ERROR);
  await half.ended;
  assert.equal(await refused(w, 'body_deadline'), 1);
  assert.equal(await refused(w, 'header_deadline'), 2);
  body.end();
});

test('a body that outgrows the flow-control window is the caller\'s fault', async (t) => {
  const w = await begin(t);
  const c = await open(w.edgePort);
  // Its answer is due to nobody: 404 is sent, and the reset; the connection's window is open all the same.
  await c.write(headers(1, post('/nowhere'), flag.END_HEADERS));
  await c.until((f) => f.type === type.RST_STREAM && f.stream === 1);
  for (let n = 0; n < 200; n++) await c.write(data(1, Buffer.alloc(16_000)));
  await serves(c, 3);
  c.end();
  const d = await open(w.edgePort);
  await d.write(headers(1, [...post('/any/x')], flag.END_HEADERS));
  await d.write(...Array.from({ length: 80 }, () => data(1, Buffer.alloc(16_000))));
  const a = await d.answer(1).catch(() => ({ gone: true }));
  assert.ok(a.gone || a.reset === error.FLOW_CONTROL_ERROR || a.status === 413, JSON.stringify(a));
  d.end();
});

const rss = (w) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${w.worker}/status`, 'utf8'))[1]) / 1024;

/**
 * Sends a body of SIZE bytes on each of the N streams 1, 3, 5 ... as the windows allow, ENDS or not, until all is sent
 * or, if that is not to be waited for, nothing is allowed for a while: the bytes.
 */
async function upload(c, n, size, { ends, all }) {
  const open = new Map(Array.from({ length: n }, (_, k) => [2 * k + 1, { window: 65_535, left: size }]));
  let [forAll, sent, at] = [65_535, 0, 0];
  for (let still = 0; still < 50 && open.size > 0;) {
    for (; at < c.frames.length; at++) {
      const f = c.frames[at];
      if (f.type !== type.WINDOW_UPDATE) continue;
      if (f.stream === 0) forAll += f.payload.readUInt32BE(0);
      else if (open.has(f.stream)) open.get(f.stream).window += f.payload.readUInt32BE(0);
    }
    let any = false;
    for (const [id, s] of open) {
      const k = Math.min(s.window, forAll, 16_000, s.left);
      if (k <= 0) continue;
      any = true;
      s.window -= k;
      s.left -= k;
      forAll -= k;
      sent += k;
      await c.write(data(id, Buffer.alloc(k, 'x'), ends && s.left === 0 ? flag.END_STREAM : 0));
      if (s.left === 0) open.delete(id);
    }
    still = any || all ? 0 : still + 1;
    if (!any && all) await c.until(() => c.frames.length > at);
    else if (!any) await new Promise((done) => setTimeout(done, 20));
  }
  return sent;
}

for (const ends of [false, true]) {
  test(`what one connection makes weir hold stays below 16 MiB, with bodies that ${ends ? 'are at work' : 'never end'}`, { skip: sanitized }, async (t) => {
    const up = await tcp(t, (socket) => socket.resume()); // it never answers
    const hold = `
name: hold
trigger:
  webhook: { path: /hold, methods: [POST], max_body: 1MiB }
steps:
  - http: { method: POST, url: "${up.url}/", body: { size: "\${ size(request.raw) }" } }
  - reply: { text: "\${ string(size(request.raw)) }" }
`;
    const w = await start(t, { ...pipelines, 'hold.yaml': hold }, { args: ['--store', 'none', '--set', 'edge.h2c=true'] });
    const warm = await open(w.edgePort);
    await serves(warm, 1);
    warm.end();
    const before = rss(w);
    const c = await open(w.edgePort);
    // A hundred requests with heads of 30 KiB, 4 KiB of which are in the table.
    for (let n = 0; n < 100; n++) {
      const big = n === 0 ? fields([['x', 'y'.repeat(4000)]], true) : Buffer.from([0xbe]);
      await c.write(headers(2 * n + 1, Buffer.concat([fields(post('/hold')), big, Buffer.alloc(6, 0xbe)]), flag.END_HEADERS));
    }
    const sent = await upload(c, 100, 1024 * 1024 - 1, { ends });
    const grown = rss(w) - before;
    assert.ok(!c.closed, 'the connection is open');
    assert.ok(sent > 4_000_000 && sent < 15_000_000, `${sent} bytes were let in`);
    assert.ok(grown < 16, `${grown.toFixed(1)} MiB for ${sent} bytes`);
    c.end();
    await until(async () => await metric(w, 'http_server_active_requests') === 0, 'all is let go');
  });
}

test('a body that waits for room is not forgotten', async (t) => {
  const w = await begin(t);
  const c = await open(w.edgePort);
  for (let n = 0; n < 30; n++) await c.write(headers(2 * n + 1, post(), flag.END_HEADERS));
  assert.equal(await upload(c, 30, 500_000, { ends: true, all: true }), 30 * 500_000);
  for (let n = 0; n < 30; n++) assert.deepEqual(await c.answer(2 * n + 1), { status: 200, body: '500000' });
  c.end();
});

test('an idle connection costs little', { skip: sanitized || slow }, async (t) => {
  const w = await begin(t);
  const all = [];
  const one = async () => { const c = await open(w.edgePort); await serves(c, 1); all.push(c); };
  for (let n = 0; n < 20; n++) await one();
  const before = rss(w);
  for (let n = 0; n < 200; n++) await one();
  const each = (rss(w) - before) * 1024 / 200;
  for (const c of all) c.end();
  assert.ok(each <= 32, `${each.toFixed(1)} KiB`);
});
