// Durable runs: what was accepted is carried out, whatever happens to the process.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { over, place, post, state, upstream } from './lib/jobs.mjs';
import { folder, start, until, weir } from './lib/weir.mjs';

const pipeline = (url, more, steps) => `
trigger: { webhook: { path: /in, methods: [POST] } }
${more}
steps:
${steps.replaceAll('URL', url)}
`;

test('an accepted event is answered 202 with its job, which is carried out', async (t) => {
  const u = await upstream(t);
  const go = place(t, { 'a.yaml': pipeline(u.url, 'respond: accepted', '  - http: { method: PUT, url: URL/work, json: "${ request.body }" }') });
  const w = await go();
  const r = await post(w, '/in', { n: 7 });
  assert.equal(r.status, 202);
  const { job, status_url } = await r.json();
  assert.match(job, /^[0-9a-f-]{36}$/);
  assert.equal(status_url, `/_weir/jobs/${job}`);
  assert.equal(r.headers.get('location'), status_url);
  await over(w, job, 'completed');
  assert.deepEqual(u.calls.map((c) => c.body), [{ n: 7 }]);
  assert.equal((await fetch(`${w.edge}/_weir/jobs/00000000-0000-7000-8000-000000000000`)).status, 404);
  assert.equal((await fetch(`${w.edge}/_weir/jobs/nonsense`)).status, 404);
  assert.equal((await post(w, status_url)).status, 400);
});

test('a durable run with respond: result answers with its result', async (t) => {
  const u = await upstream(t, (_, res) => res.end('{"ok":true}'));
  const go = place(t, { 'a.yaml': pipeline(u.url, 'durable: true', '  - http: { method: PUT, url: URL/work, json: { id: "${ run.id }" } }\n  - reply: { json: { attempt: "${ run.attempt }" } }') });
  const w = await go();
  const r = await post(w, '/in');
  assert.equal(r.status, 200);
  assert.deepEqual(await r.json(), { attempt: 1 });
  await over(w, u.calls[0].body.id, 'completed');
});

test('what a crash cuts is taken up again, with the same keys', async (t) => {
  let hang = true;
  const u = await upstream(t, (_, res) => { if (!hang) res.end('{}'); });
  const go = place(t, { 'a.yaml': pipeline(u.url, 'respond: accepted', '  - http: { method: PUT, url: URL/work, json: { attempt: "${ run.attempt }" } }') });
  let w = await go();
  const { job } = await (await post(w, '/in')).json();
  await until(() => u.calls.length === 1, 'the call is under way');
  w.killed = true;
  await w.kill();
  hang = false;
  w = await go();
  await over(w, job, 'completed');
  assert.equal(u.calls.length, 2);
  assert.ok(u.calls[0].key);
  assert.equal(u.calls[0].key, u.calls[1].key);
  assert.deepEqual(u.calls.map((c) => c.body.attempt), [1, 2]);
});

test('an unsafe step that was cut is not repeated: its job is dead', async (t) => {
  const u = await upstream(t, (call, res) => { if (call.path !== '/pay') res.end('{}'); });
  const go = place(t, { 'a.yaml': pipeline(u.url, 'respond: accepted', '  - id: pay\n    http: { method: POST, url: URL/pay, json: {} }\n  - http: { method: PUT, url: URL/after, json: {} }') });
  let w = await go();
  const { job } = await (await post(w, '/in')).json();
  await until(() => u.calls.length === 1, 'the call is under way');
  w.killed = true;
  await w.kill();
  w = await go();
  await over(w, job, 'dead');
  await post(w, '/nothing'); // another round of the loop, for what should not come
  assert.equal(u.calls.length, 1);
});

test('an unsafe step that is done is not done again when a later one is cut', async (t) => {
  let hang = true;
  const u = await upstream(t, (call, res) => { if (call.path === '/pay' || !hang) res.end('{"receipt":42}'); });
  const steps = '  - id: pay\n    http: { method: POST, url: URL/pay, json: {} }\n  - http: { method: PUT, url: URL/after, json: { receipt: "${ steps.pay.body.receipt }" } }';
  const go = place(t, { 'a.yaml': pipeline(u.url, 'respond: accepted', steps) });
  let w = await go();
  const { job } = await (await post(w, '/in')).json();
  await until(() => u.of('/after').length === 1, 'the second step is under way');
  w.killed = true;
  await w.kill();
  hang = false;
  w = await go();
  await over(w, job, 'completed');
  assert.equal(u.of('/pay').length, 1);
  assert.deepEqual(u.of('/after').map((c) => c.body), [{ receipt: 42 }, { receipt: 42 }]);
});

test('with durable: steps no finished step is done again, in loops too', async (t) => {
  let hang = true;
  const u = await upstream(t, (call, res) => { if (call.path !== '/last' || !hang) res.end(JSON.stringify({ path: call.path })); });
  const steps = `  - id: all
    foreach: { items: "\${ request.body.items }", concurrency: 2 }
    do:
      - id: one
        http: { method: PUT, url: "URL/item/\${ item }", json: {} }
  - id: last
    http: { method: PUT, url: URL/last, json: { n: "\${ size(steps.all) }", first: "\${ steps.all[0].body.path }" } }`;
  const go = place(t, { 'a.yaml': pipeline(u.url, 'durable: steps\nrespond: accepted', steps) });
  let w = await go();
  const { job } = await (await post(w, '/in', { items: ['a', 'b', 'c'] })).json();
  await until(() => u.of('/last').length === 1, 'the last step is under way');
  w.killed = true;
  await w.kill();
  hang = false;
  w = await go();
  await over(w, job, 'completed');
  for (const item of ['a', 'b', 'c']) assert.equal(u.of(`/item/${item}`).length, 1);
  assert.deepEqual(u.of('/last').map((c) => c.body), Array(2).fill({ n: 3, first: '/item/a' }));
});

test('a failed attempt is repeated by the schedule of the job', async (t) => {
  const u = await upstream(t, (_, res, n) => { res.statusCode = n < 3 ? 503 : 200; res.end('{}'); });
  const go = place(t, { 'a.yaml': pipeline(u.url, 'durable: true\nretry: { schedule: [50ms, 50ms, 50ms] }', '  - http: { method: PUT, url: URL/work, json: {} }') });
  const w = await go();
  const r = await post(w, '/in');
  assert.equal(r.status, 202, 'the caller hears that it is not over');
  const { job } = await r.json();
  await over(w, job, 'completed');
  assert.equal(u.calls.length, 3);
});

test('when the attempts are used up the job is dead', async (t) => {
  const u = await upstream(t, (_, res) => { res.statusCode = 503; res.end('{}'); });
  const go = place(t, { 'a.yaml': pipeline(u.url, 'respond: accepted\nretry: { schedule: [10ms] }', '  - http: { method: PUT, url: URL/work, json: {} }') });
  const w = await go();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'dead');
  assert.equal(u.calls.length, 2);
});

test('an unsafe step that may have been done is not repeated by the schedule', async (t) => {
  const u = await upstream(t, (_, res) => { res.statusCode = 503; res.end('{}'); });
  const go = place(t, { 'a.yaml': pipeline(u.url, 'respond: accepted\nretry: { schedule: [10ms] }', '  - http: { method: POST, url: URL/pay, json: {} }') });
  const w = await go();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'dead');
  assert.equal(u.calls.length, 1);
});

test('at the end of the process jobs that are not over go on at the next start', async (t) => {
  let hang = true;
  const u = await upstream(t, (_, res) => { if (!hang) res.end('{}'); });
  const go = place(t, { 'probe.yaml': 'trigger: { webhook: { path: /probe, methods: [POST] } }\nsteps:\n  - set: 1\n', 'a.yaml': pipeline(u.url, 'respond: accepted', '  - http: { method: PUT, url: URL/work, json: {} }') });
  let w = await go();
  const { job } = await (await post(w, '/in')).json();
  await until(() => u.calls.length === 1, 'the call is under way');
  w.child.kill('SIGTERM');
  await until(async () => { try { return (await post(w, '/probe')).status === 503; } catch { return true; } }, 'it drains');
  w.child.kill('SIGTERM'); // the second one: at once
  await w.ended;
  hang = false;
  w = await go();
  await over(w, job, 'completed');
  assert.equal(u.calls.length, 2);
});

test('a place in the pipeline is waited for in the store', async (t) => {
  const waiting = [];
  const u = await upstream(t, (_, res) => waiting.push(res));
  const go = place(t, { 'a.yaml': pipeline(u.url, 'respond: accepted\nconcurrency: 2', '  - http: { method: PUT, url: URL/work, json: {} }') });
  const w = await go();
  const jobs = [];
  for (let i = 0; i < 20; i++) jobs.push((await (await post(w, '/in')).json()).job);
  for (let done = 0; done < 20;) {
    await until(() => waiting.length > 0, 'a call');
    assert.ok(waiting.length <= 2);
    waiting.shift().end('{}');
    done++;
  }
  for (const job of jobs) await over(w, job, 'completed');
  assert.equal(u.calls.length, 20);
});

test('a second process on the same store is refused', async (t) => {
  const dir = folder(t, { 'a.yaml': pipeline('', 'durable: true', '  - set: 1'), 'b/b.yaml': 'trigger: { webhook: /b }\nsteps: []\n' });
  const store = ['--store', `sqlite:${join(dir, 'var/weir.db')}`];
  const w = await start(t, dir, { args: store });
  const second = weir(['run', join(dir, 'a.yaml'), '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--log', 'text', ...store]);
  assert.equal(second.code, 1);
  assert.match(second.out, new RegExp(`store.url: .*another weir.*${w.worker}`));
  // without durable pipelines it starts, and says that it keeps nothing
  const third = await start(t, join(dir, 'b'), { args: store });
  assert.ok(await third.log((l) => /there is no store, so failed runs are not kept/.test(l.msg)));
});

const once = (url, more = '') => pipeline(url, `durable: true\nidempotency: ${more || '${ request.headers["idempotency-key"] ?? "" }'}`,
  '  - id: work\n    http: { method: PUT, url: URL/work, json: "${ request.body }" }\n  - reply: { status: 201, json: { n: "${ steps.work.body.n }" } }');
const keyed = (w, key, body = { a: 1 }) => fetch(`${w.edge}/in`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', 'idempotency-key': key } });

test('an idempotency key a hundred times in parallel, and again after a crash: one run, equal answers', async (t) => {
  const waiting = [];
  const u = await upstream(t, (_, res, n) => { waiting.push(() => res.end(JSON.stringify({ n }))); });
  const go = place(t, { 'a.yaml': once(u.url) });
  let w = await go({ shards: 2 });
  const all = Array.from({ length: 100 }, () => keyed(w, 'k-1'));
  await until(() => waiting.length === 1, 'the first one is under way');
  waiting[0]();
  const answers = await Promise.all((await Promise.all(all)).map(async (r) => `${r.status} ${await r.text()}`));
  assert.deepEqual([...new Set(answers)], ['201 {"n":1}']);
  assert.equal(u.calls.length, 1);
  w.killed = true;
  await w.kill();
  w = await go();
  const again = await keyed(w, 'k-1');
  assert.equal(`${again.status} ${await again.text()}`, '201 {"n":1}');
  assert.equal(again.headers.get('idempotency-replayed'), 'true');
  assert.equal(u.calls.length, 1);
  // another body is a mistake, another key another event, and no key none at all
  const other = await keyed(w, 'k-1', { a: 2 });
  assert.equal(other.status, 422);
  for (const key of ['k-2', '', '']) {
    const r = keyed(w, key);
    await until(() => waiting.length > 1, 'it is under way');
    waiting.pop()();
    assert.equal((await r).status, 201);
  }
  assert.equal(u.calls.length, 4);
});

test('a key whose first event is cut by a crash waits for the next attempt', async (t) => {
  let hang = true;
  const u = await upstream(t, (_, res, n) => { if (!hang) res.end(JSON.stringify({ n })); });
  const go = place(t, { 'a.yaml': once(u.url) });
  let w = await go();
  const first = keyed(w, 'k').catch(() => null);
  await until(() => u.calls.length === 1, 'it is under way');
  w.killed = true;
  await w.kill();
  await first;
  hang = false;
  w = await go();
  const answers = await Promise.all(Array.from({ length: 5 }, async () => { const r = await keyed(w, 'k'); return `${r.status} ${await r.text()}`; }));
  assert.deepEqual([...new Set(answers)], ['201 {"n":2}']);
  assert.equal(u.calls.length, 2);
});

test('while the first one runs, a repeated event may be refused; a failure is repeated, too', async (t) => {
  const waiting = [];
  const u = await upstream(t, (_, res) => { waiting.push(res); });
  const go = place(t, { 'a.yaml': once(u.url, '{ key: "${ request.headers[\'idempotency-key\'] }", while_running: refuse }') });
  const w = await go();
  const first = keyed(w, 'k');
  await until(() => waiting.length === 1, 'it is under way');
  assert.equal((await keyed(w, 'k')).status, 409);
  waiting[0].statusCode = 500;
  waiting[0].end('{}');
  const failed = await first;
  assert.equal(failed.status, 502);
  const again = await keyed(w, 'k');
  assert.equal(again.status, 502);
  assert.deepEqual(await again.json(), await failed.json());
  assert.equal(u.calls.length, 1);
});

test('with respond: accepted a repeated event gets the same job', async (t) => {
  const u = await upstream(t);
  const go = place(t, { 'a.yaml': pipeline(u.url, 'respond: accepted\nidempotency: ${ request.body.id }', '  - http: { method: PUT, url: URL/work, json: {} }') });
  const w = await go();
  const jobs = await Promise.all(Array.from({ length: 20 }, async () => (await (await post(w, '/in', { id: 'x' })).json()).job));
  assert.equal(new Set(jobs).size, 1);
  await over(w, jobs[0], 'completed');
  assert.equal(u.calls.length, 1);
});

/** A file system of SIZE bytes at a folder of its own; null where that is not allowed. */
function smallDisk(t, size) {
  const dir = mkdtempSync(join(tmpdir(), 'weir-disk-'));
  const mount = (options) => spawnSync('mount', options, { encoding: 'utf8' }).status === 0;
  const mounted = mount(['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir]);
  t.after(() => { if (mounted) spawnSync('umount', ['-l', dir]); rmdirSync(dir); });
  if (!mounted) return null;
  return { dir, grow: (to) => mount(['-o', `remount,size=${to}`, dir]) };
}

test('a full disk: 503 and no acknowledgement, other routes go on, and it recovers', async (t) => {
  const disk = smallDisk(t, '2m');
  if (disk === null) return t.skip('no file system can be mounted here');
  const held = [];
  const u = await upstream(t, (call, res) => { if (call.body.hold) held.push(res); else res.end('{}'); });
  const dir = folder(t, { 'a.yaml': pipeline(u.url, 'respond: accepted', '  - http: { method: PUT, url: URL/work, json: { hold: "${ request.body.hold ?? false }" } }'), 'h.yaml': 'trigger: { webhook: { path: /h, methods: [POST] } }\nsteps:\n  - set: 1\n' });
  const w = await start(t, dir, { args: ['--store', `sqlite:${join(disk.dir, 'weir.db')}`] });
  const jobs = [(await (await post(w, '/in', { hold: true })).json()).job];
  await until(() => held.length === 1, 'a job is under way');
  let refused = null;
  while (refused === null && jobs.length < 1000) {
    const r = await post(w, '/in', { text: 'x'.repeat(20_000) });
    if (r.status === 202) jobs.push((await r.json()).job); else refused = r;
  }
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.headers.get('retry-after')) >= 1);
  assert.match((await refused.json()).detail, /disk is full/);
  assert.equal((await post(w, '/h')).status, 200);
  held[0].end('{}'); // what ends now has to wait for the disk, and is not lost
  assert.ok(disk.grow('20m'));
  await until(async () => (await post(w, '/in')).status === 202, 'events are accepted again', 5000);
  for (const job of jobs) await over(w, job, 'completed');
});

test('a full disk does not keep the process from ending, and the job goes on at the next start', async (t) => {
  const disk = smallDisk(t, '1m');
  if (disk === null) return t.skip('no file system can be mounted here');
  const held = [];
  const u = await upstream(t, (_, res) => held.push(res));
  const dir = folder(t, { 'a.yaml': pipeline(u.url, 'respond: accepted', '  - http: { method: PUT, url: URL/work, json: {} }') });
  const go = () => start(t, dir, { args: ['--store', `sqlite:${join(disk.dir, 'weir.db')}`] });
  let w = await go();
  const { job } = await (await post(w, '/in')).json();
  await until(() => held.length === 1, 'a job is under way');
  while ((await post(w, '/in', { text: 'x'.repeat(50_000) })).status === 202);
  for (const res of held) res.end('{}');
  await w.stop();
  assert.ok(disk.grow('20m'));
  w = await go();
  await until(async () => { while (held.length) held.pop().end('{}'); return (await state(w, job)) === 'completed'; }, 'the job is over');
});
