// Breakers as callers and operators see them: the real binary with two shards and a scripted upstream.
import test from 'node:test';
import assert from 'node:assert/strict';
import { start, metric, until, write } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

const guarded = (url, options) => `
name: guarded
trigger:
  webhook: { path: "/{how}", methods: [GET] }
steps:
  - breaker: { name: peer, ${options} }
    do:
      - http: { url: "${url}/\${ request.params.how }" }
      - set: { answer: "\${ input.body }" }
`;

const watching = (url) => `
name: watching
trigger:
  event: "breaker.*"
steps:
  - http: { method: POST, url: "${url}/told", json: "\${ request.body }" }
`;

/** An upstream that fails on /bad, never answers /never, and answers /slow when it is let go of. */
async function peer(t) {
  const p = { slow: [], told: [] };
  Object.assign(p, await upstream(t, (request, response, body) => {
    if (request.url === '/told') p.told.push(JSON.parse(body));
    if (request.url === '/never') return;
    if (request.url === '/slow') { p.slow.push(response); return; }
    response.statusCode = request.url === '/bad' ? 500 : 200;
    response.end('fine');
  }));
  p.count = (path) => p.requests.filter((r) => r.url === path).length;
  return p;
}

/** Asks on a connection of its own, so that both shards are asked. */
const ask = (w, how) => fetch(`${w.edge}/${how}`, { headers: { connection: 'close' } });
const status = async (w, how) => { const r = await ask(w, how); await r.arrayBuffer(); return r.status; };
const state = (w) => metric(w, 'weir_breaker_state', { breaker: 'peer' });
const reload = async (w) => assert.equal((await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' })).status, 200);

test('it opens, fails fast, lets one of fifty through, and closes; each change starts one run', async (t) => {
  const p = await peer(t);
  const w = await start(t, { 'a.yaml': guarded(p.url, 'volume: 4, reset_after: 500ms'), 'b.yaml': watching(p.url) }, { shards: 2 });
  for (let i = 0; i < 4; i++) assert.equal(await status(w, 'bad'), 502);
  assert.equal(p.count('/bad'), 4);
  const refused = await ask(w, 'good');
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.match((await refused.json()).detail, /breaker 'peer' is open/);
  assert.equal(p.count('/good'), 0);
  await until(async () => await state(w) === 1, 'it is half-open');

  const all = Array.from({ length: 50 }, () => status(w, 'slow'));
  const done = Promise.all(all);
  await until(() => p.slow.length > 0, 'the probe arrives');
  await until(async () => await metric(w, 'weir_breaker_calls_total', { breaker: 'peer', result: 'rejected' }) === 50, '49 are rejected');
  assert.equal(p.slow.length, 1);
  p.slow[0].end('fine');
  const answers = await done;
  assert.equal(answers.filter((s) => s === 200).length, 1);
  assert.equal(answers.filter((s) => s === 503).length, 49);
  assert.equal(await state(w), 0);
  assert.equal(await status(w, 'good'), 200);

  await until(() => p.told.length >= 3, 'the pipeline has heard all');
  for (const to of ['open', 'half_open', 'closed'])
    assert.equal(await metric(w, 'weir_breaker_transitions_total', { breaker: 'peer', to }), 1);
  await until(async () => await metric(w, 'weir_runs_total', { pipeline: 'watching' }) === 3, 'three runs and no more');
  assert.deepEqual(p.told.map((e) => e.event).sort(), ['breaker.close', 'breaker.half_open', 'breaker.open']);
  const opening = p.told.find((e) => e.event === 'breaker.open');
  assert.equal(opening.breaker, 'peer');
  assert.equal(opening.from, 'closed');
  assert.equal(opening.to, 'open');
  assert.equal(opening.failures, 4);
  assert.equal(opening.error_rate, 1);
  assert.ok(Math.abs(Date.parse(opening.at) - Date.now()) < 60_000);
});

test('a timeout ends the request to the upstream and counts, also over a reload', async (t) => {
  const p = await peer(t);
  const w = await start(t, { 'a.yaml': guarded(p.url, 'volume: 2, timeout: 100ms, reset_after: 1h') }, { shards: 2 });
  assert.equal(await status(w, 'never'), 504);
  await reload(w);
  assert.equal(await status(w, 'never'), 504);
  assert.equal(await metric(w, 'weir_breaker_calls_total', { breaker: 'peer', result: 'timeout' }), 2);
  await reload(w);
  assert.equal(await status(w, 'good'), 503);
  write(w.dir, { 'a.yaml': guarded(p.url, 'volume: 2, reset_after: 1ms') });
  await reload(w);
  await until(async () => await status(w, 'good') === 200, 'the new reset time holds for the open breaker');
});

test('an operator looks at it and holds it open or closed', async (t) => {
  const p = await peer(t);
  const w = await start(t, { 'a.yaml': guarded(p.url, 'volume: 2, reset_after: 1h, capacity: 7') }, { shards: 2 });
  const api = async (path, method = 'GET') => {
    const r = await fetch(`${w.admin}/api/v1/breakers${path}`, { method });
    return { status: r.status, body: await r.json() };
  };
  const all = await api('');
  assert.equal(all.status, 200);
  const list = Array.isArray(all.body) ? all.body : all.body.breakers ?? all.body.items;
  assert.equal(list.length, 1);
  assert.equal(list[0].name, 'peer');
  assert.equal(list[0].state, 'closed');
  assert.equal(list[0].forced, null);
  assert.equal(list[0].capacity, 7);
  assert.equal(list[0].threshold, 0.5);
  assert.match(list[0].used_by[0], /^guarded\//);

  assert.equal((await api('/peer/open', 'POST')).body.state, 'open');
  assert.equal(await status(w, 'good'), 503);
  await reload(w);
  assert.equal((await api('/peer')).body.forced, 'open');
  assert.equal(await status(w, 'good'), 503);
  const closed = await api('/peer/close', 'POST');
  assert.equal(closed.body.state, 'closed');
  assert.equal(closed.body.forced, 'closed');
  for (let i = 0; i < 6; i++) assert.equal(await status(w, 'bad'), 502);
  assert.equal((await api('/peer')).body.failures, 6);
  assert.equal((await api('/peer/auto', 'POST')).body.forced, null);
  assert.equal(await status(w, 'bad'), 502);
  const open = (await api('/peer')).body;
  assert.equal(open.state, 'open');
  assert.ok(open.retry_in_ms > 3_500_000 && Date.parse(open.opens_until) > Date.now());
  await api('/peer/open', 'POST');
  assert.equal((await api('/peer/auto', 'POST')).body.state, 'half_open');
  assert.equal(await status(w, 'good'), 200);
  assert.equal((await api('/peer')).body.state, 'closed');

  const unknown = await api('/nope');
  assert.equal(unknown.status, 404);
  assert.match(JSON.stringify(unknown.body), /peer/);
  assert.notEqual((await api('/peer/explode', 'POST')).status, 200);
});
