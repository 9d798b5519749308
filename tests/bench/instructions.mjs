#!/usr/bin/env node
// tests/bench/instructions.mjs [--top] [--save] [TIER ...]: instructions in user space of one request of each tier, by
// callgrind, beside the figures that are committed (instructions.json). Repeatable on a noisy machine, to about 2 %:
// how many answers of Redis or an upstream come in one read is a matter of time.
// --top shows where they go, --save writes the figures down. Needs, from Debian: valgrind, redis-server.
//
// --quick is what ./test prints at its end: T0, T1, T2 and T5 in one process, over one connection, so that nothing is a matter of
// time and some 200 requests are enough; its figures are those under "quick". It fails if a tier takes more than 10 % more: two runs of one
// build differ by less than 1 %. Under another compiler or on another processor than the figures were made with it only tells.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, folder, start } from '../e2e/lib/weir.mjs';
import { gateways, upstreams } from './lib/gateway.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const figures = join(here, 'instructions.json');
const options = process.argv.slice(2).filter((a) => a.startsWith('--'));
const body = readFileSync(join(here, 'peers/lib/body.json'), 'utf8').trim();
const WARM = 300, COUNTED = 1000, AT_ONCE = 8;

const post = (path) => (i) => `POST ${path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nX-Api-Key: client-${i % 1000}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const get = (path) => () => `GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`;
const tiers = {
  T0: get('/t0'), T1: post('/t1'), T2: post('/t2/gateway/embeddings/embed'), T3: post('/gateway/embeddings/embed'),
  T3m: post('/t3m/gateway/embeddings/embed'), T4: post('/t4/gateway/embeddings/embed'), T5: get('/t5'),
};
const asked = process.argv.slice(2).filter((a) => !a.startsWith('--'));

const after = [];
const t = { after: (fn) => after.unshift(fn) };
const freePort = () => new Promise((done) => { const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); }); });

/** Sends N requests, AT_ONCE connections, one after another on each; fails on anything but a 2xx. */
async function send(port, text, n, atOnce = AT_ONCE) {
  let sent = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    const s = net.connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1');
    await once(s, 'connect');
    while (sent < n) {
      s.write(text(sent++));
      let seen = '';
      for (let need = -1; need < 0 || seen.length < need;) {
        seen += (await once(s, 'data'))[0];
        const end = seen.indexOf('\r\n\r\n');
        if (need < 0 && end >= 0) need = end + 4 + Number(/content-length: (\d+)/i.exec(seen)?.[1] ?? 0);
      }
      if (!/^HTTP\/1.1 2/.test(seen)) throw new Error(`answered ${seen}`);
    }
    s.destroy();
  }));
}

/** { instructions, top } of one request. */
async function count(tier, redis, upstream) {
  const dir = mkdtempSync(join(tmpdir(), 'weir-instructions-'));
  after.unshift(() => rmSync(dir, { recursive: true, force: true }));
  const files = Object.fromEntries(readdirSync(join(here, 'pipelines')).map((f) => [f, readFileSync(join(here, 'pipelines', f), 'utf8')]));
  const w = await start(t, folder(t, { ...files, ...gateways() }), {
    prefix: ['valgrind', '--tool=callgrind', '--instr-atstart=no', `--callgrind-out-file=${dir}/out`],
    args: ['--no-supervise', '--set', 'log.access=false', '--set', 'engine.max_lag=60s', '--store', `sqlite:${dir}/weir.db`],
    env: { ...upstreams(`http://127.0.0.1:${upstream}`), REDIS_URL: `redis://127.0.0.1:${redis}` },
  });
  const instrument = (on) => execFileSync('callgrind_control', ['-i', on, String(w.pid)], { stdio: 'ignore' });
  await send(w.edgePort, tiers[tier], WARM);
  instrument('on');
  await send(w.edgePort, tiers[tier], COUNTED);
  instrument('off');
  await w.stop();
  const out = execFileSync('callgrind_annotate', [`${dir}/out`], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const total = Number(/^\s*([\d,]+).*PROGRAM TOTALS/m.exec(out)[1].replaceAll(',', ''));
  const top = out.split('\n').filter((l) => /^\s*[\d,]+ \(/.test(l)).slice(1, 41)
    .map((l) => { const m = /^\s*([\d,]+) \([^)]*\)\s+(.*?)(?: \[.*)?$/.exec(l); return [Math.round(Number(m[1].replaceAll(',', '')) / COUNTED), m[2].replace(/^.*\//, '')]; });
  return { instructions: Math.round(total / COUNTED), top };
}

/** What the figures hold for: who made the build, and for which processor. */
function maker() {
  const cache = readFileSync(join(build, 'CMakeCache.txt'), 'utf8'), cc = /^CMAKE_C_COMPILER:[A-Z]+=(.*)$/m.exec(cache)?.[1] ?? 'cc';
  return `${execFileSync(cc, ['--version'], { encoding: 'utf8' }).split('\n')[0].replace(/ \(.*\)/, '')}, ${process.arch}`;
}

/** All tiers that need no peer but an upstream, in one process; returns what is wrong, as a text, or null. */
async function quick(upstream, known) {
  const dir = mkdtempSync(join(tmpdir(), 'weir-instructions-')), names = ['T0', 'T1', 'T2', 'T5'], count = 200;
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const w = await start(t, folder(t, Object.fromEntries(names.map((n) => [`${n}.yaml`, readFileSync(join(here, 'pipelines', `${n.toLowerCase()}.yaml`), 'utf8')]))), {
    prefix: ['valgrind', '--tool=callgrind', '--instr-atstart=no', `--callgrind-out-file=${dir}/out`],
    args: ['--no-supervise', '--set', 'log.access=false', '--set', 'engine.max_lag=60s', '--store', 'none'], env: { UPSTREAM_URL: `http://127.0.0.1:${upstream}` },
  });
  const control = (...args) => execFileSync('callgrind_control', [...args, String(w.pid)], { stdio: 'ignore' });
  for (const n of names) {
    await send(w.edgePort, tiers[n], 100, 1);
    control('-i', 'on');
    await send(w.edgePort, tiers[n], count, 1);
    control('-i', 'off');
    control(`--dump=${n}`);
  }
  await w.stop();
  const was = known.quick ?? {}, now = { made_with: maker() }, comparable = was.made_with === now.made_with;
  let wrong = null;
  for (const file of readdirSync(dir).filter((f) => /^out\.\d+$/.test(f))) {
    const text = readFileSync(join(dir, file), 'utf8'), n = /^desc: Trigger: .*?(T\d)/m.exec(text)?.[1];
    if (!n) continue;
    now[n] = Math.round(Number(/^totals: (\d+)/m.exec(text)[1]) / count);
    if (comparable && was[n] && now[n] > 1.1 * was[n]) wrong = `${n} takes more than 10 % more instructions than tests/bench/instructions.json says`;
  }
  for (const n of names) console.log(`${n.padEnd(4)} ${String(now[n]).padStart(7)} instructions a request  (${was[n] ? `${now[n] >= was[n] ? '+' : ''}${(100 * (now[n] / was[n] - 1)).toFixed(1)} % of ${was[n]}` : 'not known before'})`);
  if (!comparable) console.log(`made with ${now.made_with}; the known figures with ${was.made_with}: only told`);
  known.quick = now;
  return wrong;
}

if (spawnSync('valgrind', ['--version']).error) { console.log('instructions are not counted: valgrind is not installed'); process.exit(0); }
try {
  // It answers what the upstream of tests/bench/run does: who reads the answer has as much to do here.
  const answer = /return 200 '([^']*)'/.exec(readFileSync(join(here, 'peers/lib/upstream.conf.in'), 'utf8'))[1];
  const upstream = http.createServer((q, r) => { q.resume(); q.on('end', () => r.setHeader('Content-Type', 'application/json').end(answer)); });
  upstream.keepAliveTimeout = 60_000;
  await new Promise((ready) => upstream.listen(0, '127.0.0.1', ready));
  t.after(() => { upstream.closeAllConnections(); upstream.close(); });
  const known = existsSync(figures) ? JSON.parse(readFileSync(figures, 'utf8')) : {};
  if (options.includes('--quick')) {
    const wrong = await quick(upstream.address().port, known);
    if (wrong) { console.error(`${wrong}: tests/bench/instructions.mjs --top says where; --quick --save takes the new figures`); process.exitCode = 1; }
  } else {
    const redis = await freePort();
    const server = spawn('redis-server', ['--port', String(redis), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
    t.after(() => server.kill());
    for (const tier of asked.length > 0 ? asked : Object.keys(tiers)) {
      const { instructions, top } = await count(tier, redis, upstream.address().port);
      const change = known[tier] ? `${instructions >= known[tier] ? '+' : ''}${(100 * (instructions / known[tier] - 1)).toFixed(1)} % of ${known[tier]}` : 'not known before';
      console.log(`${tier.padEnd(4)} ${String(instructions).padStart(7)} instructions a request  (${change})`);
      if (options.includes('--top')) for (const [n, what] of top) console.log(`     ${String(n).padStart(7)}  ${what}`);
      known[tier] = instructions;
    }
  }
  if (options.includes('--save')) writeFileSync(figures, `${JSON.stringify(known, null, 2)}\n`);
} finally {
  for (const fn of after) await fn();
}
