// What went wrong once in the engine: ends in one turn, deadlines one inside the other, large loops, hard stops.
import test from 'node:test';
import assert from 'node:assert/strict';
import { start, metric, until, sanitized } from './lib/weir.mjs';
import { upstream, connect } from './lib/net.mjs';
import { get, pipeline } from './lib/engine.mjs';

const post = (w, path, body) => get(w, path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

test('many runs end at once, with a catch and a finally that wait for nothing', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:
  - delay: 200ms
  - set: "\${ 1 / int(request.query.by) }"
catch:
  - log: caught
finally:
  - log: over
`) });
  const all = await Promise.all(Array.from({ length: 100 }, (_, i) => get(w, `/a?by=${i % 2}`)));
  assert.equal(all.filter((r) => r.status === 200).length, 50);
  assert.equal(all.filter((r) => r.status === 500).length, 50);
});

test('the deadline of what encloses a node is not the node\'s to catch, retry or collect', async (t) => {
  const w = await start(t, {
    'a.yaml': pipeline('a', `steps:
  - id: all
    foreach: { items: "\${ request.body }", on_error: collect }
    timeout: 100ms
    do:
      - delay: 30ms
        catch: []
`),
    'b.yaml': pipeline('b', 'timeout: 60ms\nsteps:\n  - delay: 5m\n    catch: []\n'),
    'c.yaml': pipeline('c', `steps:
  - id: outer
    try:
    timeout: 60ms
    do:
      - delay: 5m
        catch: [ { set: swallowed } ]
    catch: [ { set: "\${ error.node }" } ]
`),
  });
  assert.equal((await post(w, '/a', Array.from({ length: 50 }, (_, i) => i))).status, 504);
  assert.equal((await get(w, '/b')).status, 504);
  for (let i = 0; i < 5; i++) assert.equal((await get(w, '/c')).json, 'outer');
});

test('a loop over ten thousand items with failures in it stays small', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:
  - foreach: { items: "\${ request.body }", concurrency: 100 }
    do:
      - { id: a, set: "\${ 1 / (item - item) }", retry: { attempts: 5, initial: 1ms, jitter: false, on: [script] }, catch: [ { set: "\${ error.code + run.started_at }" } ] }
      - { id: b, set: "\${ 1 / (item - item) }", retry: { attempts: 5, initial: 1ms, jitter: false, on: [script] }, catch: [] }
      - { id: c, set: "\${ 1 / (item - item) }", retry: { attempts: 5, initial: 1ms, jitter: false, on: [script] }, catch: [] }
      - { id: d, set: "\${ 1 / (item - item) }", retry: { attempts: 5, initial: 1ms, jitter: false, on: [script] }, catch: [] }
      - set: \${ index }
`) });
  const before = await metric(w, 'process_resident_memory_bytes');
  const n = 10000;
  const r = await post(w, '/a', Array.from({ length: n }, (_, i) => i));
  assert.equal(r.status, 200, r.text.slice(0, 300));
  assert.equal(r.json.length, n);
  assert.equal(r.json[n - 1], n - 1);
  const after = await metric(w, 'process_resident_memory_bytes');
  if (!sanitized) assert.ok(after - before < 40 << 20, `${(after - before) >> 20} MiB`);
});

test('a called pipeline without a reply gives its last output, that of http whole', async (t) => {
  const up = await upstream(t, (q, r) => { r.statusCode = 201; r.setHeader('content-type', 'application/json'); r.end('{"x":1}'); });
  const w = await start(t, {
    'inner.yaml': `name: inner\nsteps:\n  - http: { url: "${up.url}/", method: GET }\n`,
    'none.yaml': 'name: none\nsteps:\n  - log: nothing flows\n',
    'a.yaml': pipeline('a', 'steps:\n  - id: c\n    call: inner\n  - set: { status: "${ steps.c.status }", body: "${ steps.c.body }" }\n'),
    'b.yaml': pipeline('b', 'steps:\n  - id: c\n    call: none\n  - set: { none: "${ steps.c }" }\n'),
  });
  assert.deepEqual((await get(w, '/a')).json, { status: 201, body: { x: 1 } });
  assert.deepEqual((await get(w, '/b')).json, { none: null });
});

test('a stream that breaks behind a reply makes the run a failed one', async (t) => {
  const up = await upstream(t, (q, r) => { r.write('x'.repeat(1000)); setTimeout(() => r.destroy(), 50); });
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:
  - id: s
    http: { url: "${up.url}/", method: GET, stream: true }
  - reply: { body: "\${ steps.s.body }" }
  - delay: 300ms
`) });
  await assert.rejects(get(w, '/a'));
  await until(() => metric(w, 'weir_runs_total', { pipeline: 'a', outcome: 'failed' }), 'the run has failed');
});

test('the second signal ends the process at once, whatever runs', async (t) => {
  const up = await upstream(t, () => {});
  const w = await start(t, {
    'a.yaml': pipeline('a', `steps:\n  - parallel:\n    branches:\n      x: [ { delay: 5m } ]\n      y: [ { http: { url: "${up.url}/", method: GET } } ]\n    timeout: 1m\nfinally:\n  - delay: 4s\n`),
    'b.yaml': pipeline('b', 'steps:\n  - reply: { text: early }\nfinally:\n  - delay: 4s\n'),
    'c.yaml': pipeline('c', 'concurrency: 1\nsteps:\n  - delay: 5m\n'),
  });
  const running = [get(w, '/a'), get(w, '/c'), get(w, '/c')].map((p) => p.catch(() => {}));
  await get(w, '/b');
  await until(() => up.requests.length === 1, 'the run is under way');
  w.child.kill('SIGTERM');
  await w.log((l) => /^draining/.test(l.msg));
  const began = Date.now();
  w.child.kill('SIGTERM');
  assert.deepEqual(await w.ended, { code: 0, signal: null });
  assert.ok(Date.now() - began < 2500);
  await Promise.all(running);
});

test('a slow caller gets its answer whole while the server drains', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('a', 'steps:\n  - reply: { text: "${ request.body.x.map(i, i + i + i + i).join(\'\') }" }\n') });
  const c = connect(w.edgePort);
  c.socket.pause();
  const body = JSON.stringify({ x: Array.from({ length: 100 }, () => 'y'.repeat(10000)) });
  await c.write(`POST /a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await until(() => metric(w, 'weir_runs_total', { pipeline: 'a', outcome: 'completed' }), 'the run is over');
  w.child.kill('SIGTERM');
  await w.log((l) => /^draining/.test(l.msg));
  await new Promise((done) => setTimeout(done, 300));
  c.socket.resume();
  const text = await c.ended;
  assert.equal(text.length - text.indexOf('\r\n\r\n') - 4, 4_000_000);
  assert.deepEqual(await w.ended, { code: 0, signal: null });
});

test('a reload that is asked for while the server drains is refused, not forgotten', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('a', 'steps:\n  - delay: 700ms\n  - set: done\n') });
  const running = get(w, '/a');
  await until(() => metric(w, 'http_server_active_requests'), 'the request is in');
  w.child.kill('SIGTERM');
  await w.log((l) => /^draining/.test(l.msg));
  const r = await fetch(w.admin + '/api/v1/reload', { method: 'POST', signal: AbortSignal.timeout(500) });
  assert.equal(r.status, 503);
  assert.equal((await running).status, 200);
});
