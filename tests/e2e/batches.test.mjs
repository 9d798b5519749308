// Batches of replays, and pauses: over the API and the command line, and over kill -9.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { binary, folder, start, until } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

const pipelines = (url) => ({
  'book.yaml': `
name: book
durable: true
respond: accepted
concurrency: { limit: 100, key: "\${ request.query.shop ?? 'none' }" }
trigger: { webhook: { path: /book, methods: [POST] } }
steps:
  - id: put
    http: { method: PUT, url: "${url}/put", json: { id: "\${ request.body.id }" } }
`,
  'pay.yaml': `
name: pay
durable: true
respond: accepted
trigger: { webhook: { path: /pay, methods: [POST] } }
steps:
  - id: charge
    http: { method: POST, url: "${url}/charge", json: { id: "\${ request.body.id }" } }
`,
  'answer.yaml': `
name: answer
durable: true
trigger: { webhook: { path: /answer, methods: [POST] } }
steps:
  - reply: { json: { good: true } }
`,
  'plain.yaml': `
name: plain
trigger: { webhook: { path: /plain, methods: [POST] } }
steps:
  - reply: { json: { good: true } }
`,
});

/** An upstream that answers 503 while u.broken and counts what it did by id, and weir. */
async function shop(t, options = {}) {
  const u = { broken: true, done: new Map(), order: [] };
  Object.assign(u, await upstream(t, (request, response, body) => {
    const { id } = JSON.parse(body.toString());
    if (!u.broken) {
      u.done.set(id, (u.done.get(id) ?? 0) + 1);
      u.order.push(id);
    }
    response.statusCode = u.broken ? 503 : 200;
    setTimeout(() => response.end('{}'), 2); // so that there is something in flight at a kill
  }));
  const dir = folder(t, { ...pipelines(u.url), ...options.more?.(u.url) });
  const s = { u };
  s.start = async () => {
    s.w = await start(t, dir, { args: ['--store', `sqlite:${join(dir, 'var/weir.db')}`, '--set', 'log.access=false'], ...options });
  };
  s.api = async (method, path, body) => {
    const r = await fetch(`${s.w.admin}/api/v1/${path}`, { method, body: body && JSON.stringify(body) });
    return { status: r.status, location: r.headers.get('location'), body: await r.json() };
  };
  s.cli = (...args) => new Promise((done) => {
    const child = spawn(binary, [...args, '--admin', s.w.admin.slice(7)], { env: { ...process.env, SUDO_USER: '', USER: 'ada' }, stdio: ['ignore', 'pipe', 'pipe'] });
    const r = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (d) => { r.out += d; });
    child.stderr.setEncoding('utf8').on('data', (d) => { r.err += d; });
    child.once('close', (code) => { assert.doesNotMatch(r.err, /Sanitizer|runtime error:/); done({ ...r, code }); });
  });
  s.send = async (path, id, query = '') => {
    const r = await fetch(`${s.w.edge}/${path}${query}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ id }) });
    return { status: r.status, body: await r.json() };
  };
  s.total = async (query) => (await s.api('GET', `jobs?limit=1&${query}`)).body.total;
  /** Sends N events to PATH; all of them die. */
  s.dead = async (n, path = 'book') => {
    const before = await s.total('state=dead');
    let next = 0;
    await Promise.all(Array.from({ length: 20 }, async () => {
      while (next < n) assert.equal((await s.send(path, `${path}-${next++}`)).status, 202);
    }));
    await until(async () => (await s.total('state=dead')) === before + n, `${n} jobs are dead`, 60_000);
  };
  s.batch = async (id) => (await s.api('GET', `batches/${id}?limit=1000`)).body;
  s.over = (id, state = 'completed') => until(async () => { const b = await s.batch(id); return b.state === state && b; }, `batch ${id} is ${state}`, 60_000);
  s.all = async (query) => {
    const jobs = [];
    for (let after = ''; after !== undefined;) {
      const page = (await s.api('GET', `jobs?limit=1000&${query}${after && `&after=${after}`}`)).body;
      jobs.push(...page.jobs);
      after = page.next;
    }
    return jobs;
  };
  await s.start();
  return s;
}

test('a thousand dead jobs are replayed once each, over a kill -9 in the middle', async (t) => {
  const s = await shop(t, { shards: 2 });
  await s.dead(1000);
  s.u.broken = false;
  const made = await s.api('POST', 'batches', { pipeline: 'book', concurrency: 50, reason: 'the bank is back', who: 'ada' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.equal(made.location, `/api/v1/batches/${made.body.id}`);
  assert.equal(made.body.total, 1000);
  await until(() => s.u.done.size >= 300, '300 are done', 60_000);
  s.w.killed = true;
  await s.w.kill();
  assert.ok(s.u.done.size < 1000, 'the batch was over before the kill');
  await s.start();
  const batch = await s.over(made.body.id);
  assert.deepEqual(batch.items, { pending: 0, made: 0, completed: 1000, dead: 0, cancelled: 0, skipped: 0 });
  const jobs = await s.all('pipeline=book');
  const dead = jobs.filter((j) => !j.replay_of);
  const replays = jobs.filter((j) => j.replay_of);
  assert.equal(dead.length, 1000);
  assert.equal(replays.length, 1000);
  assert.equal(new Set(replays.map((j) => j.replay_of)).size, 1000);
  assert.deepEqual(new Set(replays.map((j) => j.state)), new Set(['completed']));
  const by = new Map(replays.map((j) => [j.id, j]));
  for (const j of dead) assert.equal(by.get(j.superseded_by)?.replay_of, j.id);
  for (const item of batch.jobs) assert.equal(by.get(item.replay)?.replay_of, item.job);
  // Each did its work; what the kill cut may have done so twice, and nothing else.
  assert.equal(s.u.done.size, 1000);
  const twice = [...s.u.done.values()].reduce((sum, n) => sum + n - 1, 0);
  const cut = replays.filter((j) => j.crashes > 0).length;
  assert.ok(twice <= cut && cut <= 50, `${twice} twice, ${cut} cut`);

  const again = await s.api('POST', 'batches', { pipeline: 'book', reason: 'x' });
  assert.equal(again.status, 409);
  assert.match(again.body.detail, /all such jobs \(1000\) were replayed already/);
  const r = await s.cli('replay', 'run', '--pipeline', 'book', '--yes', '--reason', 'x');
  assert.equal(r.code, 1);
  assert.match(r.err, /replayed already/);
  assert.equal(await s.total('pipeline=book'), 2000);
  const audit = (await s.api('GET', 'audit')).body.entries;
  assert.deepEqual(audit.map((e) => [e.what, e.who, e.batch, e.why]), [['batches.make', 'ada', made.body.id, 'the bank is back']]);
});

test('a plan says what a batch would do; the batch shows how it went', async (t) => {
  const s = await shop(t);
  await s.dead(6);
  await s.dead(3, 'pay');
  const plan = await s.cli('replay', 'plan');
  assert.equal(plan.code, 0, plan.err);
  assert.match(plan.out, /6 +book +put +unavailable|6 +book +put +upstream/);
  assert.match(plan.out, /9 jobs run again/);
  assert.match(plan.out, /pay: these steps are not safe to repeat, and may act a second time: charge \(http\)/);
  assert.doesNotMatch(plan.out, /book: these/);
  const hash = /plan: ([0-9a-f]{16})/.exec(plan.out)[1];
  await s.dead(1);
  assert.match((await s.cli('replay', 'run', '--yes', '--reason', 'x')).err, /the step charge of pay is not safe to repeat/);
  const stale = await s.cli('replay', 'run', '--yes', '--reason', 'x', '--plan', hash, '--ack', 'charge');
  assert.equal(stale.code, 1);
  assert.match(stale.err, /does not hold any more/);
  s.u.broken = false;
  const run = await s.cli('replay', 'run', '--pipeline', 'book', '--yes', '--canary', '2', '--rate', '100/1s', '--wait', '--reason', 'again');
  assert.equal(run.code, 0, run.err);
  assert.match(run.out, /new batch: [0-9a-f-]{36}, 7 jobs\n/);
  assert.match(run.out, /7 of 7, completed: 7 completed\n/);
  assert.equal(await s.total('pipeline=pay&state=dead'), 3);
  const list = await s.cli('batches');
  assert.match(list.out, /completed +7 +7 +0 +0 +0 .*ada +again/);
  const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(list.out)[0];
  const shown = await s.cli('batches', 'show', id, '--state', 'completed');
  assert.match(shown.out, /completed, 7 of 7: 7 completed\nmade by ada: again; at most 100 at once, 100\/1s\n/);
  assert.match((await s.cli('audit')).out, /ada +batches.make +[0-9a-f-]{36}/);
});

test('a batch pauses itself when replays fail, and is resumed and cancelled', async (t) => {
  const s = await shop(t);
  await s.dead(8);
  const { id } = (await s.api('POST', 'batches', { concurrency: 1, stop_on_failures: 2, reason: 'x' })).body;
  const paused = await s.over(id, 'paused');
  assert.match(paused.why, /2 of its replays are dead \(stop_on_failures\)/);
  assert.equal(paused.items.pending, 6);
  await s.w.log((l) => /has paused itself/.test(l.msg));
  const waited = await s.cli('batches', 'show', id, '--wait');
  assert.equal(waited.code, 1);
  assert.match(waited.out, /2 of 8, paused: 2 dead, 6 pending \(2 of its replays/);
  const cancelled = await s.cli('batches', 'cancel', id, '--reason', 'not now');
  assert.match(cancelled.out, /is cancelled: 2 dead, 6 cancelled/);
  const again = await s.cli('batches', 'resume', id);
  assert.equal(again.code, 1);
  assert.match(again.err, /the batch .* is cancelled/);
  s.u.broken = false;
  const rest = (await s.api('POST', 'batches', { reason: 'x' })).body;
  assert.equal(rest.total, 8); // the replays that died stand for their jobs
  await s.over(rest.id);
  assert.deepEqual([...s.u.done.values()], Array(8).fill(1));
});

test('what is asked of batches in a wrong way is told', async (t) => {
  const s = await shop(t);
  const refused = async (method, path, status, detail, body) => {
    const r = await s.api(method, path, body);
    assert.equal(r.status, status, `${method} ${path}: ${JSON.stringify(r.body)}`);
    assert.match(r.body.detail, detail, `${method} ${path}`);
  };
  const unknown = '01890a5d-ac96-774b-bcce-b302099a8057';
  await refused('POST', 'batches', 404, /there is no such job/, { reason: 'x' });
  await refused('POST', 'batches', 400, /no 'colour' in the body; there are: state pipeline/, { colour: 'red' });
  await refused('POST', 'batches', 400, /'max' is not a whole number/, { max: 'ten' });
  await refused('POST', 'batches', 400, /rate must be one such as 10\/1s/, { rate: 'fast', reason: 'x' });
  await refused('POST', 'batches', 400, /concurrency must be/, { concurrency: 0, reason: 'x' });
  await refused('GET', 'batches/x', 404, /'x' is not the id of a batch/);
  await refused('GET', `batches/${unknown}`, 404, /there is no batch/);
  await refused('GET', `batches/${unknown}?state=good`, 400, /state must be pending/);
  await refused('POST', `batches/${unknown}/explode`, 404, /pause resume cancel/);
  await refused('POST', `batches/${unknown}/pause`, 404, /there is no batch/);
  await refused('GET', 'batches/plan?max=0', 400, /max must be/);
  assert.equal((await s.cli('batches', 'show')).code, 2);
  assert.equal((await s.cli('replay', unknown, '--max', '3')).code, 2);
});

test('a paused pipeline accepts and holds, over a restart, and goes on in order', async (t) => {
  const s = await shop(t);
  s.u.broken = false;
  const pause = await s.cli('pause', 'book', '--reason', 'the bank is down');
  assert.equal(pause.out, 'book is paused; jobs held: 0\n', pause.err);
  const ids = [];
  for (let i = 0; i < 5; i++) {
    const r = await s.send('book', `n${i}`);
    assert.equal(r.status, 202);
    ids.push(r.body.job);
    assert.equal((await s.api('GET', `jobs/${r.body.job}`)).body.state, 'held');
  }
  assert.equal((await s.send('pay', 'other')).status, 202);
  await until(() => s.u.done.has('other'), 'the other pipeline runs');
  s.w.killed = true;
  await s.w.kill();
  await s.start();
  assert.equal(await s.total('pipeline=book&state=held'), 5);
  assert.match((await s.cli('pauses')).out, /book +- +5 .*ada +the bank is down/);
  assert.deepEqual([...s.u.done.keys()], ['other']);
  const resume = await s.cli('resume', 'book');
  assert.equal(resume.out, 'book goes on; jobs released: 5\n', resume.err);
  await until(async () => (await s.total('pipeline=book&state=completed')) === 5, 'all are completed');
  assert.deepEqual(new Set(s.u.done.keys()), new Set(['other', 'n0', 'n1', 'n2', 'n3', 'n4']));
  assert.equal((await s.cli('pauses')).out, 'Nothing is paused.\n');
  assert.match((await s.cli('audit')).out, /resume +book +paused +running[^\n]*\n[^\n]*pause +book +running +paused/);
});

test('one key is paused; who waits for a result is answered 202', async (t) => {
  const s = await shop(t);
  s.u.broken = false;
  assert.equal((await s.cli('pause', 'book', '--key', 'seven')).code, 0);
  const held = await s.send('book', 'held', '?shop=seven');
  await s.send('book', 'free', '?shop=eight');
  await until(() => s.u.done.has('free'), 'the other key runs');
  assert.equal((await s.api('GET', `jobs/${held.body.job}`)).body.state, 'held');
  assert.equal((await s.cli('resume', 'book', '--key', 'seven')).code, 0);
  await until(() => s.u.done.has('held'), 'the key goes on');

  assert.deepEqual(await s.send('answer', 'x'), { status: 200, body: { good: true } });
  assert.equal((await s.api('POST', 'pipelines/answer/pause')).status, 200);
  const r = await s.send('answer', 'x');
  assert.equal(r.status, 202);
  assert.equal((await s.api('GET', `jobs/${r.body.job}`)).body.state, 'held');
  assert.equal((await s.api('POST', 'pipelines/answer/resume')).status, 200);
  await until(async () => (await s.api('GET', `jobs/${r.body.job}`)).body.state === 'completed', 'it is completed');
});

test('what cannot be paused is told', async (t) => {
  const s = await shop(t);
  const refused = async (path, status, detail) => {
    const r = await s.api('POST', path);
    assert.equal(r.status, status, path);
    assert.match(r.body.detail, detail);
  };
  await refused('pipelines/plain/pause', 409, /'plain' is not durable.*durable: true makes it so/);
  await refused('pipelines/none/pause', 404, /there is no pipeline 'none'/);
  await refused('pipelines/book/stop', 404, /pause resume/);
  await refused('pipelines/book/resume', 409, /'book' is not paused/);
  await refused('pipelines/book', 405, /GET/);
  const keyless = await s.api('POST', 'pipelines/pay/pause', { key: 'one' });
  assert.equal(keyless.status, 409);
  assert.match(keyless.body.detail, /no job of the pipeline 'pay' has a key.*no concurrency with a key/);
  await s.api('POST', 'pipelines/book/pause');
  await refused('pipelines/book/pause', 409, /'book' is paused already/);
  assert.equal((await s.cli('pause')).code, 2);
});

test('a breaker that opens pauses the batches that would ask its peer', async (t) => {
  const s = await shop(t, { more: (url) => ({ 'guarded.yaml': `
name: guarded
durable: true
respond: accepted
trigger: { webhook: { path: /guarded, methods: [POST] } }
steps:
  - id: guard
    breaker: { name: bank, volume: 3, error_threshold: 50%, reset_after: 1h }
    do:
      - id: put
        http: { method: PUT, url: "${url}/put", json: { id: "\${ request.body.id }" } }
` }) });
  await s.dead(12, 'guarded');
  await s.dead(3);
  assert.equal((await fetch(`${s.w.admin}/api/v1/breakers/bank/close`, { method: 'POST' })).status, 200);
  assert.equal((await fetch(`${s.w.admin}/api/v1/breakers/bank/auto`, { method: 'POST' })).status, 200);
  const other = (await s.api('POST', 'batches', { pipeline: 'book', concurrency: 1, rate: '1/1h', reason: 'x' })).body.id;
  const made = await s.api('POST', 'batches', { pipeline: 'guarded', concurrency: 1, reason: 'x' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { id } = made.body;
  const batch = await s.over(id, 'paused');
  assert.equal(batch.why, "the breaker 'bank' of the pipeline 'guarded' is open");
  assert.ok(batch.items.pending > 0 && batch.items.pending < 12, JSON.stringify(batch.items));
  assert.equal((await s.batch(other)).state, 'running');
  assert.match((await s.cli('batches')).out, /paused .*the breaker 'bank' of the pipeline 'guarded' is open|paused \(the breaker 'bank'/);
  assert.match((await s.cli('batches', 'show', id)).out, /paused: the breaker 'bank' of the pipeline 'guarded' is open/);
  const audit = (await s.api('GET', 'audit')).body.entries;
  assert.ok(audit.some((e) => e.who === 'weir' && e.what === 'batches.pause' && e.batch === id));
  s.u.broken = false;
  assert.equal((await fetch(`${s.w.admin}/api/v1/breakers/bank/close`, { method: 'POST' })).status, 200);
  assert.equal((await s.cli('batches', 'resume', id)).code, 0);
  const over = await s.over(id);
  assert.equal(over.items.completed + over.items.dead, 12);
  assert.ok(over.items.completed >= batch.items.pending);
});

test('the first failure of a kind is an event, and the next one like it is not', async (t) => {
  const s = await shop(t, { more: (url) => ({ 'told.yaml': `
name: told
keep_failed: false
trigger: { event: [incident, job.dead] }
steps:
  - http: { method: PUT, url: "${url}/told", json: { id: "\${ request.body.event }", what: "\${ request.body }" } }
` }) });
  const told = (event) => s.u.requests.filter((r) => r.url === '/told').map((r) => JSON.parse(r.body).what).filter((w) => w.event === event);
  await s.dead(3);
  await s.dead(1, 'pay');
  await until(() => told('job.dead').length === 4, 'all deaths are told');
  await until(() => told('incident').length === 2, 'two kinds are told');
  const [book, pay] = told('incident');
  assert.deepEqual([book.pipeline, book.node, book.count, pay.pipeline, pay.node], ['book', 'put', 1, 'pay', 'charge']);
  const { incidents } = (await s.api('GET', 'incidents')).body;
  assert.deepEqual(new Set(incidents.map((i) => i.fingerprint)), new Set([book.fingerprint, pay.fingerprint]));
  assert.ok(incidents.some((i) => i.pipeline === 'pay' && i.sample === pay.job));
});
