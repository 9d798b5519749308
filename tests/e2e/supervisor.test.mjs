// Two processes: a supervisor that holds the sockets, and a worker that it starts again.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, readdirSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { build, folder, metric, nextWorker, root, sanitized, slow, start, until, weir, workerOf, write } from './lib/weir.mjs';
import { connect } from './lib/net.mjs';
import { place, post, upstream } from './lib/jobs.mjs';

const crash = {
  'crash.yaml': `
name: crash
trigger: { webhook: { path: "/crash/{how}", methods: [GET] } }
steps:
  - id: trap
    crash: "\${ request.params.how }"
  - reply: { text: alive }
`,
};

/** The folder of all plugins, with the one that crashes. */
function plugins(t) {
  const dir = folder(t);
  for (const name of readdirSync(join(build, 'plugins'))) symlinkSync(join(build, 'plugins', name), join(dir, name));
  symlinkSync(join(build, 'tests/crash_plugin/crash.so'), join(dir, 'crash.so'));
  return dir;
}

/** Whether a process runs: one that nobody has waited for yet does not. */
const alive = (pid) => { try { return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')); } catch { return false; } };

const died = (l) => l.level === 'error' && 'reason' in l;

/** One GET on a connection of its own: the status, or 0 where there was no answer. */
const get = (url) => fetch(url, { headers: { connection: 'close' } }).then((r) => r.status, () => 0);

/** Starts weir with the plugin that crashes. */
const crashing = (t, pipelines, options) => start(t, pipelines,
  { ...options, args: ['--plugins', plugins(t), '--set', 'log.access=false', ...(options?.args ?? [])] });

test('a worker that is killed is followed by another one, on the same port', async (t) => {
  const w = await start(t, { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - reply: { text: ok }\n` }, { shards: 2 });
  process.kill(w.worker, 'SIGKILL');
  // No connection is refused meanwhile: each waits in the backlog, and is answered.
  const answers = await Promise.all(Array.from({ length: 20 }, () => get(`${w.edge}/p`)));
  await nextWorker(w, w.worker);
  assert.deepEqual(answers.filter((s) => s !== 200 && s !== 0), []);
  const later = await Promise.all(Array.from({ length: 20 }, () => get(`${w.edge}/p`)));
  assert.deepEqual(later, Array(20).fill(200));
  const line = w.lines.find(died);
  assert.equal(line.reason, 'SIGKILL');
  assert.equal(line.restart, 1);
  assert.equal(await metric(w, 'weir_worker_restarts_total', { reason: 'SIGKILL' }), 1);
  assert.equal(await metric(w, 'weir_worker_restarts_total'), 1);
});

test('connections that come while there is no worker are answered by the next one', async (t) => {
  const w = await start(t, { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - reply: { text: ok }\n` }, { shards: 2 });
  // A supervisor that stands still starts nobody: what comes now has nobody but the sockets.
  process.kill(w.pid, 'SIGSTOP');
  process.kill(w.worker, 'SIGKILL');
  await until(() => !alive(w.worker), 'the worker is dead');
  const waiting = Array.from({ length: 30 }, () => connect(w.edgePort));
  for (const c of waiting) await c.write('GET /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.ok(waiting.every((c) => c.error === null && !c.closed));
  process.kill(w.pid, 'SIGCONT');
  for (const c of waiting) assert.match(await c.ended, /^HTTP\/1\.1 200 /);
});

for (const [how, signal] of [['segv', 'SIGSEGV'], ['abort', 'SIGABRT'], ['fpe', 'SIGFPE'], ['ill', 'SIGILL'], ['jump', 'SIGSEGV'], ['deep', 'SIGSEGV']]) {
  // A sanitizer takes all signals but SIGABRT for itself.
  test(`a plugin that dies of ${signal} (${how}) is named, with its node and where it was`, { skip: sanitized && how !== 'abort' }, async (t) => {
    const w = await crashing(t, crash);
    assert.equal(await get(`${w.edge}/crash/${how}`), 0);
    const line = await w.log(died);
    assert.equal(line.reason, signal);
    assert.match(line.msg, new RegExp(`^the worker died by ${signal} in plugin crash after `));
    assert.equal(line.plugin, 'crash');
    assert.equal(line.node, 'trap');
    assert.equal(line.pipeline, 'crash');
    assert.equal(line.type, 'crash');
    assert.equal(line.thread, 'shard-0');
    assert.ok(line.backtrace.some((f) => /^crash\.so\+0x[0-9a-f]+$/.test(f)), JSON.stringify(line.backtrace));
    assert.match(line.build, /^[0-9a-f]{16,}$/);
    assert.match(w.stderr, new RegExp(`^weir dies of ${signal} in plugin crash`, 'm'));
    assert.match(w.stderr, /while it ran node trap \(crash\) of pipeline crash/);
    await nextWorker(w, w.worker);
    assert.equal(await get(`${w.edge}/crash/not`), 200);
    assert.equal(await metric(w, 'weir_worker_restarts_total', { reason: signal }), 1);
  });
}

test('without a supervisor the log of the process itself names the plugin', async (t) => {
  const w = await crashing(t, crash, { args: ['--no-supervise'] });
  assert.equal(w.worker, w.pid);
  w.killed = true;
  assert.equal(await get(`${w.edge}/crash/abort`), 0);
  assert.deepEqual(await w.ended, { code: null, signal: 'SIGABRT' });
  const line = w.lines.find((l) => l.plugin === 'crash');
  assert.equal(line.msg, 'weir dies of SIGABRT in plugin crash');
  assert.equal(line.node, 'trap');
  assert.ok(line.backtrace.length > 3);
});

test('a loop that hangs is ended, and the plugin it hung in is named', async (t) => {
  const w = await crashing(t, crash, { args: ['--set', 'hang_timeout=2s'], shards: 2 });
  assert.equal(await get(`${w.edge}/crash/hang`), 0);
  const hangs = w.lines.find((l) => /^the worker hangs/.test(l.msg));
  assert.match(hangs.thread, /^shard-[01]$/);
  const line = await w.log(died);
  assert.equal(line.reason, 'hang');
  assert.match(line.msg, /^the worker hung and was ended by SIGABRT in plugin crash after /);
  assert.equal(line.thread, hangs.thread);
  await nextWorker(w, w.worker);
  assert.equal(await get(`${w.edge}/crash/not`), 200);
  assert.equal(await metric(w, 'weir_worker_restarts_total', { reason: 'hang' }), 1);
});

test('a worker that somebody has stopped is let be', async (t) => {
  // A slow build on a busy machine is late by 300 ms now and then, and that is a hang.
  const bound = slow ? 1000 : 300;
  const w = await crashing(t, crash, { args: ['--set', `hang_timeout=${bound}ms`] });
  process.kill(w.worker, 'SIGSTOP');
  // Several times the bound, as the supervisor's own clock has it: the line of a hang would be there.
  const c = connect(w.edgePort);
  await c.write('GET /crash/not HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await new Promise((done) => setTimeout(done, (slow ? 3 : 5) * bound)); // nothing is to happen, for long enough
  assert.equal(w.lines.some(died), false);
  process.kill(w.worker, 'SIGCONT');
  assert.match(await c.ended, /^HTTP\/1\.1 200 /);
  assert.equal(workerOf(w), w.worker);
});

test('a worker that dies again and again is started again and again, ever later', async (t) => {
  const dir = folder(t, crash);
  // One that ends before it is ready: its pipelines are gone.
  const w = await crashing(t, dir);
  write(dir, { 'crash.yaml': 'name: [broken' });
  process.kill(w.worker, 'SIGKILL');
  const deaths = () => w.lines.filter(died);
  await until(() => deaths().length >= 4, 'four deaths');
  const pauses = deaths().slice(0, 4).map((l) => l.pause_ms);
  assert.ok(pauses.every((p, i) => i === 0 || p > pauses[i - 1]), pauses.join());
  assert.ok(pauses[3] >= 400 && pauses[3] <= 5000, pauses.join());
  assert.deepEqual(deaths().slice(1, 4).map((l) => l.reason), ['exit', 'exit', 'exit']);
  write(dir, crash);
  await nextWorker(w, w.worker);
  assert.equal(await get(`${w.edge}/crash/not`), 200);
});

test('a worker that is started again listens where it did, whatever the settings have become', async (t) => {
  const settings = (edge, shards) => `edge.listen: ${edge}\nadmin.listen: 127.0.0.1:0\nshards: ${shards}\nlog.access: false\n`;
  const dir = folder(t, { 'pipelines/crash.yaml': crash['crash.yaml'], 'weir.yaml': settings('127.0.0.1:0', 2) });
  const w = await crashing(t, join(dir, 'pipelines'), { listen: ['--config', join(dir, 'weir.yaml')] });
  write(dir, { 'weir.yaml': settings('127.0.0.1:1', 1) });
  process.kill(w.worker, 'SIGKILL');
  await nextWorker(w, w.worker);
  await w.log((l) => l.level === 'warn' && /the setting edge\.listen has changed/.test(l.msg));
  const now = w.lines.findLast((l) => / is ready$/.test(l.msg));
  assert.equal(now.edge_port, w.edgePort);
  assert.equal(now.shards, 2);
  for (let i = 0; i < 10; i++) assert.equal(await get(`${w.edge}/crash/not`), 200);
});

test('who can not start at all ends with the code and the words of the worker', (t) => {
  const dir = folder(t, { 'p.yaml': 'name: p\nsteps: 7\n' });
  const bad = weir(['run', dir, '--edge', '127.0.0.1:0', '--admin', '']);
  assert.equal(bad.code, 1);
  assert.match(bad.err, /weir does not start with them/);
  assert.equal(bad.err.match(/weir does not start with them/g).length, 1);
  const used = weir(['run', dir, '--set', 'nonsense=1']);
  assert.equal(used.code, 2);
  assert.equal(used.err.match(/nonsense/g).length, used.err.split('\n')[0].match(/nonsense/g).length);
});

test('signals to the supervisor are the worker\'s: HUP reloads, TERM drains', async (t) => {
  const w = await start(t, { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - reply: { text: one }\n` });
  write(w.dir, { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - reply: { text: two }\n` });
  w.child.kill('SIGHUP');
  await w.log((l) => /^reload: generation 2/.test(l.msg));
  assert.equal(await (await fetch(`${w.edge}/p`)).text(), 'two');
  w.child.kill('SIGTERM');
  assert.deepEqual(await w.ended, { code: 0, signal: null });
  assert.equal(alive(w.worker), false);
});

test('a terminal sends SIGINT to both: that is one wish, and drains', async (t) => {
  const up = await upstream(t, (_, res, n) => setTimeout(() => res.end('{}'), n * 300));
  const dir = folder(t, { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - http: { url: "${up.url}/x", method: GET }\n  - reply: { text: done }\n` });
  const w = await start(t, dir);
  const c = connect(w.edgePort);
  await c.write('GET /p HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => up.calls.length === 1, 'the run is under way');
  process.kill(w.pid, 'SIGINT');
  process.kill(w.worker, 'SIGINT');
  assert.match(await c.ended, /done$/);
  assert.deepEqual(await w.ended, { code: 0, signal: null });
});

test('a second signal ends it at once', async (t) => {
  const up = await upstream(t, () => {}); // never answers
  const w = await start(t, { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - http: { url: "${up.url}/x", method: GET }\n  - reply: { text: done }\n` }, { args: ['--set', 'drain_timeout=100s'] });
  const c = connect(w.edgePort);
  await c.write('GET /p HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => up.calls.length === 1, 'the run is under way');
  w.child.kill('SIGTERM');
  await w.log((l) => /^draining/.test(l.msg));
  w.child.kill('SIGTERM');
  assert.deepEqual(await w.ended, { code: 0, signal: null });
  await c.ended;
});

test('a worker that dies while it is to end is not followed by another one', async (t) => {
  const up = await upstream(t, () => {});
  const w = await crashing(t, { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - http: { url: "${up.url}/x", method: GET }\n` });
  get(`${w.edge}/p`);
  await until(() => up.calls.length === 1, 'the run is under way');
  w.killed = true;
  w.child.kill('SIGTERM');
  await w.log((l) => /^draining/.test(l.msg));
  process.kill(w.worker, 'SIGKILL');
  assert.deepEqual(await w.ended, { code: 1, signal: null });
  assert.match(w.lines.find(died).msg, /while it was to end$/);
});

test('the worker dies with its supervisor, and the next weir has the port and the store at once', async (t) => {
  const go = place(t, { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [POST] } }\nrespond: accepted\nsteps:\n  - set: { a: 1 }\n` });
  const w = await go();
  w.killed = true;
  w.child.kill('SIGKILL');
  const ended = new Promise((done) => w.child.once('exit', done));
  await ended; // and no longer: the worker may still be on its way out
  const again = await go({ args: ['--store', `sqlite:${join(go.dir, 'var/weir.db')}`, '--edge', `127.0.0.1:${w.edgePort}`] });
  assert.equal(alive(w.worker), false);
  assert.equal((await post(again, '/p')).status, 202);
});

const hello = { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - reply: { text: ok }\n` };

/** A folder with weir, and its supervisor if SMALL; the options of start that run that one, with the plugins of the build. */
function copyOfWeir(t, small) {
  const dir = folder(t);
  for (const name of small ? ['weir', 'weir-supervisor'] : ['weir']) copyFileSync(join(build, name), join(dir, name));
  return { dir, options: { prefix: ['sh', '-c', 'shift; exec "$0" "$@"', join(dir, 'weir')], args: ['--plugins', join(build, 'plugins')] } };
}

/** What two processes have resident, in KiB. */
const resident = (...pids) => pids.map((pid) => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])).reduce((a, b) => a + b);

test('the supervisor is small: no plugin, no store, no database in it, and no library but libc', { skip: sanitized }, async (t) => {
  const w = await start(t, hello);
  const rollup = readFileSync(`/proc/${w.pid}/smaps_rollup`, 'utf8');
  const own = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)].reduce((sum, m) => sum + Number(m[1]), 0);
  assert.ok(own <= 1024, `${own} KiB are the supervisor's own`);
  const files = new Set([...readFileSync(`/proc/${w.pid}/maps`, 'utf8').matchAll(/\/([^/\n]+)$/gm)].map((m) => m[1]));
  assert.deepEqual([...files].filter((f) => !/^(libc|ld-linux-[\w-]+)\.so\.\d$/.test(f)), ['weir-supervisor']);
  assert.equal(readFileSync(`/proc/${w.pid}/comm`, 'utf8'), 'weir\n');
});

test('at rest both processes have less than 14 MiB resident, less than 6 of it their own, with all pipelines that weir brings', { skip: sanitized }, async (t) => {
  const w = await start(t, join(root, 'pipelines'), { shards: 2, cwd: folder(t), args: ['--store', `sqlite:${join(folder(t), 'weir.db')}`],
    env: { SSL_CERT_FILE: undefined } }); // a bundle that is named there is read whole
  await until(() => resident(w.pid, w.worker) < 14 * 1024, 'what only the start needed is let go');
  const anonymous = [w.pid, w.worker].map((pid) => Number(/^Anonymous:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]));
  assert.ok(anonymous[0] + anonymous[1] < 6 * 1024, `${anonymous.join(' and ')} KiB are anonymous`);
  // All of it comes back when it is needed.
  assert.equal(await get(`${w.edge}/hello/you`), 200);
  w.child.kill('SIGHUP');
  await w.log((l) => /^reload: generation 2/.test(l.msg));
  assert.equal(await get(`${w.edge}/hello/you`), 200);
});

test('weir without its supervisor beside it supervises itself', async (t) => {
  const { options } = copyOfWeir(t, false);
  const w = await start(t, hello, options);
  assert.notEqual(w.worker, w.pid);
  process.kill(w.worker, 'SIGKILL');
  await nextWorker(w, w.worker);
  assert.equal(await get(`${w.edge}/p`), 200);
});

test('a worker that is started again is the weir that was started, whatever lies in its place by now', async (t) => {
  const { dir, options } = copyOfWeir(t, true);
  const w = await start(t, hello, options);
  for (const name of ['weir', 'weir-supervisor']) {
    write(dir, { [`${name}.new`]: 'not a program' });
    renameSync(join(dir, `${name}.new`), join(dir, name));
  }
  process.kill(w.worker, 'SIGKILL');
  await nextWorker(w, w.worker);
  assert.equal(await get(`${w.edge}/p`), 200);
  assert.equal(readlinkSync(`/proc/${workerOf(w)}/exe`), `${join(dir, 'weir')} (deleted)`);
});

test('who starts weir-supervisor is told what does', () => {
  const alone = spawnSync(join(build, 'weir-supervisor'), [], { encoding: 'utf8' });
  assert.equal(alone.status, 2);
  assert.match(alone.stderr, /weir run/);
});

/** A socket that stands for systemd's: what it was told, by lines. */
async function manager(t) {
  const dir = folder(t);
  const path = join(dir, 'notify');
  const helper = spawn('python3', ['-c', `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print(s.recv(4096).decode().replace('\\n', ' '), flush=True)
`, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const m = { path, told: [] };
  helper.stdout.setEncoding('utf8').on('data', (d) => m.told.push(...d.split('\n').filter(Boolean)));
  t.after(() => helper.kill());
  await until(() => m.told.includes('bound'), 'it is bound');
  m.has = (text) => m.told.some((l) => l.includes(text));
  return m;
}

test('systemd is told by the supervisor: ready, reloading, stopping, and that all is well', async (t) => {
  const m = await manager(t);
  const w = await start(t, { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - reply: { text: ok }\n` },
    { env: { NOTIFY_SOCKET: m.path, WATCHDOG_USEC: '200000' } });
  await until(() => m.has('READY=1'), 'ready');
  await until(() => m.told.filter((l) => l.includes('WATCHDOG=1')).length >= 3, 'the watchdog is fed');
  process.kill(w.worker, 'SIGKILL');
  await until(() => m.has('STATUS=the worker died'), 'the death is told');
  await nextWorker(w, w.worker);
  await until(() => m.told.filter((l) => l.includes('READY=1')).length === 2, 'ready again');
  w.child.kill('SIGHUP');
  await until(() => m.has('RELOADING=1'), 'reloading');
  await until(() => m.told.filter((l) => l.includes('READY=1')).length === 3, 'reloaded');
  await w.stop();
  await until(() => m.has('STOPPING=1'), 'stopping');
});
