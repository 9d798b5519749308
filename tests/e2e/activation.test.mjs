// Sockets that systemd has opened: LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES (sd_listen_fds(3)).
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { binary, folder, nextWorker, start } from './lib/weir.mjs';
import { freePort } from './lib/redis.mjs';

const pipelines = { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - reply: { text: ok }\n` };

// Opens sockets as the arguments before "--" say (HOST:PORT, or - for a pipe), puts them from
// descriptor 3 on, and becomes the command behind.
const launcher = `
import fcntl, os, socket, sys
at = sys.argv.index('--')
fds = []
for what in sys.argv[1:at]:
    if what == '-':
        fds.append(os.pipe()[0])
        continue
    host, port = what.rsplit(':', 1)
    s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((host, int(port)))
    s.listen(64)
    fds.append(s.detach())
fds = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in fds]
for i, fd in enumerate(fds):
    os.dup2(fd, 3 + i, inheritable=True)
os.environ['LISTEN_FDS'] = str(len(fds))
os.environ['LISTEN_PID'] = os.environ.get('OTHER_PID', str(os.getpid()))
os.execv(sys.argv[at + 1], sys.argv[at + 1:])
`;

/** Starts weir with SOCKETS; NAMES as in LISTEN_FDNAMES. */
const activated = (t, sockets, { names, env, ...more } = {}) => start(t, pipelines, {
  prefix: ['python3', '-c', launcher, ...sockets, '--'],
  env: { ...env, ...(names ? { LISTEN_FDNAMES: names } : {}) },
  listen: ['--admin', '127.0.0.1:0', '--shards', '2'],
  ...more,
});

/** What was warned of; whether root runs the tests is no matter. */
const warnings = (w) => w.lines.filter((l) => l.level === 'warn' && !/runs as root/.test(l.msg)).map((l) => l.msg);

const get = (w) => fetch(`${w.edge}/p`, { headers: { connection: 'close' } }).then((r) => r.status);

for (const more of [[], ['--no-supervise']]) {
  const how = more.length ? 'without a supervisor' : 'with a supervisor';
  test(`sockets with a name take the place of the settings, ${how}, and all shards accept from them`, async (t) => {
    const w = await activated(t, ['127.0.0.1:0', '127.0.0.1:0'], { names: 'admin:edge', args: more, env: { WEIR_EDGE_LISTEN: '127.0.0.1:1' } });
    for (let i = 0; i < 40; i++) assert.equal(await get(w), 200);
    assert.equal((await fetch(`${w.admin}/readyz`)).status, 200);
    const info = w.lines.find((l) => / is ready$/.test(l.msg));
    assert.equal(info.edge, `127.0.0.1:${w.edgePort}`);
    assert.notEqual(w.edgePort, 1);
    // What systemd says about sockets does not change by a reload, and no setting has.
    w.child.kill('SIGHUP');
    await w.log((l) => /^reload: generation 2/.test(l.msg));
    assert.equal(w.lines.some((l) => /has changed/.test(l.msg)), false);
    assert.equal(await get(w), 200);
  });
}

test('a socket without a name is found by its address, and the others are opened', async (t) => {
  const port = await freePort();
  const w = await activated(t, [`127.0.0.1:${port}`], { listen: ['--edge', `127.0.0.1:0,127.0.0.1:${port}`, '--admin', '127.0.0.1:0'] });
  assert.equal(await get(w), 200);
  assert.equal((await fetch(`http://127.0.0.1:${port}/p`)).status, 200);
  assert.deepEqual(warnings(w), []);
});

test('a worker that dies leaves the sockets to the next one', async (t) => {
  const w = await activated(t, ['127.0.0.1:0'], { names: 'edge' });
  process.kill(w.worker, 'SIGKILL');
  await nextWorker(w, w.worker);
  for (let i = 0; i < 10; i++) assert.equal(await get(w), 200);
});

test('what no setting names, and what is no socket, is left with a warning', async (t) => {
  const w = await activated(t, ['127.0.0.1:0', '-'], { names: 'stray:pipe', listen: ['--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0'] });
  assert.equal(await get(w), 200);
  const said = warnings(w);
  assert.equal(said.length, 2, said.join('\n'));
  assert.ok(said.some((m) => /'stray' \(127\.0\.0\.1:\d+\), which no setting names/.test(m)), said.join('\n'));
  assert.ok(said.some((m) => /'pipe', which is no socket/.test(m)), said.join('\n'));
});

test('sockets that are for another process are not taken', async (t) => {
  const w = await activated(t, ['127.0.0.1:0'], { names: 'edge', env: { OTHER_PID: '1' }, listen: ['--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0'] });
  assert.equal(w.lines.find((l) => / is ready$/.test(l.msg)).edge, '127.0.0.1:0');
  assert.equal(await get(w), 200);
});

test('the address of an IPv6 socket is taken over too', async (t) => {
  const w = await activated(t, ['::1:0'], { names: 'edge' });
  assert.match(w.lines.find((l) => / is ready$/.test(l.msg)).edge, /^\[::1\]:\d+$/);
  assert.equal((await fetch(`http://[::1]:${w.edgePort}/p`)).status, 200);
});

test('of several sockets of one port each is accepted from, or weir does not start', async (t) => {
  const port = await freePort();
  const at = `127.0.0.1:${port}`;
  const w = await activated(t, [at, at], { names: 'edge:edge' });
  for (let i = 0; i < 60; i++) assert.equal(await get(w), 200); // the kernel chooses one of them for each caller
  assert.deepEqual(warnings(w), []);
  await w.stop();
  const refused = (sockets, names) => spawnSync('python3', ['-c', launcher, ...sockets, '--', binary, 'run', w.dir, '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--shards', '2', '--set', 'store.url=none'],
    { encoding: 'utf8', env: { ...process.env, LISTEN_FDNAMES: names }, timeout: 60_000 });
  let r = refused([at, at, at], 'edge:edge:edge');
  assert.deepEqual([r.status, r.signal], [1, null]);
  assert.match(r.stderr, new RegExp(`systemd gave 3 sockets for 127\\.0\\.0\\.1:${port}, and there are only 2 shards to accept from them`));
  r = refused([at, at], 'admin:admin');
  assert.deepEqual([r.status, r.signal], [1, null]);
  assert.match(r.stderr, /systemd gave 2 sockets for .*, and the admin accepts from one/);
});

test('with user: the file of a socket is that user\'s', { skip: process.getuid() !== 0 }, async (t) => {
  const dir = folder(t, { 'p.yaml': pipelines['p.yaml'] });
  chmodSync(dir, 0o777); // what it runs as has to be able to read it, and to take the file away
  for (const more of [[], ['--no-supervise']]) {
    const path = join(dir, 'edge.sock');
    const w = await start(t, dir, { listen: ['--edge', `127.0.0.1:0,unix:${path}`, '--admin', '127.0.0.1:0', '--shards', '1'], args: ['--set', 'user=65534:65533', '--set', 'store.url=none', ...more] });
    const s = statSync(path);
    assert.deepEqual([s.uid, s.gid, s.mode & 0o777], [65534, 65533, 0o660]);
    assert.equal(await get(w), 200);
    await w.stop();
    assert.equal(existsSync(path), false);
  }
});
