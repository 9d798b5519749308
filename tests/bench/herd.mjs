#!/usr/bin/env node
// tests/bench/herd.mjs [JOBS [RATE]]: what callers of another pipeline feel while JOBS jobs come due at once.
//
// RATE requests a second go to a static reply before, while the herd of a paused pipeline is let go, and after it,
// in one run; the herd has a concurrency of 20, and an upstream that counts, on a thread of its own so that its work
// does not delay who measures. Only the ratios mean anything.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { folder, metric, start, until } from '../e2e/lib/weir.mjs';
import { load, quantile, request } from './lib/load.mjs';

const jobs = Number(process.argv[2] ?? 10_000), rate = Number(process.argv[3] ?? 1000);
const after = [];
const t = { after: (fn) => after.unshift(fn) };
const dir = mkdtempSync(join(tmpdir(), 'weir-herd-'));
const counts = new Int32Array(new SharedArrayBuffer(8)); // requests that were answered; most of them at once
const upstream = new Worker(`
  const { parentPort, workerData: counts } = require('node:worker_threads');
  let inside = 0;
  const server = require('node:http').createServer((q, r) => {
    counts[1] = Math.max(counts[1], ++inside);
    q.resume();
    setImmediate(() => { inside--; Atomics.add(counts, 0, 1); r.end('{}'); });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`, { eval: true, workerData: counts });

try {
  const [port] = await once(upstream, 'message');
  const pipelines = folder(t, {
    'herd.yaml': `
name: herd
respond: accepted
concurrency: 20
trigger: { webhook: { path: /herd, methods: [POST] } }
steps:
  - http: { method: PUT, url: "http://127.0.0.1:${port}/" }
`,
    'other.yaml': 'name: other\ntrigger: { webhook: { path: /other, methods: [GET] } }\nsteps:\n  - reply: { json: { ok: true } }\n',
  });
  const w = await start(t, pipelines, { shards: 2, args: ['--store', `sqlite:${dir}/weir.db`, '--set', 'log.access=false'] });
  const post = (path) => fetch(`${w.admin}/api/v1/${path}`, { method: 'POST', body: '{}' });
  const other = (seconds) => load({ port: w.edgePort, text: request('GET', '/other'), rate, seconds, connections: 16 });
  await post('pipelines/herd/pause');
  await load({ port: w.edgePort, text: request('POST', '/herd', '{"n":1}'), rate: 4000, seconds: jobs / 4000 });
  await other(1); // warm
  const before = await other(3);
  const begin = performance.now();
  const released = post('pipelines/herd/resume');
  const during = [];
  let took;
  const clock = setInterval(() => { if (Atomics.load(counts, 0) >= jobs) took ??= (performance.now() - begin) / 1000; }, 5);
  while (Atomics.load(counts, 0) < jobs) during.push(...(await other(0.25)).took);
  took ??= (performance.now() - begin) / 1000;
  clearInterval(clock);
  await released;
  during.sort((a, b) => a - b);
  await until(async () => (await metric(w, 'weir_jobs', { state: 'completed' })) === jobs, 'all are over', 60_000);
  const behind = await other(3);
  const show = (name, list) => console.log(`${name.padEnd(8)} ${String(list.length).padStart(6)} requests  p50 ${quantile(list, 0.5).toFixed(2).padStart(6)} ms  p99 ${quantile(list, 0.99).toFixed(2).padStart(6)} ms  max ${list.at(-1).toFixed(1).padStart(6)} ms`);
  show('before', before.took);
  show('during', during);
  show('after', behind.took);
  console.log(`${jobs} jobs in ${took.toFixed(1)} s (${(jobs / took).toFixed(0)}/s), ${counts[1]} at once of 20 allowed; p99 during / before: ${(quantile(during, 0.99) / quantile(before.took, 0.99)).toFixed(2)}`);
  if (counts[1] > 20 || counts[0] !== jobs) process.exitCode = 1;
} finally {
  for (const fn of after) await fn();
  await upstream.terminate();
  rmSync(dir, { recursive: true, force: true });
}
