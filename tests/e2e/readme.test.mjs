// The README's commands run verbatim, in a copy of pipelines/, with a weir on the usual ports if they
// are free, and print what the README says.
import test from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import net from 'node:net';
import { build, folder, root, start } from './lib/weir.mjs';

const free = (port) => new Promise((done) => {
  const s = net.createServer().once('error', () => done(false)).once('listening', () => s.close(() => done(true)));
  s.listen(port, '127.0.0.1');
});

/** The marked blocks of the README, in order: { what, code }. */
function blocks() {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  return [...text.matchAll(/<!-- (.+?) -->(?:\n```\w*\n([\s\S]*?)\n```)?/g)].map((m) => ({ what: m[1], code: m[2] }));
}

test('the commands of the README print what it says', async (t) => {
  if (!(await free(8080)) || !(await free(8081))) return t.skip('ports 8080 and 8081 are in use here');
  const dir = folder(t);
  cpSync(join(root, 'pipelines'), join(dir, 'pipelines'), { recursive: true });
  mkdirSync(join(dir, 'build'));
  symlinkSync(build, join(dir, 'build/release'));
  await start(t, join(dir, 'pipelines'), { cwd: dir, args: ['--edge', '127.0.0.1:8080', '--admin', '127.0.0.1:8081'], shards: 2 });
  let printed, ran = 0;
  for (const { what, code } of blocks()) {
    const [verb, ...rest] = what.split(' ');
    if (verb === 'file') writeFileSync(join(dir, rest[0]), `${code}\n`);
    if (verb === 'edit') {
      const [file, ...command] = rest;
      const [, from, to] = command.join(' ').split('/');
      writeFileSync(join(dir, file), readFileSync(join(dir, file), 'utf8').replace(from, to));
    }
    if (verb === 'run') {
      const r = spawnSync('sh', ['-ec', code], { cwd: dir, encoding: 'utf8', timeout: 60_000, env: { ...process.env, NO_COLOR: '1' } });
      assert.equal(r.status !== 0, rest[0] === 'fails', `${code}\n${r.stderr}`);
      printed = (r.stdout + r.stderr).trim();
      ran++;
    }
    // about: moments, ids and what is left of a time may differ
    const moments = /\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|in [\d.]+ s|Retry-After: \d+|\b\d+s\b/g;
    const plain = (x) => (rest[0] === 'about' ? x.replace(moments, '*').replace(/ +/g, ' ') : x).replaceAll('\r', '').trim();
    if (verb === 'prints') assert.equal(plain(printed), plain(code));
  }
  assert.equal(ran, 12);
});
