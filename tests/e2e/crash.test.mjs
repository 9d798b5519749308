// A few rounds of tests/crash, which runs longer.
import test from 'node:test';
import assert from 'node:assert/strict';
import { crash } from '../crash/crash.mjs';

test('kill -9 loses nothing that was acknowledged, and does nothing unsafe twice', async () => {
  const r = await crash({ rounds: 4 });
  assert.deepEqual(r.faults, []);
  assert.ok(r.acked > 50, `${r.acked} were acknowledged`);
});
