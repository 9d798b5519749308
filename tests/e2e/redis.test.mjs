// The redis node against a real server.
import test from 'node:test';
import assert from 'node:assert/strict';
import { start, metric, until, weir, folder } from './lib/weir.mjs';
import { redis } from './lib/redis.mjs';

/** A pipeline NAME whose redis node has the LINES; MORE stand beside it. */
const pipeline = (name, lines, more = []) => `name: ${name}
trigger: { webhook: { path: /${name}, methods: [POST] } }
steps:
  - id: r
    redis:
${lines.map((l) => `      ${l}`).join('\n')}
${more.map((l) => `    ${l}`).join('\n')}
  - reply: { json: { r: "\${ steps.r }" } }
`;
const call = async (w, name, body) => {
  const r = await fetch(`${w.edge}/${name}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body ?? null) });
  const text = await r.text();
  return { status: r.status, body: text ? JSON.parse(text) : undefined };
};
/** The reply of Redis as NAME gives it. */
const reply = async (w, name, body) => {
  const r = await call(w, name, body);
  assert.equal(r.status, 200, `${name}: ${JSON.stringify(r.body)}`);
  return r.body.r;
};
/** Starts the pipelines FILES (name: lines) with REDIS_URL, and waits until Redis is reached. */
const begin = async (t, r, files, more = {}) => {
  const all = { ping: ['command: [PING]'], ...files };
  const w = await start(t, Object.fromEntries(Object.entries(all).map(([name, lines]) => [`${name}.yaml`, pipeline(name, lines)])),
    { env: { REDIS_URL: r.url }, ...more });
  await until(async () => (await call(w, 'ping')).status === 200, 'Redis is reached');
  return w;
};

test('values of every type go in and come out', async (t) => {
  const r = await redis(t);
  const w = await begin(t, r, {
    set: ['command: [RPUSH, l, "${ request.body.text }", 7, 5.0, 1.5, true, {a: [1, null]}, [1, b], "${ sha256(\'a\') }", ""]'],
    list: ['command: [LRANGE, l, 0, -1]'],
    bytes: ['command: [LRANGE, l, 0, 1]', 'parse: bytes'],
    nil: ['command: [GET, nothing]'],
    nilj: ['command: [GET, nothing]', 'parse: json'],
    hset: ['command: [HSET, h, name, "${ request.body }", n, 1]'],
    hall: ['command: [HGETALL, h]'],
    scan: ['command: [HSCAN, h, 0]'],
    put: ['commands: [[SET, "j:1", "${ request.body }"], [GET, "j:1"], [MGET, "j:1", none]]', 'parse: json'],
  });
  const text = 'naïve\r\n$3\r\nfoo\r\n*1\r\n$8\r\nFLUSHALL\r\n 😀\u0000';
  assert.equal(await reply(w, 'set', { text }), 9);
  assert.deepEqual(await reply(w, 'list'), [text, '7', '5', '1.5', 'true', '{"a":[1,null]}', '[1,"b"]', 'ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=', '']);
  assert.deepEqual(await reply(w, 'bytes'), [Buffer.from(text).toString('base64'), Buffer.from('7').toString('base64')]);
  assert.equal(await reply(w, 'nil'), null);
  assert.equal(await reply(w, 'nilj'), null);
  assert.equal(await reply(w, 'hset', 'Ada'), 2);
  assert.deepEqual(await reply(w, 'hall'), { name: 'Ada', n: '1' });
  assert.deepEqual(await reply(w, 'scan'), ['0', ['name', 'Ada', 'n', '1']]);
  assert.deepEqual(await reply(w, 'put', { a: [1, 'x'] }), ['OK', { a: [1, 'x'] }, [{ a: [1, 'x'] }, null]]);
  assert.equal(await r.command('GET', 'j:1'), '{"a":[1,"x"]}');
});

test('errors of Redis are named, kept if that is wanted, and quote no argument', async (t) => {
  const r = await redis(t);
  await r.command('SET', 'text', 'x');
  const many = 'commands: [[SET, a, 1], [HSET, text, f, 1], [INCR, a], [NOSUCH, geheim]]';
  const w = await begin(t, r, {
    one: ['command: [HSET, text, f, 1]'],
    many: [many], keep: [many, 'on_error: keep'],
    unknown: ['command: [NOSUCH, geheim, "${ request.body }"]'],
    json: ['commands: [[PING], [GET, text]]', 'parse: json'],
    pong: ['commands: [[GET, a], [GET, text]]', 'parse: json'],
  });
  const one = await call(w, 'one');
  assert.equal(one.status, 500);
  assert.match(one.body.type, /problem:script$/);
  assert.match(one.body.detail, /HSET: Redis: WRONGTYPE Operation against a key/);
  assert.match((await call(w, 'many')).body.detail, /\/commands\/1 \(HSET\): Redis: WRONGTYPE /);
  assert.equal(await r.command('GET', 'a'), '2'); // the others were carried out
  const kept = await reply(w, 'keep');
  assert.deepEqual([kept[0], kept[2]], ['OK', 2]);
  assert.match(kept[1].error, /^WRONGTYPE Operation/);
  assert.equal(kept[3].error, "ERR unknown command 'NOSUCH'");
  const unknown = await call(w, 'unknown', 'geheim');
  assert.match(unknown.body.detail, /NOSUCH: Redis: ERR unknown command 'NOSUCH'$/);
  const json = await call(w, 'pong');
  assert.equal(json.status, 502);
  assert.match(json.body.detail, /\/commands\/1 \(GET\): what Redis holds is no JSON/);
  assert.match((await call(w, 'json')).body.detail, /\/commands\/0 \(PING\): what Redis holds is no JSON/);
  await w.stop();
  assert.ok(!JSON.stringify(w.lines).includes('geheim'));
});

test('a transaction is done whole, and nothing of other steps comes between', async (t) => {
  const r = await redis(t);
  await r.command('SET', 'text', 'x');
  const w = await begin(t, r, {
    // Between the two INCRs of a transaction nobody else's may be: the second is the first + 1.
    pair: ['atomic: true', 'commands: [[INCR, n], [INCR, n]]'],
    loose: ['commands: [[INCR, n], [INCR, n], [INCR, n]]'],
    half: ['atomic: true', 'commands: [[SET, a, 1], [INCR, text], [SET, b, "${ request.body }"]]'],
    keep: ['atomic: true', 'on_error: keep', 'commands: [[SET, a, 1], [INCR, text]]'],
    none: ['atomic: true', 'on_error: keep', 'commands: [[SET, never, 1], [GET], [SET, never, 2]]'],
    json: ['atomic: true', 'parse: json', 'commands: [[HSET, h, f, "[1]"], [HGETALL, h]]'],
  });
  const all = await Promise.all(Array.from({ length: 300 }, (_, i) => reply(w, i % 3 ? 'pair' : 'loose')));
  const pairs = all.filter((p) => p.length === 2);
  assert.equal(pairs.length, 200);
  for (const [a, b] of pairs) assert.equal(b, a + 1);
  assert.equal(await r.command('GET', 'n'), '700');
  const half = await call(w, 'half', 'x');
  assert.equal(half.status, 500);
  assert.match(half.body.detail, /\/commands\/1 \(INCR\): Redis: ERR value is not an integer/);
  assert.deepEqual(await r.command('MGET', 'a', 'b'), ['1', 'x']);
  assert.deepEqual(await reply(w, 'keep'), ['OK', { error: 'ERR value is not an integer or out of range' }]);
  const none = await call(w, 'none');
  assert.equal(none.status, 500);
  assert.match(none.body.detail, /\/commands\/1 \(GET\): Redis: ERR wrong number of arguments/);
  assert.equal(await r.command('GET', 'never'), null);
  assert.deepEqual(await reply(w, 'json'), [1, { f: [1] }]);
  // No transaction is left open: what others send is carried out.
  assert.equal(await reply(w, 'ping'), 'PONG');
});

test('a transaction that meets its first connection is done whole too', async (t) => {
  const r = await redis(t);
  const w = await start(t, {
    'pair.yaml': pipeline('pair', ['atomic: true', 'timeout: 10s', 'commands: [[INCR, n], [INCR, n]]']),
    'loose.yaml': pipeline('loose', ['timeout: 10s', 'commands: [[INCR, n], [INCR, n]]']),
  }, { env: { REDIS_URL: r.url } });
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => reply(w, i % 2 ? 'pair' : 'loose')));
  for (const [i, [a, b]] of all.entries()) if (i % 2) assert.equal(b, a + 1);
  assert.equal(await r.command('GET', 'n'), '40');
});

test('a script has keys and arguments, and nothing else is put into it', async (t) => {
  const r = await redis(t);
  const w = await begin(t, r, {
    script: ['script: |', '  return { #KEYS, KEYS[1], #ARGV, ARGV[1], ARGV[2], redis.call("SET", KEYS[1], ARGV[1]), false }',
      'keys: ["k:${ request.body.k }", other]', 'args: ["${ request.body.v }", {a: 1}]'],
    given: ['script: return ARGV', 'args: "${ request.body }"'],
    bare: ['script: return "{}"', 'parse: json'],
    wrong: ['script: return redis.call("INCR", KEYS[1])', 'keys: [t]'],
  });
  const evil = '"); redis.call("FLUSHALL") --';
  assert.deepEqual(await reply(w, 'script', { k: 1, v: evil }), [2, 'k:1', 2, evil, '{"a":1}', 'OK', null]);
  assert.equal(await r.command('GET', 'k:1'), evil);
  assert.deepEqual(await reply(w, 'given', ['a', 2]), ['a', '2']);
  assert.equal((await call(w, 'given', 'a')).status, 422);
  assert.deepEqual(await reply(w, 'bare'), {});
  await r.command('SCRIPT', 'FLUSH');
  assert.deepEqual(await reply(w, 'bare'), {}); // sent whole again
  await r.command('SET', 't', 'x');
  const wrong = await call(w, 'wrong');
  assert.equal(wrong.status, 500);
  assert.match(wrong.body.detail, /script: Redis: ERR value is not an integer/);
});

test('what is refused is refused before anything is sent', async (t) => {
  const r = await redis(t);
  const w = await begin(t, r, {
    null_: ['commands: [[SET, early, 1], [SET, a, "${ request.body }"]]'],
    block: ['atomic: true', 'commands: [[SET, early, 1], [XREAD, "${ request.body }", 0, STREAMS, s, 0]]'],
    large: ['commands: [[SET, early, 1], [SET, a, "${ request.body.x }", "${ request.body.x }", "${ request.body.x }"]]'],
  });
  const nothing = await call(w, 'null_', null);
  assert.equal(nothing.status, 422);
  assert.match(nothing.body.detail, /\/commands\/1\/2: null is no argument/);
  const block = await call(w, 'block', 'BLOCK');
  assert.equal(block.status, 422);
  assert.match(block.body.detail, /\/commands\/1: XREAD with these arguments is refused/);
  assert.equal((await call(w, 'large', { x: 'x'.repeat(900_000).repeat(7) })).status, 413);
  assert.equal(await r.command('GET', 'early'), null);
  assert.equal(await reply(w, 'ping'), 'PONG');
  const dir = folder(t, { 'bad.yaml': pipeline('bad', ['command: [BLPOP, q, 0]']), 'choose.yaml': pipeline('choose', ['command: ["${ request.body }", q]']) });
  const check = weir(['check', dir]);
  assert.equal(check.code, 1);
  assert.match(check.out + check.err, /BLPOP is refused: every other step/);
  assert.match(check.out + check.err, /begins with the name of a command, written out/);
});

test('a server that is frozen, gone and back: late, at once, and again', async (t) => {
  const r = await redis(t);
  const w = await begin(t, r, {
    get: ['command: [GET, a]', 'timeout: 200ms'],
    pair: ['atomic: true', 'timeout: 200ms', 'commands: [[INCR, n], [INCR, n]]'],
    script: ['script: return 1', 'timeout: 200ms'],
  });
  for (const name of ['get', 'pair', 'script']) await reply(w, name);
  r.freeze();
  const late = await call(w, 'get');
  assert.equal(late.status, 504);
  assert.match(late.body.detail, /GET: Redis at 127\.0\.0\.1:\d+ gave no reply within 200ms/);
  await until(async () => (await call(w, 'pair')).status === 503, 'it is known to be away');
  r.thaw();
  await until(async () => (await call(w, 'pair')).status === 200, 'Redis is used again');
  await r.stop();
  for (const name of ['get', 'pair', 'script']) await until(async () => (await call(w, name)).status === 503, `${name} is told at once`);
  await r.start();
  for (const name of ['get', 'pair', 'script']) await until(async () => (await call(w, name)).status === 200, `${name} works again`);
  const [a, b] = await reply(w, 'pair');
  assert.equal(b, a + 1);
  assert.ok(await metric(w, 'weir_redis_commands_total', { outcome: 'unavailable' }) > 0);
});

test('secrets go to Redis and are shown nowhere', async (t) => {
  const r = await redis(t);
  await r.command('CONFIG', 'SET', 'requirepass', 'gehe1m-pass');
  const url = r.url.replace('redis://', 'redis://:gehe1m-pass@');
  const w = await start(t, {
    'put.yaml': pipeline('put', ['url: "${ secrets.REDIS }"', 'command: [SET, k, "${ secrets.TOKEN }"]']),
    'bad.yaml': pipeline('bad', ['url: "${ secrets.REDIS }"', 'command: [NOSUCH, "${ secrets.TOKEN }"]']),
    'args.yaml': pipeline('args', ['url: "${ secrets.REDIS }"', 'script: return 1', 'args: ["${ secrets.TOKEN }"]', 'keys: ["${ secrets.TOKEN }"]']),
  }, { env: { WEIR_SECRET_REDIS: url, WEIR_SECRET_TOKEN: 't0ken-gehe1m' } });
  await until(async () => (await call(w, 'put')).status === 200, 'Redis is reached');
  assert.equal(await reply(w, 'args'), 1);
  const bad = await call(w, 'bad');
  assert.equal(bad.status, 500);
  await w.stop();
  assert.ok(!JSON.stringify([bad, w.lines]).includes('gehe1m'));
});

test('a caller that goes away leaves the connection in order', async (t) => {
  const r = await redis(t);
  const w = await start(t, {
    'ping.yaml': pipeline('ping', ['command: [PING]']),
    'pair.yaml': pipeline('pair', ['atomic: true', 'timeout: 60s', 'commands: [[INCR, n], [INCR, n]]']).replace('steps:\n', 'steps:\n  - log: begun\n'),
  }, { env: { REDIS_URL: r.url } });
  const begun = () => w.lines.filter((l) => l.msg === 'begun').length;
  const forgotten = () => metric(w, 'weir_redis_commands_total', { outcome: 'forgotten' });
  await until(async () => (await call(w, 'ping')).status === 200, 'Redis is reached');
  r.freeze();
  const callers = Array.from({ length: 5 }, () => {
    const c = new AbortController();
    return { c, done: fetch(`${w.edge}/pair`, { method: 'POST', signal: c.signal }).then(() => 'answered', () => 'gone') };
  });
  await until(() => begun() === 5, 'five runs have begun');
  for (const { c } of callers) c.abort();
  assert.deepEqual(await Promise.all(callers.map(({ done }) => done)), Array(5).fill('gone'));
  await until(async () => await forgotten() === 20, 'their commands are forgotten');
  r.thaw();
  await until(async () => (await call(w, 'ping')).body.r === 'PONG', 'replies find their commands');
  // What was sent stays sent, and whole.
  assert.deepEqual(await reply(w, 'pair'), [11, 12]);
});
