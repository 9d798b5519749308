// A replay from the middle: what is known is not done again, what is not safe is not done by itself.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { over, place, post, upstream } from './lib/jobs.mjs';
import { until, weir } from './lib/weir.mjs';

const STEPS = `
  - id: reserve
    http: { method: PUT, url: URL/reserve, json: { id: "\${ uuid() }" } }
  - id: charge
    http: { method: POST, url: URL/charge, json: { price: 7 } }
  - id: mail
    http: { method: PUT, url: URL/mail, json: { charged: "\${ steps.charge.body.ok }" } }
`;
const pipeline = (url, steps = STEPS, more = 'durable: steps') => `
trigger: { webhook: { path: /in, methods: [POST] } }
${more}
respond: accepted
steps:${steps.replaceAll('URL', url)}`;

/** A weir whose upstream fails at the paths in BROKEN. */
async function shop(t, yaml) {
  const s = { broken: new Set() };
  s.u = await upstream(t, (call, res) => { res.statusCode = s.broken.has(call.path) ? 500 : 200; res.end('{"ok":true}'); });
  s.go = place(t, { 'a.yaml': yaml ? yaml(s.u.url) : pipeline(s.u.url) });
  s.write = (text) => writeFileSync(join(s.go.dir, 'a.yaml'), text);
  s.start = async (more) => { s.w = await s.go(more); };
  await s.start();
  s.api = async (path, body = {}) => {
    const r = await fetch(`${s.w.admin}/api/v1/${path}`, { method: 'POST', body: JSON.stringify(body) });
    return { status: r.status, body: await r.json() };
  };
  s.cli = (...args) => weir([...args, '--admin', s.w.admin.slice(7)]);
  s.shown = (job) => JSON.parse(s.cli('jobs', 'show', job, '--json').out);
  s.dead = async () => {
    const { job } = await (await post(s.w, '/in')).json();
    await over(s.w, job, 'dead');
    return job;
  };
  s.paths = () => s.u.calls.map((c) => c.path);
  s.reload = async () => assert.equal((await s.api('reload')).status, 200);
  return s;
}

test('from the step that failed: what was done answers from its record', async (t) => {
  const s = await shop(t);
  s.broken.add('/mail');
  const job = await s.dead();
  assert.deepEqual(s.paths(), ['/reserve', '/charge', '/mail']);
  const plan = (await s.api(`jobs/${job}/plan`, { from: 'failed' })).body;
  assert.deepEqual(plan.steps.map((x) => [x.id, x.does]), [['reserve', 'reused'], ['charge', 'reused'], ['mail', 'runs']]);
  assert.deepEqual([plan.step, plan.definition, plan.changed, plan.acks], ['mail', 'today', false, []]);
  s.broken.clear();
  assert.equal((await s.api(`jobs/${job}/replay`, { from: 'failed', reason: 'x' })).status, 400);
  assert.equal((await s.api(`jobs/${job}/replay`, { from: 'failed', reason: 'x', plan: '0123456789abcdef' })).status, 409);
  const r = await s.api(`jobs/${job}/replay`, { from: 'failed', reason: 'x', plan: plan.plan });
  assert.equal(r.status, 201);
  await over(s.w, r.body.id, 'completed');
  assert.deepEqual(s.paths(), ['/reserve', '/charge', '/mail', '/mail']);
  assert.deepEqual(s.u.of('/mail')[1].body, { charged: true });
  assert.equal(s.u.of('/mail')[0].key, s.u.of('/mail')[1].key);
});

test('from any step, with acks for what is not safe, and with new keys', async (t) => {
  const s = await shop(t);
  s.broken.add('/mail');
  const job = await s.dead();
  s.broken.clear();
  const unsafe = s.cli('replay', job, '--from', 'charge', '--reason', 'x', '--yes');
  assert.equal(unsafe.code, 1);
  assert.match(unsafe.out, /= reserve +http +answers from its record\n +> charge +http +is not safe to repeat/);
  assert.match(unsafe.err, /the step charge is not safe to repeat/);
  assert.match(s.cli('replay', job, '--from', 'nope', '--reason', 'x', '--yes').err, /has no step 'nope'/);
  const r = s.cli('replay', job, '--from', 'charge', '--ack', 'charge', '--new-keys', '--reason', 'x', '--yes');
  assert.equal(r.code, 0, r.err);
  await over(s.w, /new job: (\S+)/.exec(r.out)[1], 'completed');
  assert.deepEqual(s.paths(), ['/reserve', '/charge', '/mail', '/charge', '/mail']);
  assert.notEqual(s.u.of('/mail')[0].key, s.u.of('/mail')[1].key);
});

test('a step whose effect is unknown counts as done with an output, or acts again', async (t) => {
  const s = await shop(t);
  let hang = true;
  const u = await upstream(t, (call, res) => { if (call.path !== '/charge' || !hang) res.end('{"ok":true}'); });
  s.write(pipeline(u.url));
  await s.reload();
  const jobs = [];
  for (let i = 0; i < 2; i++) jobs.push((await (await post(s.w, '/in')).json()).job);
  await until(() => u.of('/charge').length === 2, 'both are being charged');
  s.w.killed = true;
  await s.w.kill();
  hang = false;
  await s.start();
  for (const job of jobs) await over(s.w, job, 'dead');
  assert.match(s.cli('jobs', 'show', jobs[0]).out, /Nobody knows whether charge was done\.\nIt was: +weir replay \S+ --from failed --output charge=JSON\nIt was not: weir replay \S+ --from failed --ack charge\n/);
  assert.equal(s.shown(jobs[0]).reason, 'unknown effect');
  const refused = s.cli('replay', jobs[0], '--from', 'failed', '--reason', 'x', '--yes');
  assert.match(refused.err, /the step charge is not safe to repeat, and may have acted already/);
  const done = s.cli('replay', jobs[0], '--from', 'failed', '--output', 'charge={"status":200,"body":{"ok":"by hand"}}', '--reason', 'the bank says so', '--yes');
  assert.equal(done.code, 0, done.err);
  await over(s.w, /new job: (\S+)/.exec(done.out)[1], 'completed');
  assert.deepEqual(u.of('/mail').map((c) => c.body), [{ charged: 'by hand' }]);
  assert.equal(u.of('/charge').length, 2);
  const again = s.cli('replay', jobs[1], '--from', 'failed', '--ack', 'charge', '--reason', 'the bank knows nothing', '--yes');
  assert.equal(again.code, 0, again.err);
  await over(s.w, /new job: (\S+)/.exec(again.out)[1], 'completed');
  assert.deepEqual([u.of('/reserve').length, u.of('/charge').length, u.of('/mail').length], [2, 3, 2]);
});

test('a pipeline that has changed before the step is refused with the diff; behind it is not', async (t) => {
  const s = await shop(t);
  s.broken.add('/mail');
  const jobs = [await s.dead(), await s.dead(), await s.dead()];
  s.broken.clear();
  s.write(pipeline(s.u.url, STEPS.replace('price: 7', 'price: 8')));
  await s.reload();
  const plan = await s.api(`jobs/${jobs[0]}/plan`, { from: 'failed' });
  assert.equal(plan.status, 409);
  assert.match(JSON.stringify(plan.body), /has changed before the step.*-.*price: 7.*\+.*price: 8/);
  const r = s.cli('replay', jobs[0], '--from', 'failed', '--reason', 'x', '--yes');
  assert.equal(r.code, 1);
  assert.match(r.err, /has changed before the step[^]*^-.*price: 7[^]*^\+.*price: 8/m);
  const original = s.cli('replay', jobs[0], '--from', 'failed', '--original', '--reason', 'x', '--yes');
  assert.equal(original.code, 0, original.err);
  await over(s.w, /new job: (\S+)/.exec(original.out)[1], 'completed');
  assert.equal(s.shown(/new job: (\S+)/.exec(original.out)[1]).revision, s.shown(jobs[0]).revision);

  s.write(pipeline(s.u.url, STEPS.replace('/mail,', '/letter,').replace('  - id: charge', '  # a comment\n\n  - id: charge')));
  await s.reload();
  const behind = s.cli('replay', jobs[1], '--from', 'failed', '--reason', 'x', '--yes');
  assert.equal(behind.code, 0, behind.err);
  assert.match(behind.out, /The pipeline has changed since the job ran: it runs as it is now\.\n---/);
  await over(s.w, /new job: (\S+)/.exec(behind.out)[1], 'completed');
  assert.equal(s.u.of('/letter').length, 1);

  const start = s.cli('replay', jobs[2], '--ack', 'charge', '--reason', 'x', '--yes');
  assert.equal(start.code, 0, start.err);
  await over(s.w, /new job: (\S+)/.exec(start.out)[1], 'completed');
});

test('what was looked at is what runs, also if another definition is loaded before the job begins', async (t) => {
  const s = await shop(t);
  s.broken.add('/mail');
  const job = await s.dead();
  s.broken.clear();
  assert.equal((await s.api('pipelines/a/pause')).status, 200);
  const r = s.cli('replay', job, '--from', 'charge', '--ack', 'charge', '--reason', 'x', '--yes');
  assert.equal(r.code, 0, r.err);
  const id = /new job: (\S+)/.exec(r.out)[1];
  assert.equal(s.shown(id).state, 'held');
  s.write(pipeline(s.u.url, STEPS.replace('/reserve', '/hold').replace('/charge', '/take').replace('/mail', '/letter')));
  await s.reload();
  assert.equal((await s.api('pipelines/a/resume')).status, 200);
  await over(s.w, id, 'completed');
  assert.deepEqual(s.paths(), ['/reserve', '/charge', '/mail', '/charge', '/mail']);
  assert.equal(s.shown(id).revision, s.shown(job).revision);
});

test('in a loop the rounds that were done are not done again', async (t) => {
  const s = await shop(t, (url) => pipeline(url, `
  - foreach: { items: [1, 2, 3, 4], concurrency: 1 }
    do:
      - id: item
        http: { method: PUT, url: "URL/item/\${ item }", json: {} }
`));
  s.broken.add('/item/3');
  const job = await s.dead();
  s.broken.clear();
  const r = s.cli('replay', job, '--from', 'failed', '--reason', 'x', '--yes');
  assert.equal(r.code, 0, r.err);
  await over(s.w, /new job: (\S+)/.exec(r.out)[1], 'completed');
  assert.deepEqual(s.paths(), ['/item/1', '/item/2', '/item/3', '/item/3', '/item/4']);
});

test('a plan knows all records, also of a job that has more than are shown', async (t) => {
  const loop = (id) => `
  - foreach: { items: "\${ request.body.items }", concurrency: 100 }
    do:
      - id: ${id}
        set: "\${ item }"
`;
  const s = await shop(t, (url) => pipeline(url, `${loop('one')}${loop('two')}${STEPS.trimEnd()}\n`));
  s.broken.add('/mail');
  const { job } = await (await post(s.w, '/in', { items: Array.from({ length: 5100 }, (_, i) => i) })).json();
  await over(s.w, job, 'dead');
  assert.equal((await (await fetch(`${s.w.admin}/api/v1/jobs/${job}`)).json()).steps.length, 10_000);
  const start = await s.api(`jobs/${job}/replay`, { reason: 'x' });
  assert.equal(start.status, 409);
  assert.match(start.body.detail, /the step charge is not safe to repeat, and may have acted already/);
  const plan = (await s.api(`jobs/${job}/plan`, { from: 'failed' })).body;
  assert.deepEqual(plan.steps.filter((x) => x.does === 'runs').map((x) => x.id), ['mail']);
});

test('each step of a job tells when it ran, how often it was tried, and its key', async (t) => {
  let fails = 2;
  const s = await shop(t);
  const u = await upstream(t, (call, res) => { res.statusCode = call.path === '/flaky' && fails-- > 0 ? 503 : 200; res.end('{"ok":true}'); });
  const steps = `
  - id: flaky
    retry: { attempts: 3, backoff: exponential, initial: 10ms }
    http: { method: PUT, url: URL/flaky, json: {} }
  - id: each
    foreach: "\${ [1, 2] }"
    do:
      - id: one
        http: { method: PUT, url: "URL/one/\${ item }", json: {} }
  - id: last
    http: { method: PUT, url: URL/last, json: {} }
`;
  s.write(pipeline(u.url, steps));
  await s.reload();
  const { job } = await (await post(s.w, '/in')).json();
  await over(s.w, job, 'completed');
  const shown = s.shown(job), of = (path) => shown.steps.find((x) => x.path === path);
  assert.deepEqual(shown.steps.map((x) => x.path), ['flaky', 'one/0', 'one/1', 'last']);
  assert.deepEqual([of('flaky').tries, of('flaky').effect, of('last').tries], [3, 'idempotent', 1]);
  assert.equal(of('flaky').key, JSON.parse(u.of('/flaky')[0].key));
  assert.equal(of('one/1').key, JSON.parse(u.of('/one/2')[0].key));
  for (const x of shown.steps) assert.ok(x.started_ms > Date.now() - 60_000 && x.started_ms + x.took_ms === x.at_ms, JSON.stringify(x));
  const text = s.cli('jobs', 'show', job).out;
  assert.match(text, /\+ flaky +http +(< )?\S+, 3 tries/);
  assert.match(text, /\| +\+ one +http/);
  const get = async (step) => (await fetch(`${s.w.admin}/api/v1/jobs/${job}/steps/${step}`)).json();
  const one = await get('one');
  assert.deepEqual([one.job, one.step, one.steps.map((x) => x.path)], [job, 'one', ['one/0', 'one/1']]);
  assert.equal(one.steps[0].key, JSON.parse(u.of('/one/1')[0].key));
  assert.deepEqual((await get('one%2F1')).steps.map((x) => x.path), ['one/1']);
  assert.deepEqual((await get('one/1')).steps.map((x) => x.path), ['one/1']);
  assert.equal((await get('nosuch')).status, 404);
  const whole = s.cli('jobs', 'show', job, '--step', 'flaky').out;
  assert.match(whole, /record +flaky\nstate +done\nbegan .*\n[^]*tries +3\neffect +idempotent\nkey +[0-9a-f]{32}\n[^]*"ok": true/);
  // of a failed attempt the trace tells it
  fails = 9;
  s.write(pipeline(u.url, steps, 'durable: true'));
  await s.reload();
  const dead = (await (await post(s.w, '/in')).json()).job;
  await over(s.w, dead, 'dead');
  const [told] = s.shown(dead).attempts[0].trace.steps;
  assert.deepEqual([told.id, told.tries, told.effect, told.code], ['flaky', 3, 'idempotent', 'upstream']);
  assert.equal(told.key, JSON.parse(u.of('/flaky').at(-1).key));
  assert.match(s.cli('jobs', 'show', dead).out, /x flaky +http +(< )?\S+, 3 tries/);
  assert.match(s.cli('jobs', 'show', dead, '--step', 'flaky').out, /trace +of attempt 1\nstate +failed[^]*code +upstream/);
});

test('of a wait the steps in it are acked, and the wait itself is not', async (t) => {
  const s = await shop(t, (url) => pipeline(url, `
  - id: ask
    wait: { callback: true, for: 200ms }
    do:
      - id: mail
        http: { method: POST, url: URL/mail, json: { url: "\${ callback.url }" } }
`, 'durable: true'));
  const job = await s.dead();
  const plan = (await s.api(`jobs/${job}/plan`)).body;
  assert.deepEqual(plan.steps.map((x) => [x.id, x.effect]), [['ask', 'none'], ['mail', 'unsafe']]);
  assert.deepEqual(plan.acks, ['mail']);
  assert.match(s.cli('replay', 'plan', job).out, /> ask +wait +runs\n/);
  assert.equal((await s.api('batches', { reason: 'x' })).status, 409);
  const batch = await s.api('batches', { reason: 'x', ack: ['mail'] });
  assert.equal(batch.status, 201, JSON.stringify(batch.body));
  const second = await s.dead();
  assert.equal(s.cli('replay', second, '--reason', 'x', '--yes').code, 1);
  const r = s.cli('replay', second, '--ack', 'mail', '--reason', 'x', '--yes');
  assert.equal(r.code, 0, r.err);
});

test('acks and outputs are of steps that there are', async (t) => {
  const s = await shop(t);
  s.broken.add('/mail');
  const job = await s.dead();
  for (const body of [{ ack: ['charge', 'nosuch'] }, { ack: ['charge', 7] }, { outputs: { nosuch: 1 }, ack: ['charge'] }]) {
    const r = await s.api(`jobs/${job}/plan`, body);
    assert.equal(r.status, 400, JSON.stringify(r.body));
    assert.match(r.body.detail, /the pipeline a has no step '/);
  }
  const r = await s.api('batches', { reason: 'x', ack: ['charge', 'nosuch'] });
  assert.equal(r.status, 400);
  assert.match(r.body.detail, /no pipeline of these jobs has a step 'nosuch'/);
});

test('a job without records can only be replayed from the start', async (t) => {
  const s = await shop(t, (url) => `trigger: { webhook: { path: /in, methods: [POST] } }\nsteps:\n  - id: one\n    http: { method: PUT, url: ${url}/one, json: {} }\n`);
  s.broken.add('/one');
  assert.equal((await post(s.w, '/in')).status, 502);
  let job;
  await until(() => (job = JSON.parse(s.cli('jobs', '--json').out).jobs[0]?.id), 'the failed run is kept');
  const r = await s.api(`jobs/${job}/plan`, { from: 'failed' });
  assert.equal(r.status, 409);
  assert.match(r.body.detail, /have no records/);
  const plan = s.cli('replay', 'plan', job);
  assert.equal(plan.code, 0, plan.err);
  assert.match(plan.out, /from the start, as a new job\.\n {2}> one +http +runs, with the same idempotency key\nplan [0-9a-f]{16}\n$/);
});

/** Steps in which the one that fails stands before one that has acted. */
const ACTED_BEHIND = {
  'in a branch beside it': `
  - parallel:
    branches:
      a:
        - id: look
          http: { method: GET, url: URL/look }
      b:
        - id: charge
          http: { method: POST, url: URL/charge, json: {} }
  - id: letter
    http: { method: POST, url: URL/letter, json: {} }
`,
  'in an earlier round': `
  - foreach: [1, 2]
    do:
      - id: look
        http: { method: GET, url: URL/look }
      - id: charge
        http: { method: POST, url: URL/charge, json: {} }
  - id: letter
    http: { method: POST, url: URL/letter, json: {} }
`,
};

for (const [where, steps] of Object.entries(ACTED_BEHIND))
  test(`what has acted ${where} needs an ack, and what was not reached does not`, async (t) => {
    const rounds = where.includes('round');
    let charged = 0, fail;
    const u = await upstream(t, (call, res) => {
      if (call.path !== '/look') {
        charged++;
        res.end('{}');
      } else if (rounds) {
        res.statusCode = charged ? 500 : 200;
        res.end('{}');
      } else {
        fail = () => { res.statusCode = 500; res.end('{}'); };
      }
    });
    const go = place(t, { 'a.yaml': pipeline(u.url, steps, 'durable: true') });
    const w = await go();
    const api = async (path, body) => {
      const r = await fetch(`${w.admin}/api/v1/${path}`, { method: 'POST', body: JSON.stringify(body) });
      return { status: r.status, body: await r.json() };
    };
    const { job } = await (await post(w, '/in')).json();
    if (!rounds) {
      await until(() => charged === 1 && fail, 'one branch has acted, and the other is under way');
      await until(async () => JSON.stringify(await (await fetch(`${w.admin}/api/v1/jobs/${job}`)).json()).includes('"charge"'), 'it is recorded');
      fail();
    }
    await over(w, job, 'dead');
    assert.equal(charged, 1);
    const refused = await api('batches', { pipeline: 'a', reason: 'x' });
    assert.equal(refused.status, 409, JSON.stringify(refused.body));
    assert.match(refused.body.detail, /the step charge of a is not safe to repeat/);
    const one = await api(`jobs/${job}/replay`, {});
    assert.equal(one.status, 409);
    assert.match(one.body.detail, /the step charge is not safe to repeat/);
    const made = await api('batches', { pipeline: 'a', ack: ['charge'], reason: 'x' });
    assert.equal(made.status, 201, JSON.stringify(made.body));
  });
