#!/usr/bin/env node
// tests/bench/herd.mjs [JOBS [RATE]]: what callers of another pipeline feel while JOBS jobs come due at once.
//
// RATE requests a second go to a static reply before, while the herd of a paused pipeline is let go, and after it,
// in one run; the herd has a concurrency of 20, and an upstream that counts. Only the ratios mean anything.
import http from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folder, metric, start, until } from '../e2e/lib/weir.mjs';
import { load, quantile, request } from './lib/load.mjs';

const jobs = Number(process.argv[2] ?? 10_000), rate = Number(process.argv[3] ?? 1000);
const after = [];
const t = { after: (fn) => after.unshift(fn) };
const dir = mkdtempSync(join(tmpdir(), 'weir-herd-'));
let inside = 0, most = 0, done = 0;
const server = http.createServer((q, r) => { most = Math.max(most, ++inside); q.resume(); setImmediate(() => { inside--; done++; r.end('{}'); }); });
server.keepAliveTimeout = 60_000;

try {
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const pipelines = folder(t, {
    'herd.yaml': `
name: herd
respond: accepted
concurrency: 20
trigger: { webhook: { path: /herd, methods: [POST] } }
steps:
  - http: { method: PUT, url: "http://127.0.0.1:${server.address().port}/" }
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
  while (done < jobs) during.push(...(await other(0.5)).took);
  const took = (performance.now() - begin) / 1000;
  await released;
  during.sort((a, b) => a - b);
  await until(async () => (await metric(w, 'weir_jobs', { state: 'completed' })) === jobs, 'all are over', 60_000);
  const behind = await other(3);
  const show = (name, list) => console.log(`${name.padEnd(8)} ${String(list.length).padStart(6)} requests  p50 ${quantile(list, 0.5).toFixed(2).padStart(6)} ms  p99 ${quantile(list, 0.99).toFixed(2).padStart(6)} ms  max ${list.at(-1).toFixed(1).padStart(6)} ms`);
  show('before', before.took);
  show('during', during);
  show('after', behind.took);
  console.log(`${jobs} jobs in ${took.toFixed(1)} s (${(jobs / took).toFixed(0)}/s), ${most} at once of 20 allowed; p99 during / before: ${(quantile(during, 0.99) / quantile(before.took, 0.99)).toFixed(2)}`);
  if (most > 20 || done !== jobs) process.exitCode = 1;
} finally {
  for (const fn of after) await fn();
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true, force: true });
}
