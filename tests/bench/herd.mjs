#!/usr/bin/env node
// tests/bench/herd.mjs [JOBS [RATE]]: what callers of another pipeline feel while JOBS jobs come due at once.
//
// RATE requests a second go to a static reply before, while the herd of a paused pipeline is let go, and after it,
// in one run; the herd has a concurrency of 20. Who measures (steady.c) and who is asked by the herd (upstream.c)
// are small C programs: on a machine of few cores what they take is taken from the gateway. Only the ratios mean
// anything.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { folder, metric, start, until } from '../e2e/lib/weir.mjs';
import { load, request } from './lib/load.mjs';
import { compiled } from './lib/tool.mjs';

const jobs = Number(process.argv[2] ?? 10_000), rate = Number(process.argv[3] ?? 1000);
const after = [];
const t = { after: (fn) => after.unshift(fn) };
const dir = mkdtempSync(join(tmpdir(), 'weir-herd-'));
t.after(() => rmSync(dir, { recursive: true, force: true }));

/** Requests to PORT until `end()`, which says what they took since `anew()`. */
function callers(tool, port, path) {
  const file = join(dir, 'request');
  writeFileSync(file, request('GET', path));
  const child = spawn(tool, [port, rate, 120, 16, file].map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    anew: () => child.kill('SIGUSR1'),
    async end() {
      child.kill('SIGTERM');
      const [sent, bad, p50, p99, p999, max] = (await line.next()).value.split(' ').map(Number);
      return { sent, bad, p50: p50 / 1000, p99: p99 / 1000, p999: p999 / 1000, max: max / 1000 };
    },
  };
}

/** The upstream of the herd. */
async function counting(tool) {
  const child = spawn(tool, { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.stdin.end());
  const line = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    port: Number((await line.next()).value),
    async counts() {
      child.stdin.write('?\n');
      const [answered, most] = (await line.next()).value.split(' ').map(Number);
      return { answered, most };
    },
  };
}

try {
  const steady = compiled('steady', dir), upstream = await counting(compiled('upstream', dir));
  const pipelines = folder(t, {
    'herd.yaml': `
name: herd
respond: accepted
concurrency: 20
trigger: { webhook: { path: /herd, methods: [POST] } }
steps:
  - http: { method: PUT, url: "http://127.0.0.1:${upstream.port}/" }
`,
    'other.yaml': 'name: other\ntrigger: { webhook: { path: /other, methods: [GET] } }\nsteps:\n  - reply: { json: { ok: true } }\n',
  });
  const w = await start(t, pipelines, { shards: 2, args: ['--store', `sqlite:${dir}/weir.db`, '--set', 'log.access=false', '--set', 'edge.max_requests=1000000'] });
  const post = (path) => fetch(`${w.admin}/api/v1/${path}`, { method: 'POST', body: '{}' });
  const others = async (seconds) => {
    const c = callers(steady, w.edgePort, '/other');
    await sleep(1000 + seconds * 1000);
    return c.end();
  };
  await post('pipelines/herd/pause');
  await load({ port: w.edgePort, text: request('POST', '/herd', '{"n":1}'), rate: 4000, seconds: jobs / 4000 });
  await others(0); // warm
  const before = await others(4);
  const beside = callers(steady, w.edgePort, '/other');
  await sleep(1000);
  const begin = performance.now();
  beside.anew();
  const released = post('pipelines/herd/resume');
  while ((await upstream.counts()).answered < jobs) await sleep(5);
  const took = (performance.now() - begin) / 1000;
  const during = await beside.end();
  await released;
  await until(async () => (await metric(w, 'weir_jobs', { state: 'completed' })) === jobs, 'all are over', 60_000);
  const behind = await others(4);
  for (const [name, c] of Object.entries({ before, during, after: behind }))
    console.log(`${name.padEnd(8)} ${String(c.sent).padStart(6)} requests  p50 ${c.p50.toFixed(2).padStart(6)} ms  p99 ${c.p99.toFixed(2).padStart(6)} ms  max ${c.max.toFixed(1).padStart(6)} ms${c.bad ? `  ${c.bad} bad` : ''}`);
  const { answered, most } = await upstream.counts();
  console.log(`${jobs} jobs in ${took.toFixed(1)} s (${(jobs / took).toFixed(0)}/s), ${most} seen at once of 20 allowed; p99 during / before: ${(during.p99 / before.p99).toFixed(2)}`);
  if (most > 20 || answered !== jobs || before.bad + during.bad + behind.bad > 0) process.exitCode = 1;
} finally {
  for (const fn of after) await fn();
}
