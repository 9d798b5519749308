// Jobs that wait for a place: in the store, where a pause holds them, a crash is not theirs, and nobody else's jobs wait behind them.
import test from 'node:test';
import assert from 'node:assert/strict';
import { over, place, post, state, upstream } from './lib/jobs.mjs';
import { metric, nextWorker, sanitized, until, workerOf } from './lib/weir.mjs';

const pipeline = (name, url, more, steps = `  - http: { method: PUT, url: "${url}/${name}/\${ request.body.n }", json: { attempt: "\${ run.attempt }" }, pool: 300 }`) =>
  `name: ${name}\ntrigger: { webhook: { path: /${name}, methods: [POST] } }\nrespond: accepted\n${more}\nsteps:\n${steps}\n`;
const accepted = async (w, path, n) => (await (await post(w, path, { n })).json()).job;
const admin = async (w, path, body) => (await fetch(`${w.admin}/api/v1/${path}`, { method: 'POST', body: JSON.stringify(body ?? {}) })).json();
const show = async (w, job) => (await fetch(`${w.admin}/api/v1/jobs/${job}`)).json();

/** Kills the worker of W as a job might have done it; returns when the next one is ready. */
async function crashWorker(w) {
  const old = workerOf(w);
  process.kill(old, 'SIGKILL');
  await nextWorker(w, old);
}

/** An upstream whose calls that HANG wait until GO(); calls below /once fail at first. */
async function slow(t, hang = (path) => path.startsWith('/slow')) {
  const waiting = [];
  let open = false;
  const u = await upstream(t, (call, res, n) => {
    if (call.path.startsWith('/once') && u.of(call.path).length === 1) { res.statusCode = 503; res.end('{}'); }
    else if (hang(call.path) && !open) waiting.push(res);
    else res.end('{}');
  });
  u.go = () => { open = true; for (const res of waiting.splice(0)) res.end('{}'); };
  return u;
}
const once = (url) => pipeline('once', url, 'retry: { schedule: [50ms, 50ms] }');

test('jobs without a place wait in the store, and those of other pipelines are taken up beside them', async (t) => {
  const u = await slow(t);
  const go = place(t, { 'slow.yaml': pipeline('slow', u.url, 'concurrency: { limit: 2 }'), 'once.yaml': once(u.url) });
  const w = await go();
  const jobs = await Promise.all(Array.from({ length: 600 }, (_, n) => accepted(w, '/slow', n)));
  await until(() => u.calls.length === 2, 'two run');
  const another = await accepted(w, '/once', 1);
  await over(w, another, 'completed');
  assert.equal(u.of('/once/1').length, 2);
  assert.equal(u.calls.filter((c) => c.path.startsWith('/slow')).length, 2);
  const states = await Promise.all(jobs.map((job) => state(w, job)));
  assert.deepEqual([states.filter((s) => s === 'running').length, states.filter((s) => s === 'ready').length], [2, 598]);
  u.go();
  for (const job of jobs) await over(w, job, 'completed');
  assert.equal(u.calls.length, 602);
});

test('a pipeline without a limit, whose jobs take long, leaves room for others', async (t) => {
  const u = await slow(t);
  const go = place(t, { 'slow.yaml': pipeline('slow', u.url, ''), 'once.yaml': once(u.url) });
  let w = await go();
  await admin(w, 'pipelines/slow/pause');
  const jobs = await Promise.all(Array.from({ length: 600 }, (_, n) => accepted(w, '/slow', n)));
  await admin(w, 'pipelines/slow/resume');
  await until(() => u.calls.length >= 128, 'those that have their share run');
  const another = await accepted(w, '/once', 1);
  await over(w, another, 'completed');
  assert.ok(u.calls.filter((c) => c.path.startsWith('/slow')).length < 256);
  u.go();
  for (const job of jobs) await over(w, job, 'completed');
});

test('of keys each has its own places, however many jobs of another one wait before it', async (t) => {
  const u = await slow(t);
  const by = (key) => `  - http: { method: PUT, url: "${u.url}/\${ request.body.n }", json: {} }`;
  const go = place(t, { 'keyed.yaml': pipeline('keyed', u.url, 'concurrency: { limit: 1, key: "${ request.body.n }" }', by()) });
  const w = await go();
  const all = await Promise.all(Array.from({ length: 1000 }, () => accepted(w, '/keyed', 'slow')));
  await until(() => u.calls.length === 1, 'one of the key runs');
  all.push(...await Promise.all(Array.from({ length: 40 }, (_, i) => accepted(w, '/keyed', `quick${i % 2}`)))); // most of them wait for one another, in the store
  for (const job of all.slice(1000)) await over(w, job, 'completed');
  assert.equal(u.of('/slow').length, 1);
  u.go();
  for (const job of all) await over(w, job, 'completed');
});

test('a pause holds jobs that wait for a place', async (t) => {
  const u = await slow(t);
  const go = place(t, { 'slow.yaml': pipeline('slow', u.url, 'concurrency: { limit: 1 }') });
  const w = await go();
  const jobs = [];
  for (let n = 0; n < 6; n++) jobs.push(await accepted(w, '/slow', n));
  await until(() => u.calls.length === 1, 'one runs');
  assert.equal((await admin(w, 'pipelines/slow/pause')).held, 5);
  u.go();
  await over(w, jobs[0], 'completed');
  assert.deepEqual(await Promise.all(jobs.slice(1).map((job) => state(w, job))), Array(5).fill('held'));
  assert.equal(u.calls.length, 1);
  await admin(w, 'pipelines/slow/resume');
  for (const job of jobs) await over(w, job, 'completed');
});

test('who waits for an answer and for a place is told that the job is kept, if its pipeline is paused meanwhile', async (t) => {
  const u = await slow(t);
  const go = place(t, { 'slow.yaml': pipeline('slow', u.url, 'durable: true\nconcurrency: { limit: 1 }').replace('respond: accepted', 'respond: result') });
  const w = await go();
  const first = post(w, '/slow', { n: 1 });
  await until(() => u.calls.length === 1, 'the first runs');
  const second = post(w, '/slow', { n: 2 });
  await until(async () => (await (await fetch(`${w.admin}/api/v1/jobs`)).json()).jobs.length === 2, 'the second is accepted');
  await admin(w, 'pipelines/slow/pause');
  u.go();
  assert.equal((await first).status, 200);
  const r = await second;
  assert.equal(r.status, 202);
  const { job } = await r.json();
  assert.equal(await state(w, job), 'held');
  assert.equal(u.calls.length, 1);
  await admin(w, 'pipelines/slow/resume');
  await over(w, job, 'completed');
});

test('whoever gets a place while its event is being stored has its first attempt', async (t) => {
  const u = await slow(t, () => false);
  const go = place(t, { 'slow.yaml': pipeline('slow', u.url, 'durable: true\nconcurrency: { limit: 1 }').replace('respond: accepted', 'respond: result') });
  const w = await go();
  const all = await Promise.all(Array.from({ length: 200 }, (_, n) => post(w, '/slow', { n })));
  assert.deepEqual(new Set(all.map((r) => r.status)), new Set([200]));
  assert.equal(u.calls.length, 200);
  assert.deepEqual(new Set(u.calls.map((c) => c.body.attempt)), new Set([1]));
});

test('a new event does not overtake those that wait in the store', async (t) => {
  const u = await slow(t);
  const go = place(t, { 'slow.yaml': pipeline('slow', u.url, 'concurrency: { limit: 1 }') });
  const w = await go();
  const jobs = [];
  for (let n = 0; n < 3; n++) jobs.push(await accepted(w, '/slow', n));
  await until(() => u.calls.length === 1, 'the first runs');
  let n = 3;
  const more = (async () => { while (n < 100) jobs.push(await accepted(w, '/slow', n++)); })();
  u.go();
  await more;
  for (const job of jobs) await over(w, job, 'completed');
  const order = u.calls.map((c) => Number(c.path.split('/').at(-1)));
  assert.deepEqual(order, [...order].sort((a, b) => a - b));
});

test('jobs in the store come to their places also while there is always a line of callers', async (t) => {
  const u = await upstream(t, (call, res) => {
    if (call.path.startsWith('/mixed/retried') && u.of(call.path).length === 1) res.statusCode = 503;
    setTimeout(() => res.end('{}'), 1);
  });
  const go = place(t, { 'mixed.yaml': pipeline('mixed', u.url, 'durable: true\nconcurrency: { limit: 1 }\nretry: { schedule: [10ms] }').replace('respond: accepted', 'respond: result') });
  const w = await go();
  let busy = true;
  const statuses = new Set();
  const callers = Array.from({ length: 8 }, async () => {
    while (busy) {
      const r = await post(w, '/mixed', { n: 'line' });
      await r.arrayBuffer();
      statuses.add(r.status);
    }
  });
  await until(() => u.of('/mixed/line').length > 8, 'there is a line');
  const retried = Array.from({ length: 20 }, (_, i) => post(w, '/mixed', { n: `retried${i}` }).then((r) => r.arrayBuffer()));
  await until(() => Array.from({ length: 20 }, (_, i) => u.of(`/mixed/retried${i}`).length).every((n) => n === 2), 'all were tried again');
  busy = false;
  await Promise.all([...callers, ...retried]);
  assert.deepEqual([...statuses], [200]);
});

test('a place that is kept for a job in the store goes to the line if no job takes it', async (t) => {
  let fails = true;
  const waiting = [];
  const u = await upstream(t, (call, res) => {
    if (call.path === '/mixed/retried') res.statusCode = 503;
    if (call.path === '/mixed/first' && fails) waiting.push(res);
    else res.end('{}');
  });
  const go = place(t, { 'mixed.yaml': pipeline('mixed', u.url, 'durable: true\nconcurrency: { limit: 1 }\nretry: { schedule: [300ms, 300ms] }').replace('respond: accepted', 'respond: result') });
  const w = await go();
  const retried = post(w, '/mixed', { n: 'retried' });
  await until(() => u.of('/mixed/retried').length === 1, 'one has failed');
  const callers = [post(w, '/mixed', { n: 'first' })];
  await until(() => waiting.length === 1, 'another one has the place');
  for (let n = 0; n < 12; n++) callers.push(post(w, '/mixed', { n }));
  const jobs = async () => (await (await fetch(`${w.admin}/api/v1/jobs`)).json()).jobs;
  await until(async () => (await jobs()).length === 14, 'all are accepted');
  const { id } = (await jobs()).find((j) => j.state === 'retryable');
  await until(async () => (await metric(w, 'weir_oldest_ready_job_age_seconds', { pipeline: 'mixed' })) > 0, 'it is due');
  const cancelled = await admin(w, `jobs/${id}/cancel`, { reason: 'a test' });
  assert.equal(cancelled.state, 'cancelled');
  fails = false;
  for (const res of waiting) res.end('{}');
  assert.deepEqual(new Set((await Promise.all(callers)).map((r) => r.status)), new Set([200]));
  await retried;
});

for (const respond of ['accepted', 'result'])
  test(`a crash is not counted for jobs that waited for a place (respond: ${respond})`, async (t) => {
    const u = await slow(t, (path) => path === '/slow/0');
    const go = place(t, { 'slow.yaml': pipeline('slow', u.url, 'durable: true\nconcurrency: { limit: 1 }').replace('respond: accepted', `respond: ${respond}`) });
    const w = await go();
    for (let n = 0; n < 4; n++) {
      const sent = post(w, '/slow', { n }).catch(() => {});
      if (respond === 'accepted') await sent;
      await until(async () => (await (await fetch(`${w.admin}/api/v1/jobs`)).json()).jobs.length === n + 1, `${n} is accepted`);
    }
    for (let crash = 1; crash <= 5; crash++) {
      await until(() => u.of('/slow/0').length === crash, 'the first one runs');
      await crashWorker(w);
    }
    const jobs = (await (await fetch(`${w.admin}/api/v1/jobs`)).json()).jobs.reverse();
    await over(w, jobs[0].id, 'dead');
    for (const { id } of jobs.slice(1)) {
      await over(w, id, 'completed');
      const { attempt, crashes } = await show(w, id);
      assert.deepEqual({ attempt, crashes: crashes ?? 0 }, { attempt: 1, crashes: 0 });
    }
    assert.equal((await show(w, jobs[0].id)).reason, 'crash loop');
  });

test('jobs that two crashes have cut run one after another, so that the next crash shows whose fault it is', async (t) => {
  const u = await slow(t);
  const go = place(t, { 'slow.yaml': pipeline('slow', u.url, '') });
  const w = await go();
  const jobs = [];
  for (let n = 0; n < 3; n++) jobs.push(await accepted(w, '/slow', n));
  for (let crash = 1; crash <= 2; crash++) {
    await until(() => u.calls.length === 3 * crash, 'all run');
    await crashWorker(w);
  }
  assert.deepEqual(await Promise.all(jobs.map((job) => state(w, job))), ['retryable', 'retryable', 'retryable']); // a moment apart from what else goes on
  await until(() => u.calls.length === 7, 'one runs');
  assert.deepEqual((await Promise.all(jobs.map((job) => state(w, job)))).sort(), ['retryable', 'retryable', 'running']);
  u.go();
  for (const job of jobs) await over(w, job, 'completed');
});

test('an end of the whole gateway counts a quarter of a crash, and so does a signal that somebody sent to the worker', async (t) => {
  const u = await slow(t);
  const go = place(t, { 'slow.yaml': pipeline('slow', u.url, '') });
  let w = await go();
  const job = await accepted(w, '/slow', 0);
  for (let end = 1; end <= 7; end++) {
    await until(() => u.calls.length === end, 'it runs');
    if (end === 1 && !sanitized) {
      const old = workerOf(w);
      process.kill(old, 'SIGSEGV');
      await nextWorker(w, old);
      continue;
    }
    w.killed = true;
    await w.kill();
    w = await go();
  }
  await until(() => u.calls.length === 8, 'it runs'); // at once each time
  const { attempts, crashes } = await show(w, job);
  assert.equal(crashes, 7);
  assert.deepEqual(new Set(attempts.slice(1).map((a) => a.message)), new Set(['the process was ended from outside while it ran']));
  u.go();
  await over(w, job, 'completed');
});

test('to come to an open breaker is no attempt', async (t) => {
  let well = false;
  const u = await upstream(t, (_, res) => { res.statusCode = well ? 200 : 503; res.end('{}'); });
  const go = place(t, { 'b.yaml': pipeline('b', u.url, 'retry: { schedule: [20ms, 20ms] }',
    `  - breaker: { name: brk, error_threshold: 1%, volume: 1, window: 10s, reset_after: 1s }\n    do:\n      - http: { method: PUT, url: "${u.url}/", json: {} }`) });
  const w = await go();
  const jobs = [];
  jobs.push(await accepted(w, '/b', 0));
  await until(() => u.calls.length === 1, 'the first has failed');
  for (let n = 1; n < 6; n++) jobs.push(await accepted(w, '/b', n));
  await until(() => u.calls.length >= 2, 'the breaker has let one through again');
  well = true;
  for (const job of jobs) await over(w, job, 'completed');
  for (const job of jobs) assert.ok((await show(w, job)).attempt <= 3);
});
