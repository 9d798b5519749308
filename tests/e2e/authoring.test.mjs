// The commands of docs/authoring.md run verbatim and print what it says.
import test from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build, folder, root } from './lib/weir.mjs';

test('the commands of the guide for authors print what it says', (t) => {
  const dir = folder(t);
  const text = readFileSync(join(root, 'docs/authoring.md'), 'utf8');
  cpSync(join(root, 'pipelines'), join(dir, 'pipelines'), { recursive: true });
  copyFileSync(join(root, 'tests/e2e/data/n8n/errors.json'), join(dir, 'errors.json'));
  let printed, ran = 0;
  for (const [, what, code] of text.matchAll(/<!-- (.+?) -->\n```\w*\n([\s\S]*?)\n```/g)) {
    if (what.startsWith('run')) {
      const r = spawnSync('sh', ['-ec', code], { cwd: dir, encoding: 'utf8', timeout: 60_000, env: { ...process.env, NO_COLOR: '1', PATH: `${build}:${process.env.PATH}` } });
      assert.equal(r.status !== 0, what === 'run fails', `${code}\n${r.stderr}`);
      printed = r.stdout.trimEnd();
      ran++;
    } else {
      assert.equal(what, 'prints');
      assert.equal(printed, code);
    }
  }
  assert.equal(ran, 5);
});
