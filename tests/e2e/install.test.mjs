// What cmake --install puts down runs from where it lies, and a package has all that a service needs.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { build, folder, root, start } from './lib/weir.mjs';

const install = (args, env = {}) => {
  const r = spawnSync('cmake', ['--install', build, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
  assert.equal(r.status, 0, r.stderr);
};

test('an installed weir finds its plugins and its supervisor, wherever it lies', async (t) => {
  const prefix = join(folder(t), 'some where');
  install(['--prefix', prefix]);
  const run = (...args) => spawnSync(join(prefix, 'bin/weir'), args, { cwd: '/', encoding: 'utf8' });
  const nodes = run('nodes');
  assert.equal(nodes.status, 0, nodes.stderr);
  assert.match(nodes.stdout, /^  http /m);
  assert.equal(run('check', join(root, 'pipelines')).status, 0);
  assert.equal(run('nodes', '--schema').stdout, readFileSync(join(prefix, 'share/weir/schemas/pipeline.schema.json'), 'utf8'));
  assert.ok(existsSync(join(prefix, 'include/weir.h')));
  for (const page of run('man', '--list').stdout.trim().split('\n'))
    assert.equal(run('man', page).stdout, readFileSync(join(prefix, `share/man/man1/${page}.1`), 'utf8'), page);
  for (const [shell, file] of [['bash', 'bash-completion/completions/weir'], ['zsh', 'zsh/vendor-completions/_weir'], ['fish', 'fish/vendor_completions.d/weir.fish']])
    assert.equal(run('completion', shell).stdout, readFileSync(join(prefix, 'share', file), 'utf8'), shell);
  const w = await start(t, { 'p.yaml': 'name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - reply: { text: ok }\n' },
    { prefix: ['sh', '-c', 'shift; exec "$0" "$@"', join(prefix, 'bin/weir')] });
  assert.match(readlinkSync(`/proc/${w.pid}/exe`), /\/some where\/lib\/.*weir\/weir-supervisor$/);
  assert.equal(readlinkSync(`/proc/${w.worker}/exe`), join(prefix, 'bin/weir'));
});

test('below /usr it is a service, with settings that weir takes', (t) => {
  const dest = folder(t);
  install(['--prefix', '/usr'], { DESTDIR: dest });
  const unit = readFileSync(join(dest, 'usr/lib/systemd/system/weir.service'), 'utf8');
  const [, ...args] = /^ExecStart=(.*)$/m.exec(unit)[1].split(' ');
  assert.equal(args[0], 'run');
  for (const file of /^Documentation=file:(.*)$/m.exec(unit).slice(1)) assert.ok(existsSync(join(dest, file)), file);
  for (const file of readFileSync(join(root, 'deploy/debian/conffiles'), 'utf8').trim().split('\n')) assert.ok(existsSync(join(dest, file)), file);
  const here = args.slice(1).map((a) => (a.startsWith('/etc') ? dest + a : a)).filter((a, i, all) => a !== '--log' && all[i - 1] !== '--log');
  const r = spawnSync(join(dest, 'usr/bin/weir'), ['check', '--strict', ...here], { encoding: 'utf8' });
  assert.equal(r.status, 0, r.stderr);
});
