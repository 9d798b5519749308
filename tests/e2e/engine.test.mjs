// Blocks, calls, retries, deadlines, catches, finally, cancellation: what the engine promises.
import test from 'node:test';
import assert from 'node:assert/strict';
import { start, metric, until } from './lib/weir.mjs';
import { upstream, tcp, connect } from './lib/net.mjs';
import { get, pipeline } from './lib/engine.mjs';

test('without a reply the last output is the answer, null is 204', async (t) => {
  const w = await start(t, {
    'a.yaml': pipeline('a', 'steps:\n  - set: { x: 1 }\n'),
    'b.yaml': pipeline('b', 'steps:\n  - log: nothing flows\n'),
    'c.yaml': pipeline('c', 'steps:\n  - set: "text"\n'),
  });
  assert.deepEqual((await get(w, '/a')).json, { x: 1 });
  assert.equal((await get(w, '/b')).status, 204);
  assert.equal((await get(w, '/c')).text, '"text"');
});

test('the first reply answers at once and the pipeline goes on behind it', async (t) => {
  const up = await upstream(t, (q, r) => r.end('{}'));
  const w = await start(t, {
    'a.yaml': pipeline('a', `steps:
  - reply: { status: 202, json: { early: true } }
  - delay: 50ms
  - http: { url: "${up.url}/behind", method: GET }
  - reply: { status: 500 }
`) });
  const r = await get(w, '/a');
  assert.equal(r.status, 202);
  assert.deepEqual(r.json, { early: true });
  await until(() => up.requests.length === 1, 'the request behind the reply');
});

test('if skips a node, which then has no output', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:
  - id: one
    if: \${ request.query.on == "1" }
    set: { ran: true }
  - set: { one: "\${ steps.one?.ran ?? 'skipped' }" }
`) });
  assert.deepEqual((await get(w, '/a?on=1')).json, { one: true });
  assert.deepEqual((await get(w, '/a?on=0')).json, { one: 'skipped' });
});

test('switch runs the case of its value, else the default', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:
  - switch: \${ request.query.kind }
    cases:
      x: [ { set: { was: x } } ]
      y: [ { set: { was: y } } ]
    default: [ { set: { was: other } } ]
`), 'b.yaml': pipeline('b', `steps:
  - switch:
    cases:
      - when: \${ int(request.query.n) > 10 }
        do: [ { set: large } ]
      - when: \${ int(request.query.n) > 5 }
        do: [ { set: medium } ]
    default: [ { set: small } ]
`) });
  for (const [kind, was] of [['x', 'x'], ['y', 'y'], ['z', 'other']]) assert.deepEqual((await get(w, `/a?kind=${kind}`)).json, { was });
  for (const [n, was] of [[11, 'large'], [6, 'medium'], [1, 'small']]) assert.equal((await get(w, `/b?n=${n}`)).json, was);
});

test('a failing upstream is tried again as often as retry says', async (t) => {
  let n = 0;
  const up = await upstream(t, (q, r) => { r.statusCode = ++n < 3 ? 500 : 200; r.setHeader('content-type', 'application/json'); r.end(JSON.stringify({ n })); });
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:
  - id: call
    http: { url: "${up.url}/", method: GET }
    retry: { attempts: 3, initial: 1ms }
  - set: \${ steps.call.body }
`) });
  assert.deepEqual((await get(w, '/a')).json, { n: 3 });
  assert.equal(up.requests.length, 3);
  assert.equal(await metric(w, 'weir_retries_total', { node: 'call' }), 2);
});

test('an unsafe request that may have been sent is not repeated by itself', async (t) => {
  const up = await upstream(t, (q, r) => { r.statusCode = 500; r.end(); });
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:
  - id: pay
    http: { url: "${up.url}/", method: POST, json: {} }
    retry: { attempts: 3, initial: 1ms }
`) });
  const r = await get(w, '/a');
  assert.equal(r.status, 502);
  assert.equal(r.json.type, 'urn:weir:problem:upstream');
  assert.equal(up.requests.length, 1);
});

test('a block is repeated if all of its steps may be, and never if one may not', async (t) => {
  const up = await upstream(t, (q, r) => { r.statusCode = q.url === '/fails' ? 500 : 200; r.end('{}'); });
  const w = await start(t, {
    'a.yaml': pipeline('a', `steps:
  - id: both
    try:
    do:
      - http: { url: "${up.url}/read", method: GET }
      - http: { url: "${up.url}/fails", method: GET }
    retry: { attempts: 3, initial: 1ms }
`),
    'b.yaml': pipeline('b', `steps:
  - id: both
    try:
    do:
      - http: { url: "${up.url}/write", method: POST, json: {} }
      - http: { url: "http://127.0.0.1:1/", method: GET }
    retry: { attempts: 3, initial: 1ms }
`) });
  assert.equal((await get(w, '/a')).status, 502);
  assert.equal(up.requests.filter((q) => q.url === '/fails').length, 3);
  assert.equal((await get(w, '/b')).status, 502);
  assert.equal(up.requests.filter((q) => q.url === '/write').length, 1);
});

test('a node catch handles its error, and error tells what it was', async (t) => {
  const up = await upstream(t, (q, r) => { r.statusCode = 503; r.end(); });
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:
  - id: call
    http: { url: "${up.url}/", method: GET }
    catch:
      - set: { code: "\${ error.code }", node: "\${ error.node }", status: "\${ error.status }" }
  - set: { was: "\${ steps.call }" }
`), 'b.yaml': pipeline('b', `steps:
  - id: call
    http: { url: "${up.url}/", method: GET }
    catch: []
  - set: { call: "\${ steps.call?.status ?? 'none' }" }
`) });
  assert.deepEqual((await get(w, '/a')).json, { was: { code: 'upstream', node: 'call', status: 503 } });
  assert.deepEqual((await get(w, '/b')).json, { call: 'none' });
});

test('the pipeline catch may answer, the run stays failed, finally sees the reply', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:
  - id: boom
    set: "\${ 1 / int(request.query.by) }"
catch:
  - reply: { status: 418, json: { node: "\${ error.node }", code: "\${ error.code }" } }
finally:
  - metrics: { counter: ends_total, labels: { status: "\${ string(reply.status) }" } }
`) });
  const r = await get(w, '/a?by=0');
  assert.equal(r.status, 418);
  assert.deepEqual(r.json, { node: 'boom', code: 'script' });
  await until(() => metric(w, 'ends_total', { status: '418' }), 'finally ran');
  assert.equal(await metric(w, 'weir_runs_total', { pipeline: 'a', outcome: 'failed' }), 1);
  assert.equal((await get(w, '/a?by=1')).status, 200);
});

test('the earliest deadline wins: attempt, node, pipeline', async (t) => {
  const never = await tcp(t, () => {});
  const w = await start(t, {
    'a.yaml': pipeline('a', `steps:\n  - id: call\n    http: { url: "${never.url}/", method: GET }\n    timeout: 60ms\n    catch: [ { set: { caught: "\${ error.code }" } } ]\n`),
    'b.yaml': pipeline('b', `timeout: 60ms\nsteps:\n  - http: { url: "${never.url}/", method: GET }\n    timeout: 5m\n`),
    'c.yaml': pipeline('c', `steps:\n  - id: call\n    http: { url: "${never.url}/", method: GET }\n    retry: { attempts: 3, timeout: 40ms, initial: 1ms }\n`),
  });
  assert.deepEqual((await get(w, '/a')).json, { caught: 'timeout' });
  const b = await get(w, '/b');
  assert.equal(b.status, 504);
  assert.equal(b.json.type, 'urn:weir:problem:timeout');
  const before = never.count;
  assert.equal((await get(w, '/c')).status, 504);
  assert.equal(never.count - before, 3);
});

test('foreach runs its block for each item, in order, several at once, and collects errors', async (t) => {
  let now = 0, most = 0;
  const up = await upstream(t, (q, r) => {
    most = Math.max(most, ++now);
    setTimeout(() => { now--; r.setHeader('content-type', 'application/json'); r.statusCode = q.url === '/3' ? 500 : 200; r.end(JSON.stringify(q.url)); }, 15);
  });
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:
  - id: all
    foreach: { items: "\${ request.body.list }", concurrency: 3 }
    do:
      - id: one
        http: { url: "${up.url}/\${ item }", method: GET }
      - set: { i: "\${ index }", at: "\${ steps.one.body }" }
`), 'b.yaml': pipeline('b', `steps:
  - foreach: { items: "\${ request.body.list }", on_error: collect }
    do:
      - http: { url: "${up.url}/\${ item }", method: GET }
      - set: \${ item }
`) });
  const post = (path, list) => get(w, path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ list }) });
  const a = await post('/a', [1, 2, 4, 5, 6]);
  assert.deepEqual(a.json, [1, 2, 4, 5, 6].map((n, i) => ({ i, at: `/${n}` })));
  assert.equal(most, 3);
  const b = await post('/b', [1, 3, 2]);
  assert.equal(b.json[0], 1);
  assert.equal(b.json[1].error.code, 'upstream');
  assert.equal(b.json[2], 2);
  assert.equal((await post('/a', [1, 3, 2])).status, 502);
  assert.deepEqual((await post('/a', [])).json, []);
});

test('parallel runs branches side by side, and an error of one ends the others', async (t) => {
  const up = await upstream(t, (q, r) => setTimeout(() => { r.setHeader('content-type', 'application/json'); r.end(JSON.stringify(q.url)); }, 20));
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:
  - id: both
    parallel:
    branches:
      left: [ { id: l, http: { url: "${up.url}/l", method: GET } }, { set: "\${ steps.l.body }" } ]
      right: [ { id: r, http: { url: "${up.url}/r", method: GET } }, { set: "\${ steps.r.body }" } ]
  - set: { both: "\${ steps.both }", again: "\${ steps.l.status }" }
`), 'b.yaml': pipeline('b', `steps:
  - parallel:
    branches:
      slow: [ { delay: 5m } ]
      bad: [ { delay: 5ms }, { set: "\${ 1 / int(request.query.zero) }" } ]
`) });
  assert.deepEqual((await get(w, '/a')).json, { both: { left: '/l', right: '/r' }, again: 200 });
  assert.equal((await get(w, '/b?zero=0')).status, 500);
});

test('call runs another pipeline and gives its reply', async (t) => {
  const w = await start(t, {
    'inner.yaml': `name: inner\nsteps:\n  - reply: { json: { got: "\${ request.body.x }" } }\n`,
    'a.yaml': pipeline('a', 'steps:\n  - call: { pipeline: inner, with: { x: 7 } }\n  - set: { inner: "${ input }" }\n'),
  });
  assert.deepEqual((await get(w, '/a')).json, { inner: { got: 7 } });
});

test('try has one catch for all of its steps', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:
  - try:
    do:
      - set: 1
      - set: "\${ 1 / int(request.query.zero) }"
    catch:
      - set: { caught: "\${ error.code }" }
`) });
  assert.deepEqual((await get(w, '/a?zero=0')).json, { caught: 'script' });
});

test('a caller that goes away cancels the run, and the upstream is told', async (t) => {
  let closed;
  const gone = new Promise((done) => { closed = done; });
  const up = await tcp(t, (s) => s.on('close', closed).resume());
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:\n  - http: { url: "${up.url}/", method: GET }\n`) });
  const c = connect(w.edgePort);
  await c.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => up.count === 1, 'the upstream is called');
  c.end();
  await gone;
  await until(() => metric(w, 'weir_runs_total', { pipeline: 'a', outcome: 'cancelled' }), 'the run is cancelled');
});

test('an answer of an upstream passes through as it is', async (t) => {
  const up = await upstream(t, (q, r, body) => { r.statusCode = 201; r.setHeader('content-type', 'text/x-own'); r.end(`you sent ${body}`); });
  const w = await start(t, { 'a.yaml': pipeline('a', `steps:\n  - http: { url: "${up.url}/", method: POST, body: "\${ request.raw }", parse: bytes }\n`) });
  const r = await get(w, '/a', { method: 'POST', body: 'abc', headers: { 'content-type': 'application/x-unknown' } });
  assert.equal(r.status, 201);
  assert.equal(r.headers.get('content-type'), 'text/x-own');
  assert.equal(r.text, 'you sent abc');
});

test('concurrency holds a pipeline to so many runs, queueing or refusing the rest', async (t) => {
  const w = await start(t, {
    'a.yaml': pipeline('a', 'concurrency: { limit: 1 }\nsteps:\n  - delay: 20ms\n  - set: done\n'),
    'b.yaml': pipeline('b', 'concurrency: { limit: 1, when_full: reject }\nsteps:\n  - delay: 150ms\n  - set: done\n'),
  }, { shards: 2 });
  const all = await Promise.all(Array.from({ length: 5 }, () => get(w, '/a')));
  assert.ok(all.every((r) => r.status === 200));
  const some = await Promise.all(Array.from({ length: 4 }, () => get(w, '/b')));
  assert.equal(some.filter((r) => r.status === 200).length, 1);
  assert.equal(some.filter((r) => r.status === 503).length, 3);
});

test('SIGTERM lets what runs finish and refuses what is new', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('a', 'steps:\n  - delay: 300ms\n  - set: done\n') });
  const running = get(w, '/a');
  await until(() => metric(w, 'http_server_active_requests'), 'the request is in');
  w.child.kill('SIGTERM');
  assert.equal((await running).text, '"done"');
  assert.deepEqual(await w.ended, { code: 0, signal: null });
});
