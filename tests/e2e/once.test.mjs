// Idempotency keys: in memory, bounded, over threads and reloads; and of several gateways, in a Redis.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder, metric, start, until, weir } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';
import { redis } from './lib/redis.mjs';

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

// -- several gateways that share a Redis --

const shared = (more = '') => `{ key: "\${ request.headers['idempotency-key'] ?? '' }", store: "\${ env.REDIS }"${more} }`;

/** Two gateways with one Redis and one upstream: { r, u, a, b, held }; a.send(key, body, headers). */
async function two(t, { key = shared(), args = () => ['--store', 'none'], pipelines, ...options } = {}) {
  const s = { held: null, r: await redis(t) };
  s.u = await upstream(t, (request, response) => {
    if (s.held) s.held.push(() => response.end('{}'));
    else { response.statusCode = s.status ?? 200; response.end('{}'); }
  });
  s.begin = async () => {
    const w = await start(t, folder(t, pipelines?.(s.u.url) ?? { 'a.yaml': pipeline(s.u.url, { key, ...options }) }), { shards: 2, env: { REDIS: s.r.url }, args: args() });
    w.send = async (name, body = { n: 1 }, headers = {}, signal = undefined) => {
      const r = await fetch(`${w.edge}/in`, { method: 'POST', signal, body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...(name && { 'idempotency-key': name }), ...headers } });
      const text = await r.text();
      return { status: r.status, replayed: r.headers.get('idempotency-replayed'), retry: r.headers.get('retry-after'), body: text ? JSON.parse(text) : null };
    };
    w.said = (decision) => metric(w, 'weir_idempotency_store_total', { decision });
    return w;
  };
  [s.a, s.b] = await Promise.all([s.begin(), s.begin()]);
  s.keys = () => s.r.command('KEYS', 'weir:once:*');
  return s;
}

test('a hundred of one key at two gateways run once and get one answer, which outlives both', async (t) => {
  const s = await two(t);
  s.held = [];
  const all = Array.from({ length: 100 }, (_, i) => (i % 2 ? s.a : s.b).send('k'));
  const waiting = async () => (await metric(s.a, 'weir_idempotency_waiting', {})) + (await metric(s.b, 'weir_idempotency_waiting', {}));
  await until(async () => (await waiting()) === 98, 'of each gateway all but one wait');
  await until(() => s.held.length === 1, 'the first one runs');
  const [key] = await s.keys();
  const lease = await s.r.command('PTTL', key);
  assert.ok(lease > 0 && lease <= 30_000, `${lease}`);
  const [go] = s.held;
  s.held = null;
  go();
  const answers = await Promise.all(all);
  assert.equal(new Set(answers.map((a) => JSON.stringify([a.status, a.body]))).size, 1);
  assert.equal(answers[0].status, 201);
  assert.equal(answers.filter((a) => a.replayed === 'true').length, 99);
  assert.equal(s.u.requests.length, 1);
  assert.ok((await s.r.command('PTTL', key)) > 23 * 3600_000);
  const wrong = await s.a.send('k', { n: 2 });
  assert.equal(wrong.status, 422);
  await Promise.all([s.a.stop(), s.b.stop()]);
  const c = await s.begin();
  assert.deepEqual(await c.send('k'), { status: 201, replayed: 'true', retry: null, body: answers[0].body });
  assert.equal((await c.send('k', { n: 2 })).status, 422);
  assert.equal((await c.send('other')).replayed, null);
  assert.deepEqual([await c.said('again'), await c.said('first'), await c.said('lost')], [1, 1, 0]);
  const d = await s.begin();
  assert.equal((await d.send('k', { n: 2 })).status, 422);
  assert.equal(await d.said('content'), 1);
  assert.equal(s.u.requests.length, 2);
});

test('what runs at one gateway is refused at another (while_running: refuse), and free where it failed', async (t) => {
  const s = await two(t, { key: shared(', while_running: refuse, ttl: 1h') });
  s.held = [];
  const first = s.a.send('k');
  await until(() => s.held.length === 1, 'the first one runs');
  const second = await s.b.send('k');
  assert.equal(second.status, 409);
  assert.match(second.body.detail, /still being worked on/);
  assert.equal(await s.b.said('running'), 1);
  await s.u.server.closeAllConnections();
  assert.equal((await first).status, 502);
  s.held = null;
  await until(async () => (await s.keys()).length === 0, 'the key is free');
  const again = await s.b.send('k');
  assert.deepEqual([again.status, again.replayed], [201, null]);
  await until(async () => (await s.a.send('k')).replayed === 'true', 'the other one knows the answer'); // Redis may hear of it a moment after the caller: 409 till then
  assert.equal(s.u.requests.length, 2);
});

test('the key of a gateway that died is taken over; who waits may go, or is refused at the end', async (t) => {
  const s = await two(t);
  s.held = [];
  const lost = s.a.send('k').catch(() => 'lost');
  await until(() => s.held.length === 1, 'the first one runs');
  const stop = new AbortController();
  const gone = s.b.send('k', { n: 1 }, {}, stop.signal).catch(() => 'gone');
  const [key] = await s.keys();
  await until(async () => (await metric(s.b, 'weir_redis_commands_total', { outcome: 'ok' })) >= 2, 'it has looked twice');
  stop.abort();
  assert.equal(await gone, 'gone');
  const next = s.b.send('k');
  const c = await s.begin();
  const refused = c.send('k');
  await until(async () => (await metric(c, 'weir_redis_commands_total', { outcome: 'ok' })) >= 2, 'it waits');
  await c.stop();
  assert.equal((await refused).status, 503);
  s.a.killed = true;
  process.kill(s.a.worker, 'SIGKILL'); // the supervisor starts another, which knows nothing
  assert.equal(await lost, 'lost');
  await s.r.command('PEXPIRE', key, '1'); // as if its time had come
  await until(() => s.held.length === 2, 'the next one runs');
  s.held[1]();
  assert.deepEqual([(await next).status, (await next).replayed], [201, null]);
});

test('what runs for long keeps its key: the lease is renewed', async (t) => {
  const s = await two(t);
  s.held = [];
  const first = s.a.send('k');
  await until(() => s.held.length === 1, 'the first one runs');
  const [key] = await s.keys();
  await s.r.command('PEXPIRE', key, '15000');
  await until(async () => (await s.r.command('PTTL', key)) > 25_000, 'the lease is renewed', 14_000);
  const second = s.b.send('k');
  await until(async () => (await metric(s.b, 'weir_redis_commands_total', { outcome: 'ok' })) >= 2, 'it waits');
  s.held[0]();
  assert.deepEqual([(await first).replayed, (await second).replayed, s.u.requests.length], [null, 'true', 1]);
});

for (const policy of ['open', 'closed'])
  test(`without its Redis: ${policy}`, async (t) => {
    const s = await two(t, { key: shared(`, on_store_error: ${policy}`) });
    const first = await s.a.send('k');
    s.r.freeze();
    if (policy === 'open') {
      assert.equal((await s.a.send('k')).replayed, 'true'); // known here
      assert.deepEqual([(await s.a.send('x')).status, (await s.b.send('x')).status], [201, 201]);
      assert.deepEqual([await s.a.said('open'), await s.b.said('open')], [1, 1]);
    } else {
      const refused = await s.b.send('k');
      assert.deepEqual([refused.status, refused.retry], [503, '1']);
      assert.match(refused.body.detail, /the store of idempotency keys is not to be had/);
      assert.equal(await s.b.said('closed'), 1);
    }
    s.r.thaw();
    for (const w of [s.b, s.a]) // each shard has a connection of its own
      await until(async () => {
        const before = await w.said('first');
        await Promise.all(Array.from({ length: 12 }, () => w.send(`n${Math.random()}`)));
        return (await w.said('first')) - before === 12;
      }, 'all claims are made again');
    const again = await s.b.send('k');
    assert.deepEqual([again.replayed, again.body], ['true', first.body]);
  });

test('a sender\'s id counts once at two gateways (verify), and is a job at one of them (durable)', async (t) => {
  const hook = (url, top) => `
name: ${top.includes('durable') ? 'jobs' : 'hooks'}
${top}
trigger: { webhook: { path: ${top.includes('durable') ? '/jobs' : '/hooks'}, verify: { scheme: github, secret: s, dedupe: { ttl: 1h, store: "\${ env.REDIS }" } } } }
steps:
  - http: { method: PUT, url: "${url}/work", json: "\${ request.body }" }
  - reply: { json: { run: "\${ run.id }" } }
`;
  const s = await two(t, {
    args: () => ['--store', `sqlite:${join(folder(t), 'weir.db')}`],
    pipelines: (url) => ({ 'a.yaml': hook(url, ''), 'b.yaml': hook(url, 'durable: true\nrespond: result'), 'c.yaml': hook(url, 'durable: true\nrespond: accepted').replace('jobs', 'later').replace('/jobs', '/later') }),
  });
  const send = async (w, path, id) => {
    const body = '{"a":1}';
    const r = await fetch(`${w.edge}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json', 'x-github-delivery': id, 'x-hub-signature-256': `sha256=${createHmac('sha256', 's').update(body).digest('hex')}` } });
    return { status: r.status, replayed: r.headers.get('idempotency-replayed'), body: await r.json() };
  };
  for (const path of ['/hooks', '/jobs', '/later']) {
    const first = await send(s.a, path, '1');
    const again = await until(async () => { const r = await send(s.b, path, '1'); return r.status === first.status && r; }, 'it is kept');
    assert.deepEqual([again.replayed, again.body], ['true', first.body]);
    assert.equal(first.replayed, null);
    const other = await send(s.b, path, '2');
    assert.equal(other.replayed, null);
    assert.deepEqual((await send(s.a, path, '2')).body, other.body);
  }
  await until(() => s.u.requests.length === 6, 'each ran once');
  s.held = []; // a job that runs is known to the other gateway already
  const first = send(s.a, '/jobs', '3');
  await until(() => s.held.length === 1, 'it runs');
  const told = await send(s.b, '/jobs', '3');
  assert.deepEqual([told.status, told.replayed], [202, 'true']);
  s.held[0]();
  assert.equal((await first).status, 200);
  await until(async () => (await send(await s.begin(), '/jobs', '3')).status === 200, 'its result is known');
  assert.equal(s.u.requests.length, 7);
});
