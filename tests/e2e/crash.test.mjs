// A few rounds of tests/crash, which runs longer.
import test from 'node:test';
import assert from 'node:assert/strict';
import { slow } from './lib/weir.mjs';
import { crash } from '../crash/crash.mjs';

test('the death of all, or of the worker, loses nothing that was acknowledged, and does nothing unsafe twice', async () => {
  const r = await crash({ rounds: 6 });
  assert.deepEqual(r.faults, []);
  assert.deepEqual(Object.values(r.kills), [2, 2, 2]);
  if (!slow) assert.ok(r.backMs < 1000, `the next worker took ${r.backMs} ms`);
  assert.ok(r.acked > 50, `${r.acked} were acknowledged`);
});
