// What a server takes when nothing happens, how soon it answers, and what callers feel of reloads.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, copyFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './tiers.mjs';
import { load, quantile, request } from './load.mjs';
import { memory } from './memory.mjs';

const here = dirname(fileURLToPath(import.meta.url));
// Under the usual limit of 20,000 descriptors haproxy takes no more than 9,900.
const CONNECTIONS = 9_500, STARTS = 9;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const freePort = () => new Promise((done) => { const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); }); });

/** How each server is started on PORT with what is in DIR; the path that answers. */
const servers = {
  weir: (dir, port, env) => {
    copyFileSync(join(here, '../pipelines/t0.yaml'), join(dir, 't0.yaml'));
    return { command: [env.WEIR, 'run', dir, '--shards', '2', '--edge', `127.0.0.1:${port}`, '--admin', '127.0.0.1:0', '--store', `sqlite:${dir}/weir.db`, '--set', 'edge.max_connections=10000', '--set', 'log.access=false'], path: '/t0' };
  },
  nginx: (dir, port) => {
    writeFileSync(join(dir, 'nginx.conf'), `worker_processes 2; daemon off; pid ${dir}/pid; error_log ${dir}/err; user root; \nevents { worker_connections 20000; }\nhttp { access_log off; keepalive_timeout 3600s; client_body_temp_path ${dir}/a; proxy_temp_path ${dir}/b; fastcgi_temp_path ${dir}/c; uwsgi_temp_path ${dir}/d; scgi_temp_path ${dir}/e; server { listen 127.0.0.1:${port} backlog=4096 reuseport; location = /t0 { default_type application/json; return 200 '{"ok":true}'; } } }\n`);
    return { command: ['nginx', '-c', join(dir, 'nginx.conf')], path: '/t0' };
  },
  haproxy: (dir, port) => {
    writeFileSync(join(dir, 'haproxy.cfg'), `global\n  nbthread 2\n  maxconn 9800\ndefaults\n  mode http\n  timeout client 1h\n  timeout server 60s\n  timeout connect 2s\n  timeout http-keep-alive 1h\nfrontend fe\n  bind 127.0.0.1:${port} backlog 4096\n  http-request return status 200 content-type application/json string '{"ok":true}'\n`);
    return { command: ['haproxy', '-db', '-f', join(dir, 'haproxy.cfg')], path: '/t0' };
  },
};

/** Asks until there is an answer; false after MS. */
async function answers(port, path, ms = 10_000) {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const good = await new Promise((done) => {
      const s = net.connect(port, '127.0.0.1', () => s.write(request('GET', path)));
      s.once('data', () => { s.destroy(); done(true); }).once('error', () => done(false));
    });
    if (good) return true;
    await sleep(1);
  }
  return false;
}

async function started(name, env, fn) {
  const dir = mkdtempSync(join(tmpdir(), 'weir-idle-')), port = await freePort();
  const { command, path } = servers[name](dir, port, env);
  const begin = performance.now();
  const child = spawn(command[0], command.slice(1), { stdio: 'ignore' });
  const ended = new Promise((done) => child.once('exit', done));
  try {
    if (!(await answers(port, path))) throw new Error(`${name} does not answer`);
    return await fn({ pid: child.pid, port, path, dir, ms: performance.now() - begin });
  } finally {
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(20_000).then(() => child.kill('SIGKILL'))]);
    rmSync(dir, { recursive: true, force: true });
  }
}

/** N connections that have asked once and wait. */
async function connections(port, path, n) {
  const sockets = [];
  for (let i = 0; i < n; i += 200) {
    sockets.push(...await Promise.all(Array.from({ length: Math.min(200, n - i) }, () => new Promise((done, fail) => {
      const s = net.connect(port, '127.0.0.1', () => s.write(request('GET', path)));
      s.once('data', () => done(s)).once('error', fail);
    }))));
  }
  return sockets;
}

async function atRest(name, env) {
  const cold = [];
  for (let i = 0; i < STARTS; i++) cold.push(await started(name, env, (s) => s.ms));
  return started(name, env, async ({ pid, port, path }) => {
    await sleep(1000); // what a start leaves behind is given back
    const rest = memory(pid);
    // What answering needs at all is no connection's.
    for (const s of await connections(port, path, 200)) s.destroy();
    await sleep(500);
    const before = memory(pid);
    const sockets = await connections(port, path, CONNECTIONS);
    await sleep(1000);
    const after = memory(pid);
    for (const s of sockets) s.destroy();
    return { rss_mib: rest.rss / 2 ** 20, pss_mib: rest.pss / 2 ** 20, anon_mib: rest.anon / 2 ** 20, per_connection: (after.pss - before.pss) / CONNECTIONS, cold_ms: median(cold) };
  });
}

/** Reloads ten times a second while requests come at RATE. */
function reloads(env, rate = 1000, seconds = 5) {
  return started('weir', env, async ({ pid, port, path, dir }) => {
    const ask = () => load({ port, text: request('GET', path), rate, seconds, connections: 16 });
    const text = readFileSync(join(dir, 't0.yaml'), 'utf8');
    await load({ port, text: request('GET', path), rate, seconds: 1, connections: 16 });
    const before = await ask();
    let n = 0;
    const timer = setInterval(() => { writeFileSync(join(dir, 't0.yaml'), `${text}# ${++n}\n`); process.kill(pid, 'SIGHUP'); }, 100);
    const during = await ask();
    clearInterval(timer);
    const failed = during.sent - (during.statuses.get('200') ?? 0);
    return { reloads: n, seconds, rate, failed, p99: quantile(during.took, 0.99), p99_before: quantile(before.took, 0.99) };
  });
}

/** What is measured at rest, of weir and of those PEERS that have such figures. */
export async function idle(peers, env) {
  const result = { connections: CONNECTIONS };
  for (const name of ['weir', ...peers.filter((p) => servers[p])]) {
    process.stderr.write(`\rat rest: ${name.padEnd(8)}`);
    result[name] = await atRest(name, env);
  }
  result.reload = await reloads(env);
  process.stderr.write('\r\x1b[K');
  return result;
}
