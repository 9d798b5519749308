// weir fmt as an author meets it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseDocument } from 'yaml';
import { folder, root, weir } from './lib/weir.mjs';

const messy = 'name:   a\ntrigger: {webhook: {path: /a}} # here\nsteps:\n- reply: {json: {a: 1}}\n';
const tidy = 'name: a\ntrigger: { webhook: { path: /a } } # here\nsteps:\n  - reply: { json: { a: 1 } }\n';

test('a file is written in place, with its mode, and is named', (t) => {
  const dir = folder(t, { 'a.yaml': messy, 'b.yaml': tidy, 'sub/a.test.yaml': 'tests:   []\n', 'weir.yaml': 'shards:  1\n' });
  chmodSync(join(dir, 'a.yaml'), 0o640);
  const r = weir(['fmt', dir]);
  assert.equal(r.code, 0, r.err);
  assert.deepEqual(r.out.split('\n'), ['a.yaml', 'sub/a.test.yaml', 'weir.yaml'].map((f) => join(dir, f)).concat(''));
  assert.match(r.err, /^4 files, 3 formatted anew$/m);
  assert.equal(readFileSync(join(dir, 'a.yaml'), 'utf8'), tidy);
  assert.equal(statSync(join(dir, 'a.yaml')).mode & 0o777, 0o640);
  assert.equal(readFileSync(join(dir, 'sub/a.test.yaml'), 'utf8'), 'tests: []\n');
  assert.deepEqual(readdirSync(dir).sort(), ['a.yaml', 'b.yaml', 'sub', 'weir.yaml']);
  assert.match(weir(['fmt', dir]).err, /^4 files, 0 formatted anew$/m);
});

test('a linked file is written where it lies', (t) => {
  const dir = folder(t, { 'real/a.yaml': messy });
  symlinkSync(join(dir, 'real/a.yaml'), join(dir, 'link.yaml'));
  assert.equal(weir(['fmt', join(dir, 'link.yaml')]).code, 0);
  assert.equal(readFileSync(join(dir, 'real/a.yaml'), 'utf8'), tidy);
  assert.deepEqual(readdirSync(join(dir, 'real')), ['a.yaml']);
});

test('--check and --diff change nothing and exit with 1', (t) => {
  const dir = folder(t, { 'a.yaml': messy });
  const file = join(dir, 'a.yaml');
  const check = weir(['fmt', '--check', dir]);
  assert.equal(check.code, 1);
  assert.equal(check.out, `${file}\n`);
  const diff = weir(['fmt', '--diff', file]);
  assert.equal(diff.code, 1);
  assert.match(diff.out, /^-name: {3}a$/m);
  assert.match(diff.out, /^\+name: a$/m);
  assert.match(diff.out, /^@@ -1,4 \+1,4 @@$/m);
  assert.equal(readFileSync(file, 'utf8'), messy);
  weir(['fmt', file]);
  assert.deepEqual([weir(['fmt', '--check', file]).code, weir(['fmt', '--diff', file]).code], [0, 0]);
});

test('- reads standard input and writes standard output', () => {
  const r = weir(['fmt', '-'], { input: messy });
  assert.deepEqual([r.code, r.out, r.err], [0, tidy, '']);
  assert.equal(weir(['fmt', '--check', '-'], { input: messy }).code, 1);
  assert.equal(weir(['fmt', '--check', '-'], { input: tidy }).code, 0);
});

test('what is no YAML is told with its place, and stays as it is', (t) => {
  const bad = 'a: [1\nb: 2\n';
  const dir = folder(t, { 'a.yaml': bad, 'b.yaml': messy });
  const r = weir(['fmt', dir]);
  assert.equal(r.code, 1);
  assert.match(r.err, /a\.yaml:\d+:\d+: error\[W0101\]/);
  assert.equal(readFileSync(join(dir, 'a.yaml'), 'utf8'), bad);
  assert.equal(readFileSync(join(dir, 'b.yaml'), 'utf8'), tidy);
  assert.equal(weir(['fmt', join(dir, 'none.yaml')]).code, 1);
});

test('the pipelines of the project are laid out, and what another writer made of them keeps what another reader of YAML sees', () => {
  assert.equal(weir(['fmt', '--check', 'pipelines', 'deploy', 'tests/bench/pipelines']).code, 0);
  for (const name of readdirSync(join(root, 'pipelines')).filter((n) => n.endsWith('.yaml'))) {
    const text = readFileSync(join(root, 'pipelines', name), 'utf8');
    const wide = parseDocument(text).toString({ indent: 5, indentSeq: false, lineWidth: 40, flowCollectionPadding: false });
    assert.notEqual(wide, text);
    const r = weir(['fmt', '-'], { input: wide });
    assert.equal(r.code, 0, r.err);
    assert.deepEqual(parse(r.out), parse(text), name);
    const comments = (yaml) => yaml.match(/# .*/g);
    assert.deepEqual(comments(r.out), comments(text), name);
    assert.equal(weir(['fmt', '-'], { input: r.out }).out, r.out);
  }
});
