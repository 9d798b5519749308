#!/usr/bin/env node
// tests/bench/durable.mjs [SECONDS [FOLDER]]: tier T4 in one run, beside what bounds it.
//
// A static reply (T0), events that are stored before their 202 (T4) at 64 connections, the same at half of that
// rate for the latency below the limit, and the bare disk: SQLite, WAL, synchronous=FULL, rows of the same bytes,
// 1 and 64 a commit, on the same file system (FOLDER, below the system's one for temporary files). What else runs
// on the machine shows in all of them; only ratios of one run mean anything. Needs wrk and cc; WEIR_BUILD names
// the build (build/release).
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { metric, start } from '../e2e/lib/weir.mjs';
import { load, quantile, request } from './lib/load.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const seconds = Number(process.argv[2] ?? 5);
const dir = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'weir-bench-'));
const run = promisify(execFile);
const after = [];
const t = { after: (fn) => after.unshift(fn) };
const body = readFileSync(join(here, 'peers/lib/body.json'), 'utf8').trim();
const path = '/t4/gateway/embeddings/create';

async function wrk(url, env = {}) {
  const script = env.WRK_PATH ? ['-s', join(here, 'peers/lib/post.lua')] : [];
  const { stdout } = await run('wrk', ['-t1', '-c64', `-d${seconds}s`, '--latency', ...script, url], { env: { ...process.env, ...env } });
  const res = /^RES (.*)$/m.exec(stdout)?.[1].split(' ').map(Number);
  if (res) return { rate: res[0] / (res[1] / 1e6), n: res[0], bad: res[6] + res[7], p99: res[9] / 1000 };
  const ms = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout);
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]), bad: /Non-2xx/.test(stdout) ? 1 : 0, p99: Number(ms[1]) * { us: 0.001, ms: 1, s: 1000 }[ms[2]] };
}

const rows = [];
const row = (what, value, note = '') => rows.push([what, value, note]);
const f = (n, digits = 0) => n.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });

try {
  await run('cc', ['-O2', join(here, 'disk_limit.c'), '-o', join(dir, 'disk_limit'), '-lsqlite3']);
  const w = await start(t, Object.fromEntries(['t0.yaml', 't4.yaml'].map((name) => [name, readFileSync(join(here, 'pipelines', name), 'utf8')])),
    { shards: 1, args: ['--store', `sqlite:${dir}/weir.db`, '--set', 'log.access=false'] });
  const store = async () => Object.fromEntries(await Promise.all(['commits', 'operations', 'commit_seconds'].map(async (k) => [k, await metric(w, `weir_store_${k}_total`)])));
  const memory = [];
  let sampling = true;
  const sampler = (async () => { while (sampling) { memory.push(await metric(w, 'process_resident_memory_bytes')); await new Promise((done) => setTimeout(done, 250)); } })();
  await wrk(w.edge, { WRK_PATH: path, WRK_BODY: body }); // warm

  const t0 = await wrk(`${w.edge}/t0`);
  const before = await store();
  const t4 = await wrk(w.edge, { WRK_PATH: path, WRK_BODY: body });
  const now = await store();
  const d = Object.fromEntries(Object.keys(now).map((k) => [k, now[k] - before[k]]));
  const half = await load({ port: w.edgePort, text: request('POST', path, body), rate: Math.floor(t4.rate / 2), seconds });
  sampling = false;
  await sampler;
  const size = (await (await fetch(`${w.admin}/api/v1/store`)).json());
  const bytes = Math.round(size.file_bytes / Math.max(1, Object.values(size.jobs).reduce((a, b) => a + b, 0)));
  await w.stop();
  const event = 330; // what the store keeps of this event, in MessagePack
  const disk = async (n) => (await run(join(dir, 'disk_limit'), [dir, String(event), String(n), String(Math.min(seconds, 5))])).stdout.trim().split(' ').map(Number);
  const [one] = await disk(1), [many, manyCommits] = await disk(64);

  row('T0: static replies, 64 connections', `${f(t0.rate)}/s`);
  row('T4: events stored, then 202, 64 connections', `${f(t4.rate)}/s`, `${f((t4.rate / t0.rate) * 100)} % of T0; p99 ${f(t4.p99, 1)} ms${t4.bad ? `; ${t4.bad} FAILED` : ''}`);
  row('  commits', `${f(d.commits / (t4.n / t4.rate))}/s`, `${f(d.operations / d.commits, 1)} operations in each; ${f((d.commit_seconds / d.commits) * 1000, 2)} ms each`);
  row('  an event has two operations', `${f(t4.n / d.commits, 1)} a commit`, 'its intake, and the end of its job');
  row('T4 at half of that rate', `${f(half.sent / seconds)}/s`, `p50 ${f(quantile(half.took, 0.5), 2)} ms, p99 ${f(quantile(half.took, 0.99), 2)} ms, max ${f(half.took.at(-1), 1)} ms, from when each was due`);
  row('bare disk, 1 row a commit', `${f(one)}/s`, `T4 is ${f(t4.rate / one, 1)} times that`);
  row('bare disk, 64 rows a commit', `${f(many)}/s`, `${f(manyCommits)} commits/s; T4 is ${f((t4.rate / many) * 100)} % of it, with a second operation each`);
  const third = Math.floor(memory.length / 3);
  row('resident memory', `${f(Math.max(...memory) / 1e6, 1)} MB at most`, `${f(Math.max(...memory.slice(third, 2 * third)) / 1e6, 1)} in the middle third, ${f(Math.max(...memory.slice(-third)) / 1e6, 1)} in the last`);
  row('file', `${f(size.file_bytes / 1e6)} MB`, `${bytes} bytes a job; file system ${statfsSync(dir).type.toString(16)}`);
  const wide = rows.map((r) => r[0].length).reduce((a, b) => Math.max(a, b)), rate = rows.map((r) => r[1].length).reduce((a, b) => Math.max(a, b));
  for (const r of rows) console.log(`${r[0].padEnd(wide)}  ${r[1].padStart(rate)}  ${r[2]}`);
  const statuses = [...half.statuses].filter(([status]) => status !== '202');
  if (t4.bad > 0 || statuses.length > 0) { console.error('some were not answered 202', statuses); process.exitCode = 1; }
} finally {
  for (const fn of after) await fn();
  rmSync(dir, { recursive: true, force: true });
}
