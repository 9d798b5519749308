import test from 'node:test';
import assert from 'node:assert/strict';
import { start, metric, write } from './lib/weir.mjs';

const hello = `
name: hello
trigger:
  webhook: { path: "/hello/{name}", methods: [GET] }
steps:
  - reply: { json: { hello: "\${ request.params.name }" } }
`;

test('a webhook goes through a pipeline', async (t) => {
  const w = await start(t, { 'hello.yaml': hello });
  const r = await fetch(`${w.edge}/hello/Ada`);
  assert.equal(r.status, 200);
  assert.equal(r.headers.get('content-type'), 'application/json');
  assert.ok(r.headers.get('x-request-id'));
  assert.deepEqual(await r.json(), { hello: 'Ada' });
  assert.equal(await metric(w, 'weir_runs_total', { pipeline: 'hello', outcome: 'completed' }), 1);
});

test('what is no route is 404, another method 405 with Allow', async (t) => {
  const w = await start(t, { 'hello.yaml': hello });
  const unknown = await fetch(`${w.edge}/nope`);
  assert.equal(unknown.status, 404);
  assert.equal((await unknown.json()).type, 'urn:weir:problem:not_found');
  const wrong = await fetch(`${w.edge}/hello/Ada`, { method: 'POST' });
  assert.equal(wrong.status, 405);
  assert.match(wrong.headers.get('allow'), /GET/);
});

test('a reload takes a change into force, and a bad file changes nothing', async (t) => {
  const w = await start(t, { 'hello.yaml': hello });
  write(w.dir, { 'hello.yaml': hello.replace('hello: ', 'greeting: ') });
  const good = await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
  assert.equal(good.status, 200);
  assert.deepEqual(await (await fetch(`${w.edge}/hello/Ada`)).json(), { greeting: 'Ada' });
  write(w.dir, { 'hello.yaml': hello.replace('reply:', 'repyl:') });
  const bad = await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
  assert.equal(bad.status, 422);
  assert.match((await bad.json()).text, /did you mean 'reply'/);
  assert.deepEqual(await (await fetch(`${w.edge}/hello/Ada`)).json(), { greeting: 'Ada' });
});
