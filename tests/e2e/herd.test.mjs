// Ten thousand jobs that are due in the same second: nobody is run over by them.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { folder, start, until } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

const pipelines = (url) => ({
  'herd.yaml': `
name: herd
respond: accepted
concurrency: 20
trigger: { webhook: { path: /herd, methods: [POST] } }
steps:
  - http: { method: PUT, url: "${url}/work/\${ request.query.n }" }
`,
  'guarded.yaml': `
name: guarded
respond: accepted
retry: { schedule: [1h] }
trigger: { webhook: { path: /guarded, methods: [POST] } }
steps:
  - id: guard
    breaker: { name: bank, volume: 3, reset_after: 1h }
    do:
      - http: { method: PUT, url: "${url}/bank" }
`,
});

async function stage(t) {
  const s = { inside: 0, most: 0, done: new Map(), bank: 0, held: [] };
  s.u = await upstream(t, (request, response) => {
    if (request.url === '/bank') {
      s.bank++;
      if (s.broken) { response.statusCode = 503; response.end(); } else s.held.push(() => response.end('{}'));
      return;
    }
    s.most = Math.max(s.most, ++s.inside);
    setImmediate(() => {
      s.inside--;
      s.done.set(request.url, (s.done.get(request.url) ?? 0) + 1);
      response.end('{}');
    });
  });
  s.u.requests.push = () => {}; // ten thousand of them are not kept
  const dir = folder(t, pipelines(s.u.url));
  s.w = await start(t, dir, { shards: 2, args: ['--store', `sqlite:${dir}/weir.db`, '--set', 'log.access=false'] });
  s.post = async (path, body) => (await fetch(`${s.w.admin}/api/v1/${path}`, { method: 'POST', body: JSON.stringify(body ?? {}) })).json();
  s.total = async (query) => (await (await fetch(`${s.w.admin}/api/v1/jobs?limit=1&${query}`)).json()).total;
  /** Sends N events to PATH over some connections that are kept. */
  s.send = async (path, n) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
    let next = 0;
    const one = () => new Promise((done, fail) => {
      http.request(`${s.w.edge}/${path}?n=${next++}`, { agent, method: 'POST' }, (r) => r.resume().on('end', () => done(r.statusCode))).on('error', fail).end();
    });
    await Promise.all(Array.from({ length: 64 }, async () => { while (next < n) assert.equal(await one(), 202); }));
    agent.destroy();
  };
  return s;
}

test('the cap of a pipeline holds, over the threads, and each job is done once', async (t) => {
  const s = await stage(t);
  await s.post('pipelines/herd/pause');
  await s.send('herd', 10_000);
  assert.equal(await s.total('state=held'), 10_000);
  assert.equal((await s.post('pipelines/herd/resume')).released, 10_000);
  await until(() => s.done.size === 10_000, 'all are done', 120_000);
  await until(async () => (await s.total('state=completed')) === 10_000, 'all are over', 60_000);
  assert.ok(s.most > 1 && s.most <= 20, `${s.most} at once`);
  assert.deepEqual(new Set(s.done.values()), new Set([1]));
});

test('a breaker that is half open lets one of them through', async (t) => {
  const s = await stage(t);
  s.broken = true;
  for (let i = 0; i < 5; i++) await s.send('guarded', 1);
  await until(async () => (await s.total('state=retryable')) === 5, 'they have failed');
  s.broken = false;
  s.bank = 0;
  await s.post('pipelines/guarded/pause');
  await s.send('guarded', 10_000);
  await s.post('breakers/bank/open');
  assert.equal((await s.post('breakers/bank/auto')).state, 'half_open');
  await s.post('pipelines/guarded/resume');
  await until(async () => (await s.total('state=retryable')) === 5 + 9_999, 'all but one were told that the bank is away', 120_000);
  assert.deepEqual([s.bank, s.held.length, await s.total('state=running')], [1, 1, 1]);
  s.held[0]();
  await until(async () => (await s.total('state=completed')) === 1, 'the one is through');
  await s.send('guarded', 1); // and the breaker is closed
  await until(() => s.held.length === 2, 'the next one asks');
  s.held[1]();
});
