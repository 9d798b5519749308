// Caches on the real binary: over shards, and over gateways on a real Redis, which goes away and comes back.
import test from 'node:test';
import assert from 'node:assert/strict';
import { start, metric, until } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';
import { redis } from './lib/redis.mjs';

/** A pipeline NAME at /NAME/{key}: a cache with OPTIONS around STEPS, which are indented by six. */
const caching = (name, options, steps) => `
name: ${name}
trigger:
  webhook: { path: "/${name}/{key}", methods: [GET, POST] }
steps:
  - cache: { name: ${name}, key: "\${ request.params.key }", ${options} }
    do:
${steps}
`;
const asking = (peer) => `      - http: "${peer.url}/\${ request.params.key }"`;

/** An upstream that counts: its answers differ each time. HOLD: a promise that answers wait for. */
async function counting(t) {
  const u = { n: 0, hold: null, status: 200 };
  const peer = await upstream(t, async (q, s) => {
    const n = ++u.n;
    await u.hold;
    s.writeHead(u.status, { 'content-type': 'text/x-count; charset=utf-8' }).end(`number ${n}`);
  });
  u.url = peer.url;
  return u;
}

const get = async (w, path) => {
  const r = await fetch(w.edge + path, { headers: { connection: 'close' } });
  return { status: r.status, type: r.headers.get('content-type'), text: await r.text() };
};

/** Something to wait for, until it is let go. */
function gate() {
  let open;
  const closed = new Promise((done) => { open = done; });
  return { closed, open };
}

/** Waits until entries are kept in Redis on every shard of W: its first command takes the connection's time besides. */
const reached = async (w, name) => {
  let good = 0;
  await until(async () => {
    const before = await metric(w, 'weir_cache_requests_total', { cache: name, result: 'error' });
    await Promise.all(Array.from({ length: 8 }, () => get(w, `/${name}/warm`)));
    good = await metric(w, 'weir_cache_requests_total', { cache: name, result: 'error' }) === before ? good + 1 : 0;
    return good > 2;
  }, 'Redis is reached');
};

test('two shards share what is in the process, and each runs the steps once for all at once', async (t) => {
  const u = await counting(t);
  const w = await start(t, { 'a.yaml': caching('a', 'ttl: 1h', asking(u)) }, { shards: 2 });
  const g = gate();
  u.hold = g.closed;
  const all = Array.from({ length: 40 }, () => get(w, '/a/k'));
  await until(async () => u.n > 0 && await metric(w, 'weir_edge_connections') >= 40, 'all are there');
  g.open();
  const answers = await Promise.all(all);
  assert.ok(u.n <= 2, `${u.n} requests`);
  for (const a of answers) {
    assert.equal(a.status, 200);
    assert.equal(a.type, 'text/x-count; charset=utf-8');
    assert.match(a.text, /^number [12]$/);
  }
  const before = u.n;
  const kept = await Promise.all(Array.from({ length: 20 }, () => get(w, '/a/k')));
  assert.equal(new Set(kept.map((a) => a.text)).size, 1);
  assert.equal(u.n, before);
  const total = await metric(w, 'weir_cache_requests_total', { cache: 'a' });
  assert.equal(total, 60);
  assert.equal(await metric(w, 'weir_cache_requests_total', { cache: 'a', result: 'miss' }), before);
});

test('two gateways on one Redis share entries, and any value comes back as it was', async (t) => {
  const r = await redis(t);
  const store = 'ttl: 1h, store: "${ env.REDIS_URL }"';
  const value = '      - set: { id: "${ uuid() }", big: 9223372036854775807, less: -9007199254740993, d: 1.0, e: 0.1, n: null, t: "\\u20ac \\U0001F600 \\0", '
    + 'b: "${ base64.decode(\'AP/+gA==\') }", none: "${ base64.decode(\'\') }", looks: { $bytes: AA== }, map: { $map: { $bytes: [] } }, two: { $bytes: 1, $map: 2 } }';
  const u = await counting(t);
  const files = {
    'v.yaml': caching('v', store, value),
    // Whether bytes are bytes is seen by what may be done with them.
    'type.yaml': `
name: type
trigger: { webhook: { path: "/type/{key}", methods: [GET] } }
steps:
  - cache_get: { name: v, key: "\${ request.params.key }", store: "\${ env.REDIS_URL }" }
  - set: { b: "\${ type(input.b) }", none: "\${ type(input.none) }", d: "\${ type(input.d) }", hex: "\${ hex.encode(input.b) }", looks: "\${ type(input.looks) }" }
`,
    'p.yaml': caching('p', store, asking(u)),
  };
  const env = { REDIS_URL: r.url };
  const two = [await start(t, files, { env, shards: 2 }), await start(t, files, { env })];
  for (const w of two) for (const name of ['v', 'p']) await reached(w, name);

  const first = await get(two[0], '/v/k');
  assert.match(first.text, /"big":9223372036854775807,"less":-9007199254740993,"d":1\.0,"e":0\.1,"n":null,"t":"€ 😀 \\u0000"/);
  assert.match(first.text, /"b":"AP\/\+gA==","none":"","looks":\{"\$bytes":"AA=="\},"map":\{"\$map":\{"\$bytes":\[\]\}\},"two":\{"\$bytes":1,"\$map":2\}/);
  for (const w of two) await until(async () => (await get(w, '/v/k')).text === first.text, 'the entry is there');
  for (const w of two) assert.deepEqual(JSON.parse((await get(w, '/type/k')).text), { b: 'bytes', none: 'bytes', d: 'double', hex: '00fffe80', looks: 'map' });

  const before = u.n;
  const page = await get(two[1], '/p/page');
  assert.deepEqual([page.status, page.type, page.text], [200, 'text/x-count; charset=utf-8', `number ${before + 1}`]);
  for (const w of two) assert.deepEqual(await get(w, '/p/page'), page);
  assert.equal(u.n, before + 1);

  const keys = await r.command('KEYS', 'weir:cache:*');
  assert.equal(keys.length, 4);
  for (const key of keys) {
    assert.match(key, /^weir:cache:[vp]:[0-9a-f]{32}$/);
    const left = await r.command('PTTL', key);
    assert.ok(left > 3_000_000 && left <= 3_600_000, `${left} ms`);
    const entry = JSON.parse(await r.command('GET', key));
    assert.equal(entry.v, 1);
    assert.equal(entry.e - entry.s, 3_600_000);
  }
});

test('what somebody else wrote under a key is as if it were not there', async (t) => {
  const r = await redis(t);
  const w = await start(t, { 'x.yaml': caching('x', `ttl: 1h, store: "${r.url}"`, '      - set: { good: "${ uuid() }" }') });
  await reached(w, 'x');
  const [key] = await r.command('KEYS', '*');
  const wrong = ['', 'x', '[]', '{}', '{"v":2,"s":1,"e":99999999999999,"k":99999999999999,"d":1}', '{"v":1,"s":1,"e":99999999999999,"k":99999999999999}',
    '{"v":1,"s":-1,"e":99999999999999,"k":99999999999999,"d":1}', '{"v":1,"s":1,"e":99999999999999,"k":99999999999999,"n":7}',
    '{"v":1,"s":1,"e":99999999999999,"k":99999999999999,"d":{"$bytes":"A"}}', '{"v":1,"s":1,"e":99999999999999,"k":99999999999999,"d":{"$map":1}}',
    '{"v":1,"s":1,"e":99999999999999,"k":99999999999999,"d":[{"$bytes":"??=="}]}', '{"v":1,"d":' + '['.repeat(5000)];
  for (const text of wrong) {
    await r.command('SET', key, text);
    const a = await get(w, '/x/warm');
    assert.equal(a.status, 200, text);
    assert.match(a.text, /^\{"good":"/, text);
    await until(async () => JSON.parse((await get(w, '/x/warm')).text).good === JSON.parse(a.text).good, 'it is kept again');
  }
  await r.command('DEL', key);
  await r.command('LPUSH', key, '1');
  assert.equal((await get(w, '/x/warm')).status, 200);
  assert.equal(await metric(w, 'weir_cache_requests_total', { cache: 'x', result: 'error' }) > 0, true);
});

test('Redis frozen, killed and back: the steps run meanwhile, and nothing fails', async (t) => {
  const r = await redis(t);
  const w = await start(t, { 'x.yaml': caching('x', `ttl: 1h, store: "${r.url}"`, '      - set: ${ uuid() }') });
  for (const [away, back] of [[r.freeze, r.thaw], [r.stop, r.start]]) {
    await reached(w, 'x');
    const kept = (await get(w, '/x/k')).text;
    await until(async () => (await get(w, '/x/k')).text === kept, 'it is kept');
    const errors = () => metric(w, 'weir_cache_requests_total', { cache: 'x', result: 'error' });
    const before = await errors();
    await away();
    const seen = new Set();
    await until(async () => {
      const a = await get(w, '/x/k');
      assert.equal(a.status, 200);
      seen.add(a.text);
      return await errors() > before + 5;
    }, 'the steps run without Redis');
    assert.ok(seen.size > 5);
    await back();
  }
  await reached(w, 'x');
  assert.ok(await metric(w, 'weir_cache_skipped_total', { cache: 'x', reason: 'store' }) > 0);
});

test('stale answers and negative ones come from Redis too', async (t) => {
  const r = await redis(t);
  const u = await counting(t);
  const w = await start(t, {
    's.yaml': caching('s', `ttl: 300ms, stale_if_error: 1h, negative_ttl: 1h, store: "${r.url}"`, asking(u)),
  });
  await reached(w, 's');
  const good = await get(w, '/s/k');
  u.status = 500;
  const stale = () => metric(w, 'weir_cache_requests_total', { cache: 's', result: 'stale' });
  await until(async () => { assert.deepEqual(await get(w, '/s/k'), good); return await stale() > 0; }, 'a stale answer');
  u.status = 404;
  const none = await until(async () => { const a = await get(w, '/s/none'); return a.status === 404 && a; }, 'an answer');
  const n = u.n;
  for (let i = 0; i < 5; i++) assert.deepEqual(await get(w, '/s/none'), none);
  assert.equal(u.n, n);
  assert.equal(await metric(w, 'weir_cache_requests_total', { cache: 's', result: 'negative' }), 5);
});

test('caches are described once in weir.yaml, for all types that know them', async (t) => {
  const r = await redis(t);
  const at = (name, step) => `
name: ${name}
trigger: { webhook: { path: "/${name}/{key}", methods: [GET, POST] } }
steps:
  - ${step}
  - set: { input: "\${ input ?? 'nothing' }" }
`;
  const w = await start(t, {
    'cache.yaml': at('around', 'cache: { name: products, key: "${ request.params.key }" }\n    do: [ { set: made } ]'),
    'set.yaml': at('put', 'cache_set: { name: products, key: "${ request.params.key }", required: true }'),
    'get.yaml': at('take', 'cache_get: { name: products, key: "${ request.params.key }" }'),
    'drop.yaml': at('drop', 'cache_drop: { name: products, key: "${ request.params.key }" }'),
  }, { files: { 'weir.yaml': `resources:\n  caches:\n    products: { store: "${r.url}", ttl: 5m, max_bytes: 1MiB }\n` } });
  await until(async () => { await get(w, '/around/a'); return (await get(w, '/take/a')).text === '{"input":"made"}'; }, 'it is kept in Redis');
  const [key] = await r.command('KEYS', 'weir:cache:products:*');
  assert.ok(await r.command('PTTL', key) > 200_000);
  await fetch(`${w.edge}/put/a`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '"by hand"' });
  assert.equal((await get(w, '/around/a')).text, '{"input":"by hand"}');
  await get(w, '/drop/a');
  assert.equal(await r.command('EXISTS', key), 0);
  assert.equal((await get(w, '/take/a')).text, '{"input":"nothing"}');
});

test('with refresh, a value that Redis was given lately is not written again, but another one is', async (t) => {
  const r = await redis(t);
  const step = (type, more) => `\n  - ${type}: { name: lately, key: "\${ request.params.key }", store: "${r.url}"${more} }`;
  const pipe = (name, ...steps) => `
name: ${name}
trigger: { webhook: { path: "/${name}/{key}", methods: [GET, POST] } }
steps:${steps.join('')}
`;
  const w = await start(t, {
    'set.yaml': pipe('set', step('cache_set', ', value: "${ request.body }", ttl: 1h, refresh: 10m, required: true'), '\n  - set: done'),
    'short.yaml': pipe('short', step('cache_set', ', value: "${ request.body }", ttl: 2ms, refresh: 10m, required: true'), '\n  - set: done'),
    'drop.yaml': pipe('drop', step('cache_drop', ', required: true'), '\n  - set: done'),
    'get.yaml': pipe('get', step('cache_get', ''), '\n  - reply: { json: "${ input }" }'),
  }, { shards: 1 });
  const set = async (path, value) => {
    const answer = await fetch(`${w.edge}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });
    assert.equal(answer.status, 200, await answer.text());
  };
  const writes = async () => Number(/cmdstat_set:calls=(\d+)/.exec(await r.command('INFO', 'commandstats'))?.[1] ?? 0);
  await until(async () => (await fetch(`${w.edge}/set/warm`, { method: 'POST' })).status < 300, 'Redis is reached');

  const before = await writes();
  for (let i = 0; i < 5; i++) await set('/set/k', { a: [1, 'x'] });
  assert.equal(await writes() - before, 1);
  await set('/set/k', { a: [1, 'y'] });
  await set('/set/other', { a: [1, 'y'] });
  assert.equal(await writes() - before, 3);
  await set('/set/k', { a: [1, 'x'] }); // as before, but not what Redis has now
  assert.equal(await writes() - before, 4);
  assert.deepEqual(await (await fetch(`${w.edge}/get/k`)).json(), { a: [1, 'x'] });
  assert.equal((await fetch(`${w.edge}/drop/k`)).status, 200);
  await set('/set/k', { a: [1, 'x'] });
  assert.equal(await writes() - before, 5);

  // Values that differ in one place, or in its type alone, are others: each one comes after another, so all are
  // written, also when they come again.
  const texts = ['1', '1.0', '1.5', '-1', '4607182418800017920', '1.0000000000000002', 'true', 'false', 'null', '"1"', '""', '"1234567"', '"12345678"', '[]', '[null]', '[null,null]', '[[]]', '[[],[]]', '{}', '{"a":null}', '{"a":1}', '{"b":1}', '{"a":1,"b":1}', '{"b":1,"a":1}', '[{"a":1},{"b":1}]', '[{"a":1,"b":1}]', '["ab","c"]', '["a","bc"]'];
  for (const body of [...texts, ...texts]) {
    const answer = await fetch(`${w.edge}/set/v`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: `{"v":[${body},2]}` });
    assert.equal(answer.status, 200, await answer.text());
  }
  assert.equal(await writes() - before, 5 + 2 * texts.length);

  // It is never believed to be there for longer than half of its time.
  await set('/short/k', 'soon gone');
  await until(async () => await r.command('EXISTS', 'x') === 0 && (await (await fetch(`${w.edge}/get/k`)).text()) === 'null', 'it is gone');
  await set('/short/k', 'soon gone');
  assert.equal(await writes() - before, 7 + 2 * texts.length);
});
