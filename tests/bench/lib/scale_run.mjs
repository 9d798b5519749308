// What the rows of tests/bench/scale.mjs are made of: servers on free ports, and load of which the CPU time is counted.
//
// With PIN a server has CPU 0 to itself, and who sends and who answers behind it has CPU 1, so that the generator does not take
// from the server; without, the scheduler places all.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { folder, start, until } from '../../e2e/lib/weir.mjs';
import { family } from './memory.mjs';
import { busy, cpu, ownCpu } from './proc.mjs';
import { compiled } from './tool.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const run = promisify(execFile);
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const freePort = () => new Promise((done) => { const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); }); });

/** A command with room for N descriptors, or as many as the system allows; on CPU N of a machine that has several. */
const roomy = (n) => ['sh', '-c', `ulimit -n ${n} 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$@"`, 'sh'];
const on = (n) => (n === undefined || cpus().length < 2 ? [] : ['taskset', '-c', String(n)]);

/** PIDS and all processes below them. */
const families = (pids) => [...new Set(pids.flatMap((pid) => family(pid)))];

/** A folder that goes at the end. */
export function scratch(t) {
  const dir = mkdtempSync(join(tmpdir(), 'weir-scale-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A weir with FILES: { w, pids, port, label }. It does not count requests of a connection, nor wait for one to be idle. */
export async function weir(t, label, files, { shards = 1, pin = true, args = [], env = {}, extra = {}, wait } = {}) {
  const dir = typeof files === 'string' ? files : folder(t, files);
  const begin = performance.now();
  const w = await start(t, dir, {
    shards, env, prefix: [...roomy(65_536), ...on(pin ? 0 : undefined)], files: extra,
    args: ['--store', 'none', '--set', 'log.access=false', '--set', 'edge.max_requests=1000000000', '--set', 'edge.max_age=100h', '--set', 'edge.idle_timeout=10h', '--set', 'edge.max_connections=20000', '--set', 'engine.max_lag=60s', ...args],
    ...wait,
  });
  return { label, w, port: w.edgePort, pids: [w.pid], pin, ms: performance.now() - begin, others: [] };
}

/** An nginx with the body of an http block: { port, pids, stop }. Its place is that of a server (pin 0) or of an upstream (pin 1). */
export async function nginx(t, label, http, pin) {
  const dir = scratch(t), port = await freePort();
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((k) => `${k}_temp_path ${dir}/${k};`).join(' ');
  writeFileSync(join(dir, 'nginx.conf'), `worker_processes 1; daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/err;\nevents { worker_connections 20000; }\n`
    + `http { access_log off; keepalive_requests 1000000000; keepalive_timeout 3600s; tcp_nodelay on; default_type application/json; ${temp}\n${http(port)}\n}\n`);
  const command = [...roomy(65_536), ...on(pin), 'nginx', '-c', join(dir, 'nginx.conf')];
  const child = spawn(command[0], command.slice(1), { stdio: 'ignore' });
  const ended = new Promise((done) => child.once('exit', done));
  t.after(() => { child.kill('SIGTERM'); return ended; });
  await until(() => new Promise((done) => { const s = net.connect(port, '127.0.0.1', () => { s.destroy(); done(true); }).once('error', () => done(false)); }), `${label} listens`);
  return { label, port, pids: [child.pid], pin: true, others: [] };
}

/** The upstream of a proxy: a static answer, on CPU 1. */
export const upstream = (t) => nginx(t, 'upstream', (port) => `client_max_body_size 10m; client_body_buffer_size 256k; server { listen 127.0.0.1:${port} backlog=4096; location / { return 200 '{"ok":true,"from":"upstream"}'; } }`, 1);

/**
 * Load on SIDE for SECONDS by wrk: { us (CPU a request), rps, p99 (ms), util (CPUs it took), foreign (CPUs that others took), n, bad }.
 * WHAT: { path, key, n, from, body, connections }, as lib/scale.lua reads them.
 */
export async function ask(side, what, seconds) {
  const pids = families(side.pids), others = families(side.others.flatMap((o) => o.pids));
  const script = ['-s', join(here, 'scale.lua')], c = what.connections ?? 64;
  const env = { ...process.env, SCALE_PATH: what.path, SCALE_KEY: what.key ?? '', SCALE_N: String(what.n ?? 1), SCALE_FROM: String(what.from ?? 0), SCALE_BODY: what.body ?? '' };
  const command = [...roomy(65_536), ...on(side.pin ? 1 : undefined), 'wrk', `-t${side.pin ? 1 : 2}`, `-c${c}`, `-d${seconds}s`, '--timeout', '20s', ...script, `http://127.0.0.1:${side.port}`];
  const before = { s: cpu(pids), o: cpu(others), own: ownCpu(), busy: busy(), at: performance.now() };
  const { stdout } = await run(command[0], command.slice(1), { env });
  const d = { s: cpu(pids) - before.s, o: cpu(others) - before.o, own: ownCpu() - before.own, busy: busy() - before.busy, wall: (performance.now() - before.at) / 1000 };
  const m = /^RES (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout);
  if (!m) throw new Error(`wrk said ${stdout.slice(0, 400)}`);
  const [n, us, bad, p99] = m.slice(1).map(Number);
  return { us: (d.s * 1e6) / Math.max(1, n), rps: n / (us / 1e6), p99: p99 / 1000, util: d.s / d.wall, foreign: Math.max(0, d.busy - d.s - d.o - d.own) / d.wall, n, bad };
}

/** Requests at RATE (steady.c) for SECONDS: { sent, bad, p50, p99, p999, max } in milliseconds, from when each was due. */
export async function steady(tool, side, text, { rate, seconds, connections = 64 }) {
  const file = `${tool}.${side.port}.txt`;
  writeFileSync(file, text);
  const command = [...on(side.pin ? 1 : undefined), tool, String(side.port), String(rate), String(seconds), String(connections), file];
  const { stdout } = await run(command[0], command.slice(1));
  const [sent, bad, ...us] = stdout.trim().split(' ').map(Number);
  const [p50, p99, p999, max] = us.map((v) => v / 1000);
  return { sent, bad, p50, p99, p999, max };
}

/** The tool that steady() needs, compiled. */
export function steadyTool(t) {
  return compiled('steady', scratch(t));
}

/** N connections to SIDE that have asked once for PATH, and wait. */
export async function idleConnections(side, path, n) {
  const sockets = [];
  for (let i = 0; i < n; i += 200) {
    sockets.push(...await Promise.all(Array.from({ length: Math.min(200, n - i) }, () => new Promise((done, fail) => {
      const s = net.connect(side.port, '127.0.0.1', () => s.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`));
      s.once('data', () => done(s)).once('error', fail);
    }))));
  }
  return sockets;
}

/** CPU milliseconds a second that SIDE takes while nobody asks. */
export async function atRest(side, seconds = 2) {
  const pids = families(side.pids), before = cpu(pids), at = performance.now();
  await sleep(seconds * 1000);
  return ((cpu(pids) - before) * 1e6) / (performance.now() - at);
}
