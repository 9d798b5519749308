// A run that waits is nowhere but in the store, over restarts; a callback finds it there.
import test from 'node:test';
import assert from 'node:assert/strict';
import { over, place, post, state, upstream } from './lib/jobs.mjs';
import { folder, metric, until, weir } from './lib/weir.mjs';

const pipeline = (url, steps, more = 'durable: true\nrespond: accepted') => `
trigger: { webhook: { path: /in, methods: [POST] } }
${more}
steps:
${steps.replaceAll('URL', url)}
`;

const BOTH = `
  - id: first
    http: { method: PUT, url: URL/first, json: { at: "\${ now() }", id: "\${ uuid() }" } }
  - wait: 1500ms
  - id: second
    http: { method: PUT, url: URL/second, json: { at: "\${ now() }", first: "\${ steps.first.status }" } }
`;

test('a wait lets go of its run and goes on when the time has come', async (t) => {
  const u = await upstream(t);
  const w = await place(t, { 'a.yaml': pipeline(u.url, BOTH) })();
  const from = Date.now();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'waiting');
  assert.equal(await metric(w, 'weir_runs_in_flight') ?? 0, 0);
  assert.equal(await metric(w, 'weir_wait_open', { pipeline: 'a' }) ?? 0, 0);
  await over(w, job, 'completed');
  assert.ok(Date.now() - from >= 1500);
  assert.deepEqual(u.calls.map((c) => c.path), ['/first', '/second']);
  const [first, second] = u.calls.map((c) => c.body);
  assert.equal(second.first, 200);
  assert.ok(second.at - first.at >= 1500, 'now() is behind the wait');
});

test('a wait goes on over a crash, and what was done is not done again', async (t) => {
  const u = await upstream(t);
  const go = place(t, { 'a.yaml': pipeline(u.url, BOTH) });
  let w = await go();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'waiting');
  w.killed = true;
  await w.kill();
  w = await go();
  await over(w, job, 'completed');
  assert.deepEqual(u.calls.map((c) => c.path), ['/first', '/second']);
});

test('who waits for the result is told of the job when the run is let go of', async (t) => {
  const u = await upstream(t);
  const w = await place(t, { 'a.yaml': pipeline(u.url, '  - wait: 200ms\n  - reply: { json: { never: seen } }', 'durable: true') })();
  const r = await post(w, '/in');
  assert.equal(r.status, 202);
  await over(w, (await r.json()).job, 'completed');
});

test('until takes a time, and one that is past does not wait', async (t) => {
  const u = await upstream(t);
  const w = await place(t, { 'a.yaml': pipeline(u.url, '  - wait: { until: "${ request.body.at }" }\n  - reply: { json: { done: true } }', 'durable: true') })();
  assert.equal((await post(w, '/in', { at: '2020-01-01T00:00:00Z' })).status, 200);
  assert.equal((await post(w, '/in', { at: 5 })).status, 200);
  assert.equal((await post(w, '/in', { at: 'tomorrow' })).status, 400);
  assert.equal((await post(w, '/in', { at: new Date(Date.now() + 900 * 86400000).toISOString() })).status, 400);
  const at = new Date(Date.now() + 700).toISOString();
  const r = await post(w, '/in', { at });
  assert.equal(r.status, 202);
  await over(w, (await r.json()).job, 'completed');
  assert.ok(Date.now() >= Date.parse(at));
});

const APPROVAL = `
  - id: approval
    wait: { callback: true, for: 1h }
    do:
      - http: { method: PUT, url: URL/mail, json: { url: "\${ callback.url }" } }
  - http: { method: PUT, url: URL/done, json: { ok: "\${ steps.approval.ok }" } }
`;

test('a callback works once, over a restart', async (t) => {
  const u = await upstream(t);
  const go = place(t, { 'a.yaml': pipeline(u.url, APPROVAL) });
  let w = await go();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'waiting');
  const url = new URL(u.of('/mail')[0].body.url);
  assert.equal(url.origin, w.edge);
  w.killed = true;
  await w.kill();
  w = await go();
  assert.equal(await state(w, job), 'waiting');
  const wrong = url.pathname.replace(/.$/, (c) => (c === '0' ? '1' : '0'));
  assert.equal((await fetch(`${w.edge}${url.pathname}`)).status, 405);
  assert.equal((await post(w, wrong, { ok: false })).status, 404);
  // a body is not even looked at before the token is right
  assert.equal((await fetch(`${w.edge}${wrong}`, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } })).status, 404);
  assert.equal((await post(w, `/_weir/wait/${job}/`, {})).status, 404);
  assert.equal((await fetch(`${w.edge}${url.pathname}`, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } })).status, 400);
  assert.equal(await state(w, job), 'waiting');
  assert.equal((await post(w, url.pathname, { ok: true })).status, 204);
  await over(w, job, 'completed');
  assert.equal((await post(w, url.pathname, { ok: true })).status, 404);
  assert.deepEqual(u.calls.map((c) => c.path), ['/mail', '/done']);
  assert.deepEqual(u.calls[1].body, { ok: true });
});

test('a callback that comes before the run waits is not lost, and of many one counts', async (t) => {
  let w;
  const codes = [];
  const u = await upstream(t, async (call, res) => {
    if (call.path === '/mail') {
      const path = new URL(call.body.url).pathname;
      const all = await Promise.all([1, 2, 3, 4].map((n) => post(w, path, { ok: n })));
      codes.push(...all.map((r) => r.status));
    }
    res.end('{}');
  });
  w = await place(t, { 'a.yaml': pipeline(u.url, APPROVAL) })();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'completed');
  assert.deepEqual(codes.sort(), [204, 409, 409, 409]);
  assert.deepEqual(u.calls.map((c) => c.path), ['/mail', '/done']);
});

test('a callback that does not come in time is a timeout, which a catch may take', async (t) => {
  const u = await upstream(t);
  const w = await place(t, { 'a.yaml': pipeline(u.url, `
  - wait: { callback: true, for: 300ms }
    do:
      - http: { method: PUT, url: URL/mail, json: { url: "\${ callback.url }" } }
    catch:
      - http: { method: PUT, url: URL/late, json: { code: "\${ error.code }" } }
`) })();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'completed');
  assert.deepEqual(u.of('/late')[0].body, { code: 'timeout' });
  assert.equal((await post(w, new URL(u.of('/mail')[0].body.url).pathname)).status, 404);
});

test('branches wait side by side, and others run on meanwhile', async (t) => {
  const u = await upstream(t);
  const w = await place(t, { 'a.yaml': pipeline(u.url, `
  - parallel:
    branches:
      a:
        - wait: 300ms
        - http: { method: PUT, url: URL/a, json: {} }
      b:
        - wait: 900ms
        - http: { method: PUT, url: URL/b, json: {} }
      c:
        - delay: 100ms
        - http: { method: PUT, url: URL/c, json: {} }
  - foreach: { items: [1, 2, 3], concurrency: 3 }
    do:
      - wait: "\${ item * 100 }ms"
      - http: { method: PUT, url: "URL/item", json: { n: "\${ item }" } }
  - http: { method: PUT, url: URL/end, json: {} }
`) })();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'completed');
  assert.deepEqual(u.calls.map((c) => c.path), ['/c', '/a', '/b', '/item', '/item', '/item', '/end']);
  assert.deepEqual(u.of('/item').map((c) => c.body.n), [1, 2, 3]);
});

test('a waiting job can be cancelled, held and shown', async (t) => {
  const u = await upstream(t);
  const go = place(t, { 'a.yaml': pipeline(u.url, APPROVAL) });
  const w = await go();
  const jobs = [];
  for (let i = 0; i < 2; i++) jobs.push((await (await post(w, '/in')).json()).job);
  for (const job of jobs) await over(w, job, 'waiting');
  const paths = u.of('/mail').map((c) => new URL(c.body.url).pathname);
  const path = (job) => paths.find((p) => p.includes(job));
  const cli = (...args) => weir([...args, '--admin', w.admin.slice(7)]);
  const shown = cli('jobs', 'show', jobs[0]);
  assert.match(shown.out, /~ approval +wait +until 20/);
  assert.ok(!shown.out.includes(path(jobs[0]).slice(-32)), 'the token is nobody else\'s');
  assert.equal(cli('jobs', 'cancel', jobs[0], '--reason', 'x').code, 0);
  assert.equal(await state(w, jobs[0]), 'cancelled');
  assert.equal((await post(w, path(jobs[0]), {})).status, 409);

  assert.equal(cli('pause', 'a').code, 0);
  assert.equal(await state(w, jobs[1]), 'held');
  assert.equal((await post(w, path(jobs[1]), { ok: 1 })).status, 204);
  assert.equal(await state(w, jobs[1]), 'held');
  assert.equal(cli('resume', 'a').code, 0);
  await over(w, jobs[1], 'completed');
  assert.deepEqual(u.of('/done').map((c) => c.body), [{ ok: 1 }]);
});

test('now() and uuid() are the same in each attempt', async (t) => {
  const u = await upstream(t, (call, res, n) => { res.statusCode = n < 3 ? 503 : 200; res.end('{}'); });
  const w = await place(t, { 'a.yaml': pipeline(u.url, '  - http: { method: PUT, url: URL/work, json: { at: "${ now() }", id: "${ uuid() }" } }',
    'respond: accepted\nretry: { schedule: [50ms, 50ms, 50ms] }') })();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'completed');
  assert.equal(u.calls.length, 3);
  for (const c of u.calls) assert.deepEqual(c.body, u.calls[0].body);
  assert.equal(new Set(u.calls.map((c) => c.key)).size, 1);
});

const WAYS = `
  - switch: { value: "\${ env.WAY }" }
    cases:
      a:
        - http: { method: PUT, url: URL/a, json: {} }
      b:
        - http: { method: PUT, url: URL/b, json: {} }
  - if: \${ env.LATE == 'yes' }
    http: { method: PUT, url: URL/late, json: {} }
  - http: { method: PUT, url: URL/mid, json: {} }
  - http: { method: PUT, url: URL/end, json: {} }
`;

test('a run that would go another way over what has a record is dead, diverged', async (t) => {
  let hang = true;
  const u = await upstream(t, (call, res) => { if (call.path !== '/end' || !hang) res.end('{}'); });
  const go = place(t, { 'a.yaml': pipeline(u.url, WAYS, 'respond: accepted\ndurable: steps') });
  const cut = async (env) => {
    hang = true;
    u.calls.length = 0;
    const w = await go({ env });
    const { job } = await (await post(w, '/in')).json();
    await until(() => u.of('/end').length === 1, 'the last step is under way');
    w.killed = true;
    await w.kill();
    hang = false;
    return job;
  };
  const shown = (w, job) => JSON.parse(weir(['jobs', 'show', job, '--json', '--admin', w.admin.slice(7)]).out);
  let job = await cut({ WAY: 'a', LATE: 'no' });
  let w = await go({ env: { WAY: 'b', LATE: 'no' } });
  await over(w, job, 'dead');
  assert.equal(shown(w, job).reason, 'diverged');
  assert.match(shown(w, job).message, /another block runs/);
  assert.equal(u.of('/b').length, 0);
  await w.stop();

  job = await cut({ WAY: 'a', LATE: 'no' });
  w = await go({ env: { WAY: 'a', LATE: 'yes' } });
  await over(w, job, 'dead');
  assert.equal(shown(w, job).reason, 'diverged');
  assert.equal(u.of('/late').length, 0);
  await w.stop();

  job = await cut({ WAY: 'none', LATE: 'no' }); // no block ran, so nothing that is known is left out
  w = await go({ env: { WAY: 'b', LATE: 'no' } });
  await over(w, job, 'completed');
});

test('an unsafe step that failed and was caught is not sent again when the run goes on', async (t) => {
  const u = await upstream(t, (call, res) => { res.statusCode = call.path === '/charge' ? 500 : 200; res.end('{}'); });
  const w = await place(t, { 'a.yaml': pipeline(u.url, `
  - id: charge
    http: { method: POST, url: URL/charge, json: {} }
    catch:
      - id: noted
        http: { method: PUT, url: URL/noted, json: { code: "\${ error.code }" } }
  - wait: 300ms
  - http: { method: PUT, url: URL/end, json: {} }
`) })();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'completed');
  assert.deepEqual(u.calls.map((c) => c.path), ['/charge', '/noted', '/end']);
});

test('an unsafe step that was cut by a deadline around it is not sent again', async (t) => {
  const u = await upstream(t, (call, res) => { if (call.path !== '/charge') res.end('{}'); });
  const w = await place(t, { 'a.yaml': pipeline(u.url, `
  - try:
    do:
      - http: { method: POST, url: URL/charge, json: {} }
    timeout: 300ms
    catch:
      - http: { method: PUT, url: URL/caught, json: {} }
  - wait: 300ms
  - http: { method: PUT, url: URL/end, json: {} }
`) })();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'completed');
  assert.deepEqual(u.calls.map((c) => c.path), ['/charge', '/caught', '/end']);
});

test('a job with an unsafe step that was cut is not tried again by itself', async (t) => {
  const u = await upstream(t, (call, res) => { if (call.path === '/bad') { res.statusCode = 500; setTimeout(() => res.end('{}'), 100); } });
  const w = await place(t, { 'a.yaml': pipeline(u.url, `
  - parallel:
    branches:
      a: [{ http: { method: POST, url: URL/charge, json: {} } }]
      b: [{ http: { method: PUT, url: URL/bad, json: {} } }]
`, 'respond: accepted\nretry: { schedule: [50ms, 50ms] }') })();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'dead');
  const shown = JSON.parse(weir(['jobs', 'show', job, '--json', '--admin', w.admin.slice(7)]).out);
  assert.equal(shown.reason, 'unknown effect');
  assert.equal(u.of('/charge').length, 1);
});

test('a callback that comes while another branch keeps the run in memory goes on at once', async (t) => {
  const u = await upstream(t);
  const w = await place(t, { 'a.yaml': pipeline(u.url, `
  - parallel:
    branches:
      a:
        - wait: { callback: true, for: 1h }
          do: [{ http: { method: PUT, url: URL/mail, json: { url: "\${ callback.url }" } } }]
        - http: { method: PUT, url: URL/answered, json: {} }
      b: [{ delay: 8s }]
`) })();
  const { job } = await (await post(w, '/in')).json();
  await until(() => u.of('/mail').length === 1, 'the mail is sent');
  assert.equal((await post(w, new URL(u.of('/mail')[0].body.url).pathname, {})).status, 204);
  await until(() => u.of('/answered').length === 1, 'it went on');
  assert.equal(await state(w, job), 'running');
});

test('a block that is tried again waits again, and asks again', async (t) => {
  const u = await upstream(t, (call, res, n) => { res.statusCode = call.path === '/ask' && u.of('/ask').length < 3 ? 500 : 200; res.end('{}'); });
  const w = await place(t, { 'a.yaml': pipeline(u.url, `
  - try:
    do:
      - http: { method: PUT, url: URL/begin, json: {} }
      - wait: 300ms
      - http: { method: PUT, url: URL/ask, json: {} }
    retry: { attempts: 4, initial: 10ms }
`) })();
  const from = Date.now();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'completed');
  assert.deepEqual(u.calls.map((c) => c.path), ['/begin', '/ask', '/begin', '/ask', '/begin', '/ask']);
  assert.ok(Date.now() - from >= 900);
});

test('a wait can not be lent', (t) => {
  const dir = folder(t, { 'a.yaml': pipeline('http://x', '  - lua: return ctx.pause()\n    uses: { pause: { wait: 1s } }\n') });
  assert.match(weir(['check', dir]).err, /W0219.*wait can't be lent/);
});

test('steps that a script asks for side by side keep their records, whatever comes first', async (t) => {
  let slow = 'b';
  const u = await upstream(t, (call, res) => { const path = call.path; setTimeout(() => res.end(JSON.stringify({ path })), path.startsWith(`/${slow}`) ? 300 : 0); });
  const go = place(t, { 'a.yaml': `
trigger: { webhook: { path: /in, methods: [POST] } }
respond: accepted
durable: steps
steps:
  - id: both
    lua: |
      local all, err = ctx.all {
        function() local one = ctx.put { path = "/a1" } return { one, ctx.put { path = "/a2" } } end,
        function() local one = ctx.put { path = "/b1" } return { one, ctx.put { path = "/b2" } } end,
      }
      if err then return nil, err end
      return { all[1][1].body.path, all[1][2].body.path, all[2][1].body.path, all[2][2].body.path }
    uses:
      put: { http: { method: PUT, base_url: "${u.url}" } }
  - wait: 200ms
  - id: tell
    http: { method: PUT, url: "${u.url}/tell", json: "\${ steps.both }" }
` });
  const w = await go();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'completed');
  assert.deepEqual(u.of('/tell')[0].body, ['/a1', '/a2', '/b1', '/b2']);
  assert.deepEqual(u.calls.map((c) => c.path).sort(), ['/a1', '/a2', '/b1', '/b2', '/tell']);
});
