// Jobs that are cancelled while they run: what is called hears of it, finally runs, and an unsafe
// step is not cut.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { folder, start, until, weir } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

/** A weir with one pipeline and an upstream that answers /slow when it is told to. */
async function stage(t, more, steps, options = {}) {
  const s = { held: [], gone: 0 };
  s.u = await upstream(t, (request, response) => {
    response.on('close', () => { s.gone += !response.writableFinished; });
    response.setHeader('content-type', 'application/json');
    if (request.url === '/slow') s.held.push(() => response.end('{}'));
    else response.end('{}');
  });
  const dir = folder(t, { 'a.yaml': `
name: a
trigger: { webhook: { path: /in, methods: [POST] } }
${more}
steps:
${steps.replaceAll('URL', s.u.url)}
finally:
  - http: { method: PUT, url: "${s.u.url}/finally" }
` });
  s.dir = dir;
  s.go = () => start(t, dir, { args: ['--store', `sqlite:${join(dir, 'var/weir.db')}`], ...options });
  s.w = await s.go();
  s.of = (path) => s.u.requests.filter((r) => r.url === path).length;
  s.send = () => fetch(`${s.w.edge}/in`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  s.accepted = async () => (await (await s.send()).json()).job;
  s.job = async (id) => (await fetch(`${s.w.admin}/api/v1/jobs/${id}`)).json();
  s.is = (id, state) => until(async () => (await s.job(id)).state === state, `job ${id} is ${state}`);
  s.cancel = async (id) => {
    const r = await fetch(`${s.w.admin}/api/v1/jobs/${id}/cancel`, { method: 'POST', body: JSON.stringify({ who: 'ada', reason: 'enough' }) });
    return { status: r.status, body: await r.json() };
  };
  return s;
}

for (const shards of ['1', '3']) {
  test(`a job that runs is cancelled: its call is cut, and finally runs (${shards} shards)`, async (t) => {
    const s = await stage(t, 'respond: accepted\nretry: { schedule: [1h] }', `
  - http: { method: PUT, url: URL/slow }
  - http: { method: PUT, url: URL/next }`, { shards: Number(shards) });
    const job = await s.accepted();
    await until(() => s.held.length === 1, 'the call is under way');
    const r = weir(['jobs', 'cancel', job, '--reason', 'enough', '--admin', s.w.admin.slice(7)], { env: { SUDO_USER: '', USER: 'ada' } });
    assert.deepEqual([r.code, r.err], [0, '']);
    assert.match(r.out, new RegExp(`^${job} is being cancelled`));
    await s.is(job, 'cancelled');
    await until(() => s.gone === 1 && s.of('/finally') === 1, 'the peer hears of it, and finally has run');
    assert.equal(s.of('/next'), 0);
    const shown = await s.job(job);
    assert.deepEqual([shown.code, shown.message, shown.cancelling], ['cancelled', 'an operator has cancelled the job', undefined]);
    const again = await s.cancel(job);
    assert.equal(again.status, 409);
    assert.match(again.body.detail, /is cancelled; only what is not over can be cancelled/);
    const { entries } = await (await fetch(`${s.w.admin}/api/v1/audit`)).json();
    assert.equal(entries.length, 1);
    assert.deepEqual([entries[0].what, entries[0].job, entries[0].who, entries[0].why, entries[0].before, entries[0].after], ['jobs.cancel', job, 'ada', 'enough', 'running', 'cancelled']);
  });
}

test('an unsafe step comes to its end, and no other one starts', async (t) => {
  const s = await stage(t, 'respond: accepted', `
  - parallel:
    branches:
      paid:
        - id: pay
          http: { method: POST, url: URL/slow }
        - http: { method: PUT, url: URL/after }
      other:
        - http: { method: PUT, url: URL/slow }
        - http: { method: PUT, url: URL/other }
  - http: { method: PUT, url: URL/last }`);
  const job = await s.accepted();
  await until(() => s.held.length === 2, 'the payment and its sibling are under way');
  const [pay, other] = ['POST', 'PUT'].map((m) => s.held[s.u.requests.filter((r) => r.url === '/slow').findIndex((r) => r.method === m)]);
  const first = await s.cancel(job);
  assert.deepEqual([first.status, first.body], [202, { id: job, state: 'running', cancelling: true }]);
  const again = await s.cancel(job);
  assert.equal(again.status, 409);
  assert.match(again.body.detail, /is being cancelled already/);
  assert.equal((await s.job(job)).cancelling, true);
  other(); // its next step does not start, and does not fail, which would cut the payment
  await until(async () => (await (await fetch(`${s.w.admin}/metrics`)).text()).match(/http_client_request_duration_seconds_count\{[^}]*PUT[^}]*\} 1\b/), 'the sibling has its answer');
  assert.deepEqual([s.gone, (await s.job(job)).state], [0, 'running']);
  pay();
  await s.is(job, 'cancelled');
  assert.deepEqual([s.of('/after'), s.of('/other'), s.of('/last'), s.gone], [0, 0, 0, 0]);
  assert.equal((await s.job(job)).steps.filter((x) => x.path === 'pay' && !x.begun).length, 1);
});

test('a caller that waits hears that its job was cancelled', async (t) => {
  const s = await stage(t, 'durable: true', '  - http: { method: PUT, url: URL/slow }');
  const answer = s.send();
  await until(() => s.held.length === 1, 'the call is under way');
  const { jobs } = await (await fetch(`${s.w.admin}/api/v1/jobs?state=running`)).json();
  assert.equal((await s.cancel(jobs[0].id)).status, 202);
  const r = await answer;
  assert.equal(r.status, 499);
  assert.equal((await r.json()).detail, 'an operator has cancelled the job');
  await s.is(jobs[0].id, 'cancelled');
});

test('one that waits for a place is cancelled without a run', async (t) => {
  const s = await stage(t, 'durable: true\nconcurrency: 1', '  - http: { method: PUT, url: URL/slow }');
  const first = s.send();
  await until(() => s.held.length === 1, 'the first one runs');
  const second = s.send();
  const running = async () => (await (await fetch(`${s.w.admin}/api/v1/jobs?state=running`)).json()).jobs;
  await until(async () => (await running()).length === 2, 'the second one has its job');
  const [job] = await running();
  assert.equal((await s.cancel(job.id)).status, 202);
  assert.equal((await second).status, 499);
  await s.is(job.id, 'cancelled');
  s.held[0]();
  assert.equal((await first).status, 200);
  assert.equal(s.held.length, 1);
});

test('a crash in the middle does not make it run again', async (t) => {
  const s = await stage(t, 'respond: accepted', '  - id: pay\n    http: { method: POST, url: URL/slow }\n    effect: idempotent\n  - http: { method: POST, url: URL/slow, json: {} }');
  const job = await s.accepted();
  await until(() => s.held.length === 1, 'the call is under way');
  s.held[0]();
  await until(() => s.held.length === 2, 'the unsafe call is under way');
  assert.equal((await s.cancel(job)).status, 202);
  s.w.killed = true;
  await s.w.kill();
  s.w = await s.go();
  await s.is(job, 'dead');
  assert.equal((await s.job(job)).reason, 'unknown effect');
  assert.equal(s.held.length, 2);
});

test('one that waits for the pipeline that it began with is cancelled without a run', async (t) => {
  const s = await stage(t, 'durable: steps\nrespond: accepted', `
  - wait: { callback: true }
    do: [{ http: { method: PUT, url: URL/mail, json: { url: "\${ callback.url }" } } }]
  - lua: { file: word.lua }
  - http: { method: PUT, url: URL/next }`, { files: { 'lua/nodes/word.lua': 'local w = require "pace"; return { run = function() return w end }', 'lua/nodes/pace.lua': 'return 1' } });
  const job = await s.accepted();
  await s.is(job, 'waiting');
  const file = join(s.dir, 'a.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('/next', '/other').replace(/.*lua:.*/, ''));
  assert.equal((await fetch(`${s.w.admin}/api/v1/reload`, { method: 'POST' })).status, 200);
  const fifo = join(s.dir, 'lua/nodes/pace.lua'); // whoever loads what was waits here
  rmSync(fifo);
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
  const mail = s.u.requests.findIndex((r) => r.url === '/mail');
  const { url } = JSON.parse(s.u.requests[mail].body);
  assert.equal((await fetch(s.w.edge + new URL(url).pathname, { method: 'POST' })).status, 204);
  await s.is(job, 'running');
  const writer = await open(fifo, constants.O_WRONLY); // it is being made now
  assert.equal((await s.cancel(job)).status, 202);
  await s.is(job, 'cancelled');
  await writer.close();
  assert.deepEqual([s.of('/next'), s.of('/other'), s.of('/finally')], [0, 0, 0]);
});
