// Idempotency keys of pipelines that are not durable: in memory, bounded, over threads and reloads.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder, metric, start, until, weir } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

const pipeline = (url, { key = '${ request.headers["idempotency-key"] ?? "" }', more = '', reply = true } = {}) => `
name: a
trigger: { webhook: { path: /in, methods: [POST] } }
idempotency: ${key}
keep_failed: false
${more}
steps:
  - id: work
    http: { method: PUT, url: "${url}/work", json: "\${ request.body }" }
${reply ? `  - reply: { status: 201, headers: { Location: "/x/\${ run.id }" }, json: { run: "\${ run.id }", got: "\${ request.body }" } }` : ''}
`;

async function stage(t, { shards = 1, env, ...options } = {}) {
  const s = { held: null };
  s.u = await upstream(t, (request, response) => {
    if (s.held) s.held.push(() => response.end('{}'));
    else { response.statusCode = s.status ?? 200; response.end('{}'); }
  });
  s.dir = folder(t, { 'a.yaml': pipeline(s.u.url, options) });
  s.w = await start(t, s.dir, { shards, env, args: ['--store', 'none'] });
  s.send = async (key, body = { n: 1 }, headers = {}) => {
    const r = await fetch(`${s.w.edge}/in`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }), ...headers } });
    const text = await r.text();
    return { status: r.status, replayed: r.headers.get('idempotency-replayed'), location: r.headers.get('location'), body: text ? JSON.parse(text) : null };
  };
  return s;
}

for (const shards of [1, 3]) {
  test(`a hundred of one key at once run once and get one answer (${shards} threads)`, async (t) => {
    const s = await stage(t, { shards });
    s.held = [];
    const all = Array.from({ length: 100 }, () => s.send('k'));
    await until(async () => (await metric(s.w, 'weir_idempotency_waiting')) === 99, 'the others wait for the first one');
    await until(() => s.held.length === 1, 'the first one runs');
    const [go] = s.held;
    s.held = null;
    go();
    const answers = await Promise.all(all);
    assert.equal(new Set(answers.map((a) => JSON.stringify([a.status, a.body, a.location]))).size, 1);
    assert.equal(answers[0].status, 201);
    assert.equal(answers[0].location, `/x/${answers[0].body.run}`);
    assert.equal(answers.filter((a) => a.replayed === 'true').length, 99);
    assert.equal(s.u.requests.length, 1);
    const again = await s.send('k');
    assert.deepEqual([again.status, again.body, again.replayed], [201, answers[0].body, 'true']);
    const other = await s.send('other');
    assert.notEqual(other.body.run, answers[0].body.run);
    assert.notEqual((await s.send()).body.run, (await s.send()).body.run);
  });
}

test('the same key with another body is 422; a reload forgets nothing, a restart all', async (t) => {
  const s = await stage(t);
  const first = await s.send('k');
  const wrong = await s.send('k', { n: 2 });
  assert.equal(wrong.status, 422);
  assert.match(wrong.body.detail, /used with another content before/);
  writeFileSync(join(s.dir, 'a.yaml'), pipeline(s.u.url, { more: 'description: changed' }));
  assert.equal(weir(['reload', '--admin', s.w.admin.slice(7)]).code, 0);
  assert.deepEqual((await s.send('k')).body, first.body);
  const checked = weir(['check', s.dir]);
  assert.match(checked.err + checked.out, /W0806.*in the memory of this process only: a restart forgets them/);
  await s.w.stop();
  s.w = await start(t, s.dir, { args: ['--store', 'none'] });
  const after = await s.send('k');
  assert.notEqual(after.body.run, first.body.run);
});

test('while_running: refuse answers 409, and later the same', async (t) => {
  const s = await stage(t, { key: '{ key: "${ request.headers[\'idempotency-key\'] }", while_running: refuse, ttl: 1h }' });
  s.held = [];
  const first = s.send('k');
  await until(() => s.held.length === 1, 'the first one runs');
  const second = await s.send('k');
  assert.equal(second.status, 409);
  assert.match(second.body.detail, /still being worked on/);
  assert.equal((await s.send('k', { n: 2 })).status, 422);
  s.held[0]();
  assert.deepEqual((await first).body, (await s.send('k')).body);
});

test('what failed may be tried again; who waited for it gets its answer', async (t) => {
  const s = await stage(t);
  s.held = [];
  const both = [s.send('k'), s.send('k')];
  await until(() => s.held.length === 1, 'the first one runs');
  await s.u.server.closeAllConnections();
  const answers = await Promise.all(both);
  assert.deepEqual(answers.map((a) => a.status), [502, 502]);
  assert.equal(answers.filter((a) => a.replayed === 'true').length, 1);
  s.held = null;
  const again = await s.send('k');
  assert.deepEqual([again.status, again.replayed], [201, null]);
  assert.equal(s.u.requests.length, 2);
});

test('if the first caller goes away the next one is the first', async (t) => {
  const s = await stage(t);
  s.held = [];
  const stop = new AbortController();
  const gone = fetch(`${s.w.edge}/in`, { method: 'POST', body: '{"n":1}', headers: { 'content-type': 'application/json', 'idempotency-key': 'k' }, signal: stop.signal }).catch(() => {});
  await until(() => s.held.length === 1, 'the first one runs');
  const waiting = new AbortController();
  const left = fetch(`${s.w.edge}/in`, { method: 'POST', body: '{"n":1}', headers: { 'content-type': 'application/json', 'idempotency-key': 'k' }, signal: waiting.signal }).catch(() => {});
  const second = s.send('k');
  waiting.abort(); // one that waits may go, too
  await left;
  stop.abort();
  await gone;
  await until(() => s.held.length === 2, 'the second one runs');
  s.held[1]();
  const answer = await second;
  assert.deepEqual([answer.status, answer.replayed], [201, null]);
});

test('the memory is bounded: what was used longest ago is forgotten', async (t) => {
  const s = await stage(t, { env: { WEIR_ENGINE_IDEMPOTENCY_MEMORY: '64KiB' } });
  const first = await s.send('first');
  for (let i = 0; i < 300; i++) assert.equal((await s.send(`k${i}`)).status, 201);
  const bytes = await metric(s.w, 'weir_idempotency_memory_bytes', {});
  assert.ok(bytes > 0 && bytes <= 65536, `${bytes}`);
  assert.ok((await metric(s.w, 'weir_idempotency_forgotten_total', {})) > 0);
  assert.notEqual((await s.send('first')).body.run, first.body.run);
  const last = await s.send('k299');
  assert.equal(last.replayed, 'true');
});

test('an answer that is not kept is not given twice, and nothing runs twice', async (t) => {
  const s = await stage(t, { key: '{ key: "${ request.headers[\'idempotency-key\'] }" }', env: { WEIR_ENGINE_IDEMPOTENCY_MEMORY: '64KiB' } });
  const big = { n: 'x'.repeat(20_000) }; // more than a part has
  assert.equal((await s.send('k', big)).status, 201);
  const again = await s.send('k', big);
  assert.equal(again.status, 409);
  assert.match(again.body.detail, /its answer is not kept/);
  assert.equal(s.u.requests.length, 1);
});

test('a key has its time', async (t) => {
  const s = await stage(t, { key: '{ key: "${ request.headers[\'idempotency-key\'] }", ttl: 300ms }' });
  const first = await s.send('k');
  assert.deepEqual((await s.send('k')).body, first.body);
  await until(async () => (await s.send('k')).body.run !== first.body.run, 'it is forgotten');
});

test('who waits is refused when the server ends, and nothing leaks', async (t) => {
  const s = await stage(t, { shards: 2 });
  s.held = [];
  const first = s.send('k');
  await until(() => s.held.length === 1, 'the first one runs');
  const others = Array.from({ length: 20 }, () => s.send('k'));
  await until(async () => (await metric(s.w, 'weir_idempotency_waiting', {})) === 20, 'they wait');
  const ended = s.w.stop();
  assert.deepEqual(new Set((await Promise.all(others)).map((a) => a.status)), new Set([503]));
  s.held[0]();
  assert.equal((await first).status, 201);
  await ended;
});
