// Where secrets.NAME come from: variables, files, credentials; which one wins; and that a new value arrives.
import test from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { folder, weir, write } from './lib/weir.mjs';

const list = (args, options) => {
  const r = weir(['secrets', 'list', '--json', ...args], options);
  return { ...r, list: JSON.parse(r.out) };
};

test('weir secrets list says where each secret is from, and never its value', (t) => {
  const dir = folder(t, { 'creds/stripe': 'from-credentials', 'creds/both': 'from-credentials', 'file.txt': 'from-a-file\n' });
  const env = { CREDENTIALS_DIRECTORY: join(dir, 'creds'), WEIR_SECRET_FILED_FILE: join(dir, 'file.txt'),
    WEIR_SECRET_both: 'from-a-variable' };
  const r = list([], { cwd: dir, env });
  assert.equal(r.code, 0, r.err);
  const of = Object.fromEntries(r.list.map((s) => [s.name, s]));
  assert.deepEqual(of.stripe, { name: 'stripe', source: 'credentials', place: join(dir, 'creds/stripe'), also_in: [], hidden: false });
  assert.deepEqual(of.FILED, { name: 'FILED', source: 'file', place: join(dir, 'file.txt'), also_in: [], hidden: false });
  assert.deepEqual(of.both, { name: 'both', source: 'environment', place: 'WEIR_SECRET_both', also_in: ['credentials'], hidden: false });
  const text = weir(['secrets'], { cwd: dir, env });
  assert.match(text.out, /both +environment +WEIR_SECRET_both +also in credentials, which is weaker/);
  assert.doesNotMatch(r.out + r.err + text.out + text.err, /from-/);
});

test('a file that cannot be read is said by list, check and run, and the others are listed', (t) => {
  const dir = folder(t, { 'pipelines/a.yaml': 'name: a\nsteps:\n  - set: 1\n' });
  const env = { WEIR_SECRET_GONE_FILE: join(dir, 'nowhere'), WEIR_SECRET_HERE: 'x' };
  const r = list([], { cwd: dir, env });
  assert.equal(r.code, 1);
  assert.deepEqual(r.list.map((s) => s.name), ['HERE']);
  for (const out of [r.err, weir(['check'], { cwd: dir, env }).err, weir(['run', '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0'], { cwd: dir, env }).err])
    assert.match(out, /error\[W0520\]: WEIR_SECRET_GONE_FILE \(.*nowhere\): No such file/);
});
