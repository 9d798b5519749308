// Schedules on a real weir: each moment fires once, over shards, restarts and crashes.
import test from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { folder, root, start, until, weir } from './lib/weir.mjs';

const pipeline = (schedule, more = '') => `
trigger: { schedule: ${schedule} }
${more}
steps:
  - log: "fired \${ request.body.scheduled_at } \${ request.body.missed }"
`;

/** A folder for the store, and what starts a weir on it, again and again. */
function place(t, pipelines) {
  const dir = folder(t, pipelines);
  return (more = {}) => start(t, dir, { args: ['--store', `sqlite:${join(dir, 'var/weir.db')}`], ...more });
}

/** What W has fired: [{ at, missed }]. */
const fired = (w) => w.lines.map((l) => /^fired (\S+) (true|false)$/.exec(l.msg)).filter(Boolean).map((m) => ({ at: m[1], missed: m[2] === 'true' }));
const times = (w) => fired(w).map((f) => Date.parse(f.at));
const some = (w, n) => until(() => fired(w).length >= n, `${n} firings`);

function once(all) {
  assert.equal(new Set(all).size, all.length, `a moment fired twice: ${all.map((ms) => new Date(ms).toISOString())}`);
  for (let i = 1; i < all.length; i++) assert.ok(all[i] > all[i - 1], 'the moments come in order');
}

test('an interval fires on its moments, once for all shards', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('1s') }, { shards: 3 });
  await some(w, 3);
  once(times(w));
  for (const ms of times(w)) assert.equal(ms % 1000, 0);
});

test('a moment fires once over restarts and crashes', async (t) => {
  const go = place(t, { 'a.yaml': pipeline('{ every: 1s, catch_up: all }') });
  const all = [];
  for (let i = 0; i < 4; i++) {
    const w = await go({ shards: 2 });
    await some(w, 2);
    if (i % 2) w.killed = true;
    await (i % 2 ? w.kill() : w.stop());
    all.push(...times(w));
  }
  once(all);
});

test('what was missed is caught up: all of it in order, the last one, or none', async (t) => {
  const go = place(t, {
    'all.yaml': pipeline('{ every: 1s, catch_up: all }').replace('fired', 'fired all'),
    'last.yaml': pipeline('{ every: 1s }').replace('fired', 'fired last'),
    'none.yaml': pipeline('{ every: 1s, catch_up: none }').replace('fired', 'fired none'),
  });
  const of = (w, kind) => w.lines.map((l) => new RegExp(`^fired ${kind} (\\S+) (true|false)$`).exec(l.msg)).filter(Boolean).map((m) => ({ at: Date.parse(m[1]), missed: m[2] === 'true' }));
  let w = await go();
  await until(() => ['all', 'last', 'none'].every((k) => of(w, k).length > 0), 'each has fired');
  await w.stop();
  const before = Object.fromEntries(['all', 'last', 'none'].map((k) => [k, of(w, k).at(-1).at]));
  await until(() => Date.now() > Math.max(...Object.values(before)) + 4500, 'some are missed');
  const down = Date.now();
  w = await go();
  await until(() => ['all', 'last', 'none'].every((k) => of(w, k).some((f) => !f.missed)), 'each goes on');
  const all = of(w, 'all');
  assert.equal(all[0].at, before.all + 1000);
  assert.ok(all.filter((f) => f.missed).length >= 3);
  for (let i = 1; i < all.length; i++) assert.equal(all[i].at, all[i - 1].at + 1000);
  const last = of(w, 'last');
  assert.equal(last[0].missed, true);
  assert.ok(last[0].at >= before.last + 3000);
  assert.equal(last.filter((f) => f.missed).length, 1);
  assert.ok(of(w, 'none').every((f) => !f.missed && f.at > down));
});

test('a reload neither loses nor doubles a firing', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('{ every: 1s, catch_up: all }') }, { shards: 2 });
  for (let i = 1; i <= 20; i++) {
    const r = await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
    assert.equal(r.status, 200, await r.text());
  }
  const n = fired(w).length;
  await some(w, n + 3);
  const all = times(w);
  once(all);
  for (let i = 1; i < all.length; i++) assert.equal(all[i], all[i - 1] + 1000);
});

test('a firing for which there is no room is late, and not lost', async (t) => {
  const w = await start(t, {
    'a.yaml': pipeline('{ every: 1s, catch_up: all }'),
    'b.yaml': 'trigger: { webhook: { path: /hold, methods: [GET] } }\nsteps:\n  - delay: 2500ms\n',
  }, { env: { WEIR_ENGINE_MAX_RUNS: '1' } });
  await some(w, 1);
  const held = fetch(`${w.edge}/hold`);
  const line = await w.log((l) => /it can't fire now/.test(l.msg));
  assert.match(line.msg, /^schedule a: 1s: .*: too many runs are in flight \(engine.max_runs\)$/);
  const n = fired(w).length;
  await (await held).arrayBuffer();
  await some(w, n + 4);
  const all = times(w);
  once(all);
  for (let i = 1; i < all.length; i++) assert.equal(all[i], all[i - 1] + 1000);
});

test('a durable pipeline gets a job for each firing', async (t) => {
  const go = place(t, { 'a.yaml': pipeline('1s', 'durable: true') });
  const w = await go({ shards: 2 });
  await some(w, 2);
  const count = fired(w).length;
  const jobs = await until(async () => {
    const r = await (await fetch(`${w.admin}/api/v1/jobs?state=completed`)).json();
    return r.jobs.length >= count && r.jobs;
  }, 'their jobs are completed');
  assert.equal(jobs[0].pipeline, 'a');
});

test('what is wrong is said at load, and the example is right', (t) => {
  const dir = folder(t, { 'a.yaml': pipeline('{ cron: "0 9 * * *", timezone: Europe/Berln }') });
  const r = weir(['check', join(dir, 'a.yaml')]);
  assert.equal(r.code, 1);
  assert.match(r.out + r.err, /there is no time zone Europe\/Berln; is Europe\/Berlin meant\?/);
  const example = join(root, 'plugins/schedule');
  const tried = weir(['try', join(example, 'example.yaml'), '--event', join(example, 'event.json')]);
  assert.equal(tried.code, 0, tried.out + tried.err);
  assert.match(tried.out, /"scheduled_at":"2026-01-05T08:00:00.000Z","missed":false/);
});
