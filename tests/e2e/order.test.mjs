// order_by: the jobs of one key run one after another, over threads, kills and pauses.
import test from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { folder, start, until, weir } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

/** A weir with one ordered pipeline, and an upstream that sees who is there at once and in which order. */
async function stage(t, { order = '${ request.body.account }', more = '', shards = 3, slow = 1 } = {}) {
  const s = { order: new Map(), inside: new Map(), overlaps: 0, fail: () => 0 };
  s.u = await upstream(t, (request, response, body) => {
    const { account, n } = JSON.parse(body);
    const inside = (s.inside.get(account) ?? 0) + 1;
    if (account && inside > 1) s.overlaps++;
    s.inside.set(account, inside);
    response.on('close', () => s.inside.set(account, s.inside.get(account) - 1));
    setTimeout(() => {
      response.statusCode = s.fail(account, n) || 200;
      if (response.statusCode === 200) s.order.set(account, [...(s.order.get(account) ?? []), n]);
      response.end('{}');
    }, slow);
  });
  const dir = folder(t, { 'a.yaml': `
name: a
respond: accepted
order_by: ${order}
${more}
trigger: { webhook: { path: /in, methods: [POST] } }
steps:
  - id: book
    http: { method: PUT, url: "${s.u.url}/book", json: "\${ request.body }" }
` });
  s.go = async () => { s.w = await start(t, dir, { shards, args: ['--store', `sqlite:${join(dir, 'var/weir.db')}`, '--set', 'log.access=false'] }); };
  await s.go();
  s.send = async (account, n) => {
    const r = await fetch(`${s.w.edge}/in`, { method: 'POST', body: JSON.stringify({ account, n }), headers: { 'content-type': 'application/json' } });
    assert.equal(r.status, 202);
    return (await r.json()).job;
  };
  s.api = async (method, path, body) => (await fetch(`${s.w.admin}/api/v1/${path}`, { method, body: body && JSON.stringify(body) })).json();
  s.total = async (query) => (await s.api('GET', `jobs?limit=1&${query}`)).total;
  s.is = (id, state) => until(async () => (await s.api('GET', `jobs/${id}`)).state === state, `job ${id} is ${state}`);
  return s;
}

const upTo = (n) => Array.from({ length: n }, (_, i) => i);

test('each key in its order, one at a time, over several threads; others are not held up', async (t) => {
  const s = await stage(t);
  await Promise.all(['a', 'b', 'c', 'd'].map(async (account) => { for (const n of upTo(40)) await s.send(account, n); }));
  for (const n of upTo(20)) await s.send('', n); // without a key
  await until(async () => (await s.total('state=completed')) === 180, 'all are completed', 60_000);
  for (const account of ['a', 'b', 'c', 'd']) assert.deepEqual(s.order.get(account), upTo(40), account);
  assert.equal(s.overlaps, 0);
});

test('a retry of the first one holds its key, and no other; a dead one lets go', async (t) => {
  const s = await stage(t, { more: 'retry: { schedule: [300ms] }' });
  let first = true;
  s.fail = (account, n) => (account === 'a' && n === 0 && first ? ((first = false), 503) : account === 'b' ? 503 : 0);
  for (const account of ['a', 'b', 'c']) for (const n of upTo(5)) await s.send(account, n);
  await until(() => s.order.get('c')?.length === 5, 'the third key is through', 60_000);
  await until(async () => (await s.total('state=completed')) === 10 && (await s.total('state=dead')) === 5, 'all are over', 60_000);
  assert.deepEqual([s.order.get('a'), s.order.get('c')], [upTo(5), upTo(5)]);
  assert.equal(s.overlaps, 0);
});

test('the order holds over kill -9 and a pause', async (t) => {
  const s = await stage(t, { slow: 5 });
  for (const n of upTo(60)) await s.send('a', n);
  for (let kills = 1; kills <= 3; kills++) {
    await until(() => (s.order.get('a')?.length ?? 0) >= kills * 10, 'some are done', 60_000);
    s.w.killed = true;
    await s.w.kill();
    await s.go();
  }
  await s.api('POST', 'pipelines/a/pause', { reason: 'x' });
  for (const n of [60, 61]) await s.send('a', n);
  await until(async () => (await s.total('state=running')) === 0, 'nothing runs');
  const before = await s.total('state=completed');
  assert.ok(before < 62);
  assert.equal((await s.total('state=held')) + (await s.total('state=blocked')) + before, 62);
  await s.api('POST', 'pipelines/a/resume', { reason: 'x' });
  await until(async () => (await s.total('state=completed')) === 62, 'all are completed', 60_000);
  const seen = [];
  for (const n of s.order.get('a')) if (seen.at(-1) !== n) seen.push(n); // a call that a kill cut is made again
  assert.deepEqual(seen, upTo(62));
});

test('on_dead: hold keeps the key until the replay is through, or it is discarded', async (t) => {
  const s = await stage(t, { order: '{ key: "${ request.body.account }", on_dead: hold }' });
  const broken = new Set([1, 3]);
  s.fail = (account, n) => (broken.has(n) ? 503 : 0);
  const jobs = [];
  for (const n of upTo(6)) jobs.push(await s.send('a', n));
  await s.is(jobs[1], 'dead');
  const cli = (...args) => weir([...args, '--admin', s.w.admin.slice(7)]);
  assert.match(cli('jobs', 'show', jobs[1]).out, /order key +a\n *holds it +those behind it wait/);
  assert.match(cli('jobs', '--state', 'blocked').out, new RegExp(jobs[2]));
  assert.equal(await s.total('state=blocked'), 4);
  broken.delete(1);
  const { plan } = await s.api('POST', `jobs/${jobs[1]}/plan`, {});
  const { id } = await s.api('POST', `jobs/${jobs[1]}/replay`, { plan, reason: 'x' });
  await s.is(id, 'completed');
  await s.is(jobs[2], 'completed');
  await s.is(jobs[3], 'dead');
  assert.equal(await s.total('state=blocked'), 2);
  await s.api('POST', `jobs/${jobs[3]}/discard`, { reason: 'nobody wants it' });
  await s.is(jobs[5], 'completed');
  assert.deepEqual(s.order.get('a'), [0, 1, 2, 4, 5]);
  assert.equal(s.overlaps, 0);
});
