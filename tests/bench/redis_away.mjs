#!/usr/bin/env node
// tests/bench/redis_away.mjs [SECONDS]: what callers feel while Redis is frozen, gone, and back.
//
// weir serves pipelines/ with its limits in a redis-server of its own. wrk asks another route (/hello) the whole
// time, and one caller after another asks the gateway, whose limiter needs Redis. Prints both for each phase, and
// ends with 1 if a promise does not hold: other routes' p99 below 50 ms, decisions within 50 ms, counted again
// within 1 s of Redis being back. Needs redis-server and wrk.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { redis } from '../e2e/lib/redis.mjs';
import { root, start } from '../e2e/lib/weir.mjs';

const seconds = Number(process.argv[2] ?? 3);
const after = [];
const t = { after: (fn) => after.unshift(fn) };
const run = promisify(execFile);
let bad = 0;

async function wrk(url) {
  const { stdout } = await run('wrk', ['-t1', '-c16', `-d${seconds}s`, '--latency', url]);
  const ms = (s) => { const m = /99%\s+([\d.]+)(us|ms|s)/.exec(s); return Number(m[1]) * { us: 0.001, ms: 1, s: 1000 }[m[2]]; };
  return { p99: ms(stdout), rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]), errors: /Non-2xx|Socket errors/.test(stdout) };
}

async function decisions(w, until) {
  const took = [];
  while (Date.now() < until) {
    const begin = performance.now();
    const r = await fetch(`${w.edge}/gateway/none/x`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', 'x-api-key': 'bench' } });
    await r.arrayBuffer();
    took.push(performance.now() - begin);
  }
  took.sort((a, b) => a - b);
  return { n: took.length, p99: took[Math.floor(took.length * 0.99)], max: took.at(-1) };
}

async function phase(w, name) {
  const [other, own] = await Promise.all([wrk(`${w.edge}/hello/Ada`), decisions(w, Date.now() + seconds * 1000)]);
  const holds = other.p99 < 50 && !other.errors && own.p99 < 60;
  bad += holds ? 0 : 1;
  console.log(`${name.padEnd(18)} other routes: ${other.rate.toFixed(0).padStart(6)}/s p99 ${other.p99.toFixed(2).padStart(6)} ms | gateway: ${String(own.n).padStart(6)} asked, p99 ${own.p99.toFixed(1).padStart(5)} ms, max ${own.max.toFixed(1).padStart(5)} ms${holds ? '' : '  <- not as promised'}`);
}

try {
  const r = await redis(t);
  const w = await start(t, join(root, 'pipelines'), { env: { REDIS_URL: r.url }, shards: 2, args: ['--set', 'log.access=false'] });
  const used = async () => (await r.command('KEYS', 'weir:limit:*')).length;
  await phase(w, 'Redis is there');
  r.freeze();
  await phase(w, 'Redis is frozen');
  r.thaw();
  await phase(w, 'thawed');
  await r.stop();
  await phase(w, 'Redis is gone');
  await r.start();
  const back = performance.now();
  while (await used() === 0) {
    await (await fetch(`${w.edge}/gateway/none/x`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', 'x-api-key': 'back' } })).arrayBuffer();
    if (performance.now() - back > 5000) break;
  }
  const took = performance.now() - back;
  bad += took < 1000 ? 0 : 1;
  console.log(`counted again ${took.toFixed(0)} ms after Redis was back${took < 1000 ? '' : '  <- not as promised'}`);
  await phase(w, 'back');
} finally {
  for (const fn of after) await fn();
}
process.exit(bad ? 1 : 0);
