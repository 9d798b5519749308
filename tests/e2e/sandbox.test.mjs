// What the unit takes away from weir, and that weir does without it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, folder, nextWorker, root, sanitized, start, weir } from './lib/weir.mjs';

const unit = readFileSync(join(root, 'deploy/weir.service'), 'utf8');
const values = (key) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map((m) => m[1]);

const pipelines = {
  'p.yaml': `
name: p
trigger: { webhook: { path: /p, methods: [POST] } }
steps:
  - validate: { schema: { type: object, properties: { id: { type: string, pattern: "^[a-z]+[0-9]{1,3}$" } } } }
  - lua: |
      return { text = input.id .. "!" }
  - reply: { json: "\${ input }" }
`,
};

test('the unit gives weir no right that it has no need of', () => {
  const wanted = {
    DynamicUser: 'yes', NoNewPrivileges: 'yes', ProtectSystem: 'strict', ProtectHome: 'yes', PrivateTmp: 'yes', PrivateDevices: 'yes',
    ProtectClock: 'yes', ProtectHostname: 'yes', ProtectKernelLogs: 'yes', ProtectKernelModules: 'yes', ProtectKernelTunables: 'yes',
    ProtectControlGroups: 'yes', ProtectProc: 'invisible', ProcSubset: 'pid', PrivateMounts: 'yes', RestrictNamespaces: 'yes',
    RestrictRealtime: 'yes', RestrictSUIDSGID: 'yes', LockPersonality: 'yes', MemoryDenyWriteExecute: 'yes', RemoveIPC: 'yes',
    SystemCallArchitectures: 'native', CapabilityBoundingSet: 'CAP_NET_BIND_SERVICE', UMask: '0077', LimitCORE: '0',
    RestrictAddressFamilies: 'AF_INET AF_INET6 AF_UNIX AF_NETLINK',
  };
  for (const [key, value] of Object.entries(wanted)) assert.deepEqual(values(key), [value], key);
  assert.deepEqual(values('SystemCallFilter'), ['@system-service', '~@privileged @resources', 'sched_setscheduler']);
  // The supervisor is the main process, speaks to systemd, and is the one that a signal goes to.
  assert.deepEqual([values('Type'), values('NotifyAccess'), values('KillMode')], [['notify'], ['main'], ['mixed']]);
});

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0;

test('systemd finds the units right, and hardly anything left to take away', { skip: !analyze && 'systemd-analyze is not installed' }, (t) => {
  const r = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', '--threshold=20', join(root, 'deploy/weir.service')], { encoding: 'utf8' });
  assert.equal(r.status, 0, r.stdout + r.stderr);
  assert.match(r.stdout, /Overall exposure level for weir\.service: (0|1)\.\d/);
});

// seccomp does for systemd what this does for the test: no memory may be written and run (Linux 6.3).
const deny = 'import ctypes, os, sys\nlibc = ctypes.CDLL(None)\nif libc.prctl(65, 1, 0, 0, 0) != 0: sys.exit(77)\nos.execv(sys.argv[1], sys.argv[1:])\n';
const possible = spawnSync('python3', ['-c', deny, '/bin/true']).status === 0;

test('weir works where no memory may be written and run', { skip: (!possible && 'this kernel can not deny it') || sanitized }, async (t) => {
  const w = await start(t, pipelines, { prefix: ['python3', '-c', deny] });
  const r = await fetch(`${w.edge}/p`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"id":"abc12"}' });
  assert.deepEqual(await r.json(), { text: 'abc12!' });
});

// The filter of the unit as systemd makes it, by numbers: what it does not name fails with EPERM (seccomp(2)).
const filter = `
import ctypes, os, re, struct, subprocess, sys
number = {m[1]: int(m[2]) for m in re.finditer(r'#define __NR_(\\w+) (\\d+)', open('/usr/include/x86_64-linux-gnu/asm/unistd_64.h').read())}
def expand(name):
    if not name.startswith('@'):
        return {name}
    text = subprocess.run(['systemd-analyze', 'syscall-filter', '--no-pager', name], capture_output=True, text=True, check=True).stdout
    lines = [l.strip() for l in text.splitlines()[1:]]
    return set().union(*(expand(l) for l in lines if l and not l.startswith('#')))
allowed = expand('@default')
for line in sys.argv[1].split(','):
    names = set().union(*(expand(n) for n in line.lstrip('~').split()))
    allowed = allowed - names if line.startswith('~') else allowed | names
numbers = sorted(number[n] for n in allowed if n in number)
def ins(code, jt, jf, k):
    return struct.pack('HBBI', code, jt, jf, k)
code = [ins(0x20, 0, 0, 0)]
for n in numbers:
    code += [ins(0x15, 0, 1, n), ins(0x06, 0, 0, 0x7fff0000)]
code.append(ins(0x06, 0, 0, 0x00050001))
blob = ctypes.create_string_buffer(b''.join(code))
class Program(ctypes.Structure):
    _fields_ = [('len', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
program = Program(len(code), ctypes.cast(blob, ctypes.c_void_p))
libc = ctypes.CDLL(None)
if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.byref(program), 0, 0) != 0:
    sys.exit(77)
os.execv(sys.argv[2], sys.argv[2:])
`;
const lines = values('SystemCallFilter').join(',');
const filterable = analyze && spawnSync('python3', ['-c', filter, lines, '/bin/true']).status === 0;

test('weir works with the system calls that the unit leaves it', { skip: (!filterable && 'the filter can not be made here') || sanitized }, async (t) => {
  const w = await start(t, { ...pipelines, 'd.yaml': 'name: d\ntrigger: { webhook: { path: /d, methods: [POST] } }\nrespond: accepted\nsteps:\n  - set: { a: 1 }\n' },
    { prefix: ['python3', '-c', filter, lines], args: ['--store', `sqlite:${join(folder(t), 'weir.db')}`], shards: 2 });
  const r = await fetch(`${w.edge}/p`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"id":"abc12"}' });
  assert.deepEqual(await r.json(), { text: 'abc12!' });
  assert.equal((await fetch(`${w.edge}/d`, { method: 'POST', body: '{}' })).status, 202);
  process.kill(w.worker, 'SIGKILL');
  await nextWorker(w, w.worker);
  assert.equal((await fetch(`${w.edge}/d`, { method: 'POST', body: '{}' })).status, 202);
});

const root_user = process.getuid() === 0;
const seen = root_user && spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'test', '-r', join(build, 'plugins/set.so')]).status === 0;
const status = (pid) => Object.fromEntries(readFileSync(`/proc/${pid}/status`, 'utf8').split('\n').map((l) => l.split(/:\s+/)));

for (const more of [[], ['--no-supervise']]) {
  test(`root becomes somebody else for good once the sockets are open (${more[0] ?? 'two processes'})`, { skip: !seen && 'only root can, where others can read the build' }, async (t) => {
    const dir = folder(t);
    spawnSync('chmod', ['755', dir]);
    const w = await start(t, dir, { files: { 'p.yaml': 'name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - reply: { text: ok }\n' },
      args: ['--set', 'user=65534:65534', '--store', 'none', ...more], listen: ['--edge', '127.71.3.9:82', '--admin', '127.0.0.1:0'] });
    for (const pid of new Set([w.pid, w.worker])) {
      const s = status(pid);
      assert.match(s.Uid, /^(65534\s*){4}$/);
      assert.match(s.Gid, /^(65534\s*){4}$/);
      assert.equal(Number(`0x${s.CapEff}`), 0);
      assert.equal(Number(`0x${s.CapPrm}`), 0);
      assert.equal(s.NoNewPrivs, '1');
    }
    assert.equal((await fetch('http://127.71.3.9:82/p')).status, 200);
    assert.equal(w.lines.some((l) => /runs as root/.test(l.msg)), false);
  });
}

test('a user that does not exist, and one that can not be become, are refused', (t) => {
  const dir = folder(t, { 'p.yaml': 'name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - reply: { text: ok }\n' });
  const r = weir(['run', dir, '--set', 'user=no-such-user', '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0']);
  assert.equal(r.code, 1);
  assert.match(r.err, /weir: user: there is no user 'no-such-user'/);
  const back = weir(['run', dir, '--set', 'user=0:0', '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0']);
  assert.equal(back.code, 1);
  assert.match(back.err, /weir: user: ('0:0' is root|only root can)/);
});

test('no process of weir ever gets more rights than it has', async (t) => {
  const w = await start(t, { 'p.yaml': 'name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - reply: { text: ok }\n' });
  for (const pid of [w.pid, w.worker]) assert.equal(status(pid).NoNewPrivs, '1');
});
