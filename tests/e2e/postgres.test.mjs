// The postgres node against a real server.
import test from 'node:test';
import assert from 'node:assert/strict';
import { start, metric, until, weir, folder } from './lib/weir.mjs';
import { tcp } from './lib/net.mjs';
import { missing, postgres } from './lib/postgres.mjs';

const skip = missing;
/** A pipeline NAME with one postgres node; BODY are its lines. */
const pipeline = (name, lines, more = []) => `name: ${name}
trigger: { webhook: { path: /${name}, methods: [POST] } }
steps:
  - id: db
    postgres:
      url: \${ secrets.DATABASE_URL }
${lines.map((l) => `      ${l}`).join('\n')}
${more.map((l) => `    ${l}`).join('\n')}
  - reply: { json: "\${ steps.db }" }
`;
const env = (p) => ({ WEIR_SECRET_DATABASE_URL: p.url });
const call = async (w, name, body) => {
  const r = await fetch(`${w.edge}/${name}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body ?? null) });
  const text = await r.text();
  return { status: r.status, headers: r.headers, body: text ? JSON.parse(text) : undefined };
};

test('values of every type go in and come out', { skip }, async (t) => {
  const p = await postgres(t);
  const w = await start(t, {
    'params.yaml': pipeline('params', ['query: "select $1::text as null_, $2::bool as bool_, $3::bigint as int_, $4::float8 as double_, $5::text as text_, $6::bytea as bytes_, $7::jsonb as map_, $8::jsonb as list_"',
      'params: [null, true, 9223372036854775807, 1.5, "${ request.body.text }", "${ sha256(\'a\') }", { a: [1, null] }, [1, "b"]]', 'rows: first']),
    'types.yaml': pipeline('types', ['query: |', `  select 1::int2 a, -2147483648 b, 9007199254740993 c, 1.25::float4 d, 'NaN'::float8 e, '-Infinity'::float8 f, 1.10::numeric g, 'x'::varchar h,
        '5b1f4cc0-7d5e-4a0c-9d9e-6f1f0f6d8f10'::uuid i, '2024-02-29'::date j, '2024-02-29 12:30:00.5'::timestamp k, '1 day 02:00'::interval l, '{"a": [1, 2.5]}'::json m, 'null'::jsonb n,
        '\\xdeadBEEF'::bytea o, array[1, null, 3] p, array[['a', 'b,"\\'], ['', 'NULL']] q, '[0:1]={1,2}'::int[] r, '{}'::text[] s, null::int u, 'b'::bit v, array['{"a":1}'::jsonb] w, true x, pg_sleep(0) y`, 'rows: first']),
    'list.yaml': pipeline('list', ['query: select * from generate_series(1, $1::int) n', 'params: ["${ request.body }"]']),
    'value.yaml': pipeline('value', ['query: select n from generate_series(1, $1::int) n', 'params: "${ request.body }"', 'rows: value']),
    'none.yaml': pipeline('none', ['query: create table if not exists t (id int primary key, data bytea)', 'rows: none']),
    'insert.yaml': pipeline('insert', ['query: insert into t select n, $1 from generate_series(1, 3) n returning id', 'params: [ "${ request.raw }" ]']),
    'read.yaml': pipeline('read', ['query: "select data from t where id = 1"', 'rows: value']),
  }, { env: env(p) });

  const params = await call(w, 'params', { text: 'naïve "quotes" \' \\ 😀' });
  assert.equal(params.status, 200, JSON.stringify(params.body));
  assert.deepEqual(params.body, { null_: null, bool_: true, int_: 9223372036854775807, double_: 1.5, text_: 'naïve "quotes" \' \\ 😀',
    bytes_: 'ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=', map_: { a: [1, null] }, list_: [1, 'b'] });
  const types = await call(w, 'types');
  assert.equal(types.status, 200, JSON.stringify(types.body));
  assert.deepEqual(types.body, { a: 1, b: -2147483648, c: 9007199254740993, d: 1.25, e: 'NaN', f: '-Infinity', g: '1.10', h: 'x',
    i: '5b1f4cc0-7d5e-4a0c-9d9e-6f1f0f6d8f10', j: '2024-02-29', k: '2024-02-29 12:30:00.5', l: 'P1DT2H', m: { a: [1, 2.5] }, n: null,
    o: '3q2+7w==', p: [1, null, 3], q: [['a', 'b,"\\'], ['', 'NULL']], r: [1, 2], s: [], u: null, v: '0', w: [{ a: 1 }], x: true, y: null });
  assert.deepEqual((await call(w, 'list', 2)).body, { rows: [{ n: 1 }, { n: 2 }], count: 2, command: 'SELECT' });
  assert.deepEqual((await call(w, 'list', 0)).body, { rows: [], count: 0, command: 'SELECT' });
  assert.equal((await call(w, 'value', [3])).body, 1);
  assert.equal((await call(w, 'value', [0])).body, null);
  assert.deepEqual((await call(w, 'none')).body, { count: 0, command: 'CREATE TABLE' });
  const inserted = await call(w, 'insert', 'x\u0000y');
  assert.deepEqual(inserted.body, { rows: [{ id: 1 }, { id: 2 }, { id: 3 }], count: 3, command: 'INSERT' });
  assert.equal(Buffer.from((await call(w, 'read')).body, 'base64').toString(), JSON.stringify('x\u0000y'));
  assert.equal(await metric(w, 'weir_postgres_queries_total', { server: `127.0.0.1:${p.port}/app`, outcome: 'ok' }), 9);
  assert.equal(await metric(w, 'weir_postgres_connections'), 1);
});

test('what a caller sends stays data', { skip }, async (t) => {
  const p = await postgres(t);
  p.psql('create table users (name text); insert into users values (\'ada\'); grant all on users to app');
  const w = await start(t, {
    'find.yaml': pipeline('find', ['query: select name from users where name = $1', 'params: ["${ request.body }"]']),
  }, { env: env(p) });
  for (const evil of ["' or '1'='1", "x'; drop table users; --", "\\'; drop table users; --", '$1', '%', "ada' --", 'ada\\', '\u2019 or 1=1'])
    assert.deepEqual((await call(w, 'find', evil)).body, { rows: [], count: 0, command: 'SELECT' }, evil);
  assert.equal((await call(w, 'find', 'ada')).body.count, 1);
  const nul = await call(w, 'find', 'ada\u0000x'); // cut at the NUL it would be found
  assert.equal(nul.status, 422);
  assert.equal(p.psql('select count(*) from users'), '1');
});

test('a transaction is done whole or not at all', { skip }, async (t) => {
  const p = await postgres(t);
  p.psql('create table accounts (id int primary key, sum int check (sum >= 0) not null); insert into accounts values (1, 10), (2, 0); grant all on accounts to app');
  const move = ['queries:', '  - query: update accounts set sum = sum + $1 where id = 2', '    params: ["${ request.body.sum }"]',
    '  - query: update accounts set sum = sum - $1 where id = 1 returning sum', '    params: ["${ request.body.sum }"]'];
  const w = await start(t, {
    'move.yaml': pipeline('move', [...move, 'isolation: serializable']),
    'level.yaml': pipeline('level', ['queries: [{ query: show transaction_isolation }, { query: "select 1" }]', 'isolation: repeatable read', 'rows: value']),
    'cheat.yaml': pipeline('cheat', ['queries: [{ query: commit }, { query: "select 1" }]']),
    'open.yaml': pipeline('open', ['query: begin']),
    'large.yaml': pipeline('large', ['queries: [{ query: "update accounts set sum = 77" }, { query: "select generate_series(1, 5)" }]', 'max_rows: 3']),
    'state.yaml': pipeline('state', ['query: select sum from accounts order by id']),
  }, { env: env(p) });
  const good = await call(w, 'move', { sum: 4 });
  assert.deepEqual(good.body, [{ rows: [], count: 1, command: 'UPDATE' }, { rows: [{ sum: 6 }], count: 1, command: 'UPDATE' }]);
  const bad = await call(w, 'move', { sum: 7 });
  assert.equal(bad.status, 409);
  assert.match(bad.body.detail, /violates check constraint "accounts_sum_check" \(SQLSTATE 23514\)/);
  const none = await call(w, 'move', { sum: 'many' });
  assert.equal(none.status, 422);
  assert.match(none.body.detail, /invalid input syntax for type integer: "\.\.\."/);
  assert.deepEqual((await call(w, 'level')).body, ['repeatable read', 1]);
  assert.equal((await call(w, 'cheat')).status, 500);
  assert.equal((await call(w, 'open')).status, 500);
  assert.equal((await call(w, 'large')).status, 413);
  assert.deepEqual((await call(w, 'state')).body.rows, [{ sum: 6 }, { sum: 4 }]);
  assert.equal(p.psql("select count(*) from pg_stat_activity where state like 'idle in transaction%'"), '0');
});

test('the statement timeout and the deadline end a query, and the server stops too', { skip }, async (t) => {
  const p = await postgres(t);
  const running = () => p.psql("select count(*) from pg_stat_activity where query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()");
  const w = await start(t, {
    'slow.yaml': pipeline('slow', ['query: select pg_sleep(30)', 'statement_timeout: 300ms']),
    'late.yaml': pipeline('late', ['query: select pg_sleep(30)'], ['timeout: 300ms']),
    'fine.yaml': pipeline('fine', ['query: show statement_timeout', 'rows: value']),
  }, { env: env(p) });
  let before = Date.now();
  const slow = await call(w, 'slow');
  assert.equal(slow.status, 504);
  assert.match(slow.body.detail, /statement timeout \(SQLSTATE 57014\)/);
  before = Date.now();
  const late = await call(w, 'late');
  assert.equal(late.status, 504);
  assert.ok(Date.now() - before < 2000);
  assert.equal((await call(w, 'fine')).body, '30s');
  await until(() => running() === '0', 'the server has stopped', 5000);
});

test('limits hold, and what cannot be done is said', { skip }, async (t) => {
  const p = await postgres(t);
  p.psql("create table u (id int primary key, secret text); insert into u values (1, 'x'); grant all on u to app");
  const w = await start(t, {
    'rows.yaml': pipeline('rows', ['query: select generate_series(1, 1000000)', 'max_rows: 100']),
    'bytes.yaml': pipeline('bytes', ["query: select repeat('x', 300000) from generate_series(1, 100)", 'max_bytes: 1MiB']),
    'row.yaml': pipeline('row', ["query: select repeat('x', 8000000)", 'max_bytes: 1MiB']),
    'copy.yaml': pipeline('copy', ['query: copy u to stdout']),
    'copyin.yaml': pipeline('copyin', ['query: copy u from stdin']),
    'two.yaml': pipeline('two', ['query: select 1; select 2']),
    'typo.yaml': pipeline('typo', ['query: selec 1']),
    'column.yaml': pipeline('column', ['query: select nope from u'], ['catch:', '  - set: "${ error.detail }"']),
    'unique.yaml': pipeline('unique', ["query: insert into u values (1, 'geheim')"]),
    'empty.yaml': pipeline('empty', ['query: "-- nothing"']),
    'deferred.yaml': pipeline('deferred', ['query: insert into d values (1)']),
    'vacuum.yaml': pipeline('vacuum', ['query: vacuum u']),
    'fine.yaml': pipeline('fine', ['query: select 1', 'rows: value']),
  }, { env: env(p) });
  p.psql('create table d (id int unique deferrable initially deferred); insert into d values (1); grant all on d to app; alter table u owner to app');
  const wants = { rows: 413, bytes: 413, row: 413, copy: 500, copyin: 500, two: 500, typo: 500, unique: 409, empty: 200, deferred: 409, vacuum: 200 };
  for (const [name, status] of Object.entries(wants)) {
    const r = await call(w, name);
    assert.equal(r.status, status, `${name}: ${JSON.stringify(r.body)}`);
    assert.ok(!JSON.stringify(r.body).includes('geheim'));
    assert.equal((await call(w, 'fine')).body, 1, `after ${name}`);
  }
  assert.deepEqual((await call(w, 'column')).body, { sqlstate: '42703', message: 'column "nope" does not exist', position: 8 });
  assert.match((await call(w, 'typo')).body.detail, /syntax error at or near "selec" \(SQLSTATE 42601\)/);
});

test('50 calls at once share 4 connections, and nobody else waits', { skip }, async (t) => {
  const p = await postgres(t);
  const w = await start(t, {
    'sleep.yaml': pipeline('sleep', ['query: "select pg_sleep(0.05), $1::int as n"', 'params: ["${ request.body }"]']),
    'quick.yaml': 'name: quick\ntrigger: { webhook: { path: /quick, methods: [POST] } }\nsteps:\n  - reply: 204\n',
  }, { env: env(p) });
  const all = Promise.all(Array.from({ length: 50 }, (_, n) => call(w, 'sleep', n)));
  const before = Date.now();
  await call(w, 'quick');
  assert.ok(Date.now() - before < 500);
  (await all).forEach((r, n) => assert.equal(r.body.rows[0].n, n));
  assert.equal(p.psql("select count(*) from pg_stat_activity where application_name = 'weir'"), '4');
  assert.equal(await metric(w, 'weir_postgres_connections'), 4);
  const reload = await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
  assert.equal(reload.status, 200);
  assert.equal((await call(w, 'sleep', 1)).status, 200);
  assert.equal(await metric(w, 'weir_postgres_connections'), 4); // the pool has outlived the generation
});

test('a crash is unavailable at once, and over soon after the restart', { skip }, async (t) => {
  const p = await postgres(t);
  const w = await start(t, {
    'one.yaml': pipeline('one', ['query: select 1', 'rows: value'], ['timeout: 3s']),
    'sleep.yaml': pipeline('sleep', ['query: select pg_sleep(20)'], ['timeout: 20s']),
  }, { env: env(p) });
  assert.equal((await call(w, 'one')).body, 1);
  const asleep = call(w, 'sleep');
  await until(() => p.psql("select count(*) from pg_stat_activity where query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()") === '1', 'it sleeps');
  await p.end('SIGKILL');
  const cut = await asleep;
  assert.equal(cut.status, 503);
  for (let i = 0; i < 20; i++) {
    const before = Date.now();
    const r = await call(w, 'one');
    assert.equal(r.status, 503);
    assert.match(r.body.detail, /^(the database is away: Connection refused|the connection to the database broke off)/, JSON.stringify(r.body));
    assert.ok(Date.now() - before < 1000);
    await new Promise((done) => setTimeout(done, 50));
  }
  await p.start();
  const before = Date.now();
  await until(async () => (await call(w, 'one')).status === 200, 'the service is back', 10_000);
  assert.ok(Date.now() - before < 4000, `${Date.now() - before} ms`);
});

test('a server that says nothing, garbage, or is not there, is unavailable', { skip }, async (t) => {
  const silent = await tcp(t, () => {});
  const rude = await tcp(t, (s) => s.on('data', () => s.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
  const shut = await tcp(t, (s) => s.destroy());
  const node = (name, url) => pipeline(name, ['query: select 1']).replace('${ secrets.DATABASE_URL }', url);
  const w = await start(t, {
    'silent.yaml': node('silent', `postgresql://a:b@127.0.0.1:${silent.port}/x?connect_timeout=1`),
    'rude.yaml': node('rude', `postgresql://a:b@127.0.0.1:${rude.port}/x`),
    'shut.yaml': node('shut', `postgresql://a:b@127.0.0.1:${shut.port}/x`),
    'noname.yaml': node('noname', 'postgresql://a:b@no-such-host.invalid/x'),
    'nosocket.yaml': node('nosocket', 'postgresql://a:b@%2Fnowhere/x'),
  });
  for (const name of ['silent', 'rude', 'shut', 'noname', 'nosocket']) {
    const r = await call(w, name);
    assert.equal(r.status, 503, `${name}: ${JSON.stringify(r.body)}`);
    assert.match(r.body.detail, /^the database is away: /);
    assert.ok(!/a:b|postgresql:|127\.0\.0\.1/.test(JSON.stringify(r.body)), r.body.detail);
  }
});

test('names, sockets, several hosts, and the wrong password', { skip }, async (t) => {
  const p = await postgres(t);
  const node = (name, url) => pipeline(name, ['query: select 1', 'rows: value']).replace('${ secrets.DATABASE_URL }', url);
  const w = await start(t, {
    'name.yaml': node('name', p.url.replace('127.0.0.1', 'localhost')),
    'socket.yaml': node('socket', `postgresql://app@/app?host=${encodeURIComponent(p.dir)}&port=${p.port}`),
    'many.yaml': node('many', `postgresql://app:pa55w0rd-Zq81@127.0.0.1:1,localhost:${p.port}/app`),
    'wrong.yaml': node('wrong', p.url.replace('pa55w0rd', 'geheim')),
    'nodb.yaml': node('nodb', p.url.replace(/app$/, 'nodb')),
  });
  for (const name of ['name', 'socket', 'many']) assert.equal((await call(w, name)).body, 1, name);
  for (const name of ['wrong', 'nodb']) {
    const r = await call(w, name);
    assert.equal(r.status, 500);
    assert.match(r.body.detail, name === 'wrong' ? /28P01/ : /3D000/);
  }
  const all = JSON.stringify(w.lines) + await (await fetch(`${w.admin}/metrics`)).text();
  assert.ok(!/pa55w0rd|geheim/.test(all));
});

test('what is wrong with the configuration is said at load', { skip }, async (t) => {
  const refused = (lines, want) => {
    const text = pipeline('x', lines).replace('${ secrets.DATABASE_URL }', 'postgresql://app:geheim@127.0.0.1/app');
    const r = weir(['check', 'x.yaml'], { cwd: folder(t, { 'x.yaml': text }) });
    assert.equal(r.code, 1, r.out + r.err);
    assert.match(r.out + r.err, want);
  };
  refused(['query: select ${ input }'], /write \$1 there/);
  refused(['rows: first'], /one of 'query' and 'queries'/);
  refused(['query: select 1', 'isolation: serializable'], /'isolation' is for a transaction/);
  refused(['queries: [{ query: "select 1" }]', 'params: [1]'], /'params' belongs to each/);
  const url = (u) => { // what is shown of the file is its author's
    const r = weir(['check', 'x.yaml'], { cwd: folder(t, { 'x.yaml': pipeline('x', ['query: select 1']).replace('${ secrets.DATABASE_URL }', u) }) });
    assert.equal(r.code, 1, r.out + r.err);
    assert.ok(!/(error|warning)\[.*geheim/.test(r.out + r.err));
    return r.out + r.err;
  };
  assert.match(url('mysql://app:geheim@h/x'), /'url' must be like postgresql:/);
  assert.match(url('postgresql://app:geheim@[::1/x'), /'url' must be like postgresql:/);
  assert.match(url('postgresql://app:geheim@h:port/x'), /a port in 'url' must be/);
  assert.match(url('postgresql://h/x?service=a'), /can't name a service/);
});
