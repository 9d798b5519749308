// Who waits for a place of a pipeline's concurrency: in the order of coming over all shards, woken by who leaves.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { start, until, metric } from './lib/weir.mjs';
import { connect, upstream } from './lib/net.mjs';

/** An upstream that answers each call only when it is let go; CALLS are those it has, in order of coming. */
async function gated(t) {
  const calls = [];
  const up = await upstream(t, (q, r) => calls.push({ n: q.url.slice(1), go: () => r.end('ok') }));
  return { url: up.url, calls };
}

const pipeline = (up, concurrency) => `name: p
trigger: { webhook: { path: "/p/{n}", methods: [GET] } }
concurrency: ${concurrency}
steps:
  - http: { base_url: "${up.url}", path: "/\${ request.params.n }", method: GET, pool: 100 }
`;
const waiting = (w) => metric(w, 'weir_concurrency_waiting');
const ask = (w, n) => { const c = connect(w.edgePort); void c.write(`GET /p/${n} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`); return c; };

test('whoever waits for a place gets it in the order of coming, on whatever shard', async (t) => {
  const up = await gated(t);
  const w = await start(t, { 'p.yaml': pipeline(up, '{ limit: 2 }') }, { shards: 3, args: ['--set', 'engine.max_wait=0'] });
  const all = [ask(w, 0)];
  await until(() => up.calls.length === 1, 'the first runs');
  all.push(ask(w, 1));
  await until(() => up.calls.length === 2, 'the second runs');
  for (let n = 2; n < 40; n++) {
    all.push(ask(w, n));
    await until(async () => (await waiting(w)) === n - 1, `${n} is in line`);
  }
  for (let n = 0; n < 40; n++) {
    up.calls[n].go();
    await until(() => up.calls.length === Math.min(n + 3, 40), `${n + 2} is let in`);
    assert.equal(up.calls.at(-1).n, String(Math.min(n + 2, 39)));
  }
  for (const c of all) assert.match(await c.ended, /^HTTP\/1.1 200 /);
  assert.equal(await waiting(w), 0);
});

test('who goes away leaves the line, and a limit that a reload raises lets in who waits', async (t) => {
  const up = await gated(t);
  const w = await start(t, { 'p.yaml': pipeline(up, '{ limit: 1, key: "${ request.query.key }" }') }, { shards: 2, args: ['--set', 'engine.max_wait=0'] });
  const first = ask(w, '0?key=a');
  await until(() => up.calls.length === 1, 'the first runs');
  const others = [];
  for (let n = 1; n < 6; n++) {
    others.push(ask(w, `${n}?key=a`));
    await until(async () => (await waiting(w)) === n, `${n} is in line`);
  }
  const other = ask(w, '9?key=b');
  await until(() => up.calls.length === 2 && up.calls[1].n === '9', 'another key has its own places');
  others[0].end();
  others[2].end();
  await until(async () => (await waiting(w)) === 3, 'two have left');
  writeFileSync(join(w.dir, 'p.yaml'), pipeline(up, '{ limit: 3, key: "${ request.query.key }" }'));
  await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
  await until(() => up.calls.length === 4, 'two more are let in');
  assert.deepEqual(up.calls.slice(2).map((c) => c.n).sort(), ['2', '4']);
  assert.equal(await waiting(w), 1);
  up.calls[0].go();
  await until(() => up.calls.length === 5, 'the last is let in');
  assert.equal(up.calls[4].n, '5');
  for (const c of up.calls.slice(1)) c.go();
  for (const c of [first, other, others[1], others[3], others[4]]) assert.match(await c.ended, /^HTTP\/1.1 200 /);
});

test('who would wait for long, or has waited so long, is refused, and told when to come again', async (t) => {
  const up = await gated(t);
  const w = await start(t, { 'p.yaml': pipeline(up, 1) }, { args: ['--set', 'engine.max_wait=1s'] });
  const first = ask(w, 0);
  await until(() => up.calls.length === 1, 'the first runs');
  const second = fetch(`${w.edge}/p/1`); // no pace is known yet to judge the line by
  await until(async () => (await waiting(w)) === 1, 'the second waits');
  const late = await second;
  assert.equal(late.status, 503);
  assert.equal(late.headers.get('retry-after'), '1');
  assert.match((await late.json()).detail, /no place of this pipeline became free in time \(engine\.max_wait\)/);
  up.calls[0].go();
  assert.match(await first.ended, /^HTTP\/1.1 200 /);

  const all = Array.from({ length: 6 }, (_, n) => ask(w, n)); // at about a second each, as it is known now
  for (const c of all.slice(1)) await c.ended;
  assert.equal(up.calls.length, 2);
  for (const c of all.slice(1)) assert.match(c.text, /^HTTP\/1.1 503 /);
  up.calls[1].go();
  assert.match(await all[0].ended, /^HTTP\/1.1 200 /);
  assert.equal(await metric(w, 'weir_admission_refused_total', { pipeline: 'p', reason: 'max_wait' }), 6);
});

const refused = (w) => metric(w, 'weir_admission_refused_total', { pipeline: 'p', reason: 'max_wait' }).then((n) => n ?? 0);

test('without a pace eight rounds may wait, and who was refused does not count as one who waits', async (t) => {
  const up = await gated(t);
  const w = await start(t, { 'p.yaml': pipeline(up, 2) }, { args: ['--set', 'engine.max_wait=60s'] });
  const all = Array.from({ length: 40 }, (_, n) => ask(w, n));
  await until(async () => await refused(w) === 22, 'those behind the sixteenth are refused');
  up.calls[0].go();
  await until(() => up.calls.length === 3, 'one is let in');
  const next = ask(w, 99);
  await until(async () => await waiting(w) === 16, 'there is room for one more');
  await after(200); // it has been looked at
  assert.equal(await refused(w), 22);
  for (let n = 1; n < 19; n++) {
    await until(() => up.calls.length > n, `${n} runs`);
    up.calls[n].go();
  }
  assert.match(await next.ended, /^HTTP\/1.1 200 /);
  const answers = await Promise.all(all.map((c) => c.ended));
  assert.equal(answers.filter((a) => a.startsWith('HTTP/1.1 200 ')).length, 18);
});

test('what was left of a run when somebody came is no pace to judge others by', async (t) => {
  const up = await gated(t);
  const w = await start(t, { 'p.yaml': pipeline(up, 1) }, { args: ['--set', 'engine.max_wait=60s'] });
  const all = [ask(w, 0)];
  await until(() => up.calls.length === 1, 'the first runs');
  all.push(ask(w, 1));
  await until(async () => await waiting(w) === 1, 'the second waits');
  up.calls[0].go();
  await until(() => up.calls.length === 2, 'the second runs');
  for (let n = 2; n < 22; n++) all.push(ask(w, n));
  await until(async () => await refused(w) === 12, 'those behind the eighth are refused');
  for (let n = 1; n < 10; n++) {
    await until(() => up.calls.length > n, `${n} runs`);
    up.calls[n].go();
  }
  const answers = await Promise.all(all.map((c) => c.ended));
  assert.equal(answers.filter((a) => a.startsWith('HTTP/1.1 200 ')).length, 10);
});

test('what gets no run is counted by the limit that it was', async (t) => {
  const up = await gated(t);
  const w = await start(t, { 'p.yaml': pipeline(up, '{ limit: 1, when_full: reject }'), 'q.yaml': pipeline(up, 10).replace('name: p', 'name: q').replace('/p/', '/q/') }, { args: ['--set', 'engine.max_runs=2'] });
  ask(w, 0);
  await until(() => up.calls.length === 1, 'the first runs');
  assert.equal((await fetch(`${w.edge}/p/1`)).status, 503);
  const c = connect(w.edgePort);
  void c.write('GET /q/2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await until(() => up.calls.length === 2, 'another pipeline runs');
  const r = await fetch(`${w.edge}/q/3`);
  assert.equal(r.status, 503);
  assert.match((await r.json()).detail, /engine\.max_runs/);
  assert.equal(await metric(w, 'weir_admission_refused_total', { pipeline: 'p', reason: 'concurrency' }), 1);
  assert.equal(await metric(w, 'weir_admission_refused_total', { pipeline: 'q', reason: 'max_runs' }), 1);
  for (const c of up.calls) c.go();
});

test('the end of the process refuses who waits, while places change hands between shards', async (t) => {
  const up = await upstream(t, (q, r) => r.end('ok'));
  for (let round = 0; round < 3; round++) {
    const w = await start(t, { 'p.yaml': pipeline(up, '{ limit: 4 }') }, { shards: 3 });
    const all = Array.from({ length: 200 }, (_, n) => ask(w, n));
    await Promise.race(all.slice(0, 20).map((c) => c.ended));
    await w.stop();
    for (const c of all) {
      await c.ended;
      assert.match(c.text || 'HTTP/1.1 503 ', /^HTTP\/1.1 (200|503) /); // what was not accepted has no answer
    }
  }
});
