// What mask: hides of an event: checked when the pipeline is loaded, and a canary in marked places that must
// stand in nothing that weir answers, logs or prints.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binary, folder, start, until, weir } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

const card = '4111-2222"3333/4444', pin = 735_519_288, password = 'Passw+rd of&ada', token = 'mark-of-the-header',
  visitor = 'visitor-of-the-path', voucher = 'voucher of the query', cvc = '9z8'; // so short that it is looked for under its key alone
const texts = [card, String(pin), password, token, visitor, voucher];
/** The forms of TEXT that are looked for; of base64 what it alone decides. */
const forms = (text) => [text, JSON.stringify(text).slice(1, -1), JSON.stringify(JSON.stringify(text)).slice(3, -3), encodeURIComponent(text),
  new URLSearchParams({ k: text }).toString().slice(2), Buffer.from(text).toString('hex'), Buffer.from(text).toString('base64').slice(0, Math.floor(text.length * 8 / 6))];
const canaries = [...texts.flatMap(forms), cvc];

function hidden(where, text) {
  assert.ok(text.length > 0, `${where} is empty: nothing was looked at`);
  for (const form of canaries) assert.ok(!text.includes(form), `${where} shows ${form}: ${text.slice(Math.max(0, text.indexOf(form) - 200), text.indexOf(form) + 80)}`);
}

const marks = 'mask: [body.card, "body.users.*.password", headers.x-my-mark, params.visitor, query.voucher, body.pin]';
const pay = (url, mask = marks, more = '') => `
name: pay
durable: steps
respond: accepted
${mask}
trigger: { webhook: { path: "/pay/{visitor}", methods: [POST] } }
steps:
  - id: seen
    set:
      number: "\${ request.body.card.number }"
      pin: "\${ request.body.pin }"
      map: "\${ {request.headers['x-my-mark']: request.params.visitor} }"
      hex: "\${ hex.encode(request.body.users[0].password) }"
      coded: "\${ base64.encode('card ' + request.body.card.number) }"
      raw: "\${ request.raw }"
      query: "\${ request.query.voucher }"
      amount: "\${ request.body.amount }"
  - log: "pays with \${ request.body.card.number } and \${ request.body.pin } at \${ request.path }"
  - log: { message: fields, fields: { body: "\${ request.body }", raw: "\${ request.raw }", headers: "\${ request.headers }" } }
  - metrics: { counter: cards_total, labels: { card: { value: "\${ request.body.card.number }", values: [a], other: "\${ request.body.users[0].password }" } } }
${more}
  - id: charge
    http: { method: POST, url: "${url}/charge/\${ request.params.visitor }", headers: { X-Mark: "\${ request.headers['x-my-mark'] }" }, json: "\${ request.body }" }
  - id: check
    if: \${ request.body.amount > 5 }
    set: { n: "\${ int(request.body.card.number) }" }
catch:
  - log: { level: error, message: "\${ error.message } \${ json.encode(error.detail ?? {}) }" }
`;
const direct = `
name: direct
${marks}
trigger: { webhook: { path: "/direct/{visitor}", methods: [POST] } }
steps:
  - id: called
    call: { pipeline: inner, with: { copy: "\${ request.body.card.number }" } }
`;
const inner = `
name: inner
steps:
  - log: "inside \${ request.body.copy }"
  - set: { n: "\${ int(request.body.copy) }" }
`;

async function stage(t, pipelines) {
  const s = {};
  s.u = await upstream(t, (request, response, body) => {
    response.statusCode = s.broken ? 503 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ echo: body.toString(), path: request.url, mark: request.headers['x-mark'] }));
  });
  s.w = await start(t, pipelines(s.u.url), { args: ['--store', `sqlite:${folder(t)}/weir.db`], more: true });
  s.text = async (path, options) => (await fetch(`${s.w.admin}${path}`, options)).text();
  s.get = async (path) => JSON.parse(await s.text(`/api/v1/${path}`));
  s.body = (more = {}) => ({ amount: 9, card: { number: card, cvc }, pin, users: [{ name: 'ada', password }, { name: 'eve', password: null }], ...more });
  s.send = (path, body = s.body(), type = 'application/json') => fetch(`${s.w.edge}/${path}/${visitor}?voucher=${encodeURIComponent(voucher)}&free=yes`,
    { method: 'POST', headers: { 'content-type': type, 'x-my-mark': token }, body: typeof body === 'string' ? body : JSON.stringify(body) });
  s.cli = (...args) => new Promise((done) => {
    const child = spawn(binary, [...args, '--admin', s.w.admin.slice(7)], { env: { ...process.env, SUDO_USER: '', USER: 'ada' }, stdio: ['ignore', 'pipe', 'pipe'] });
    const r = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (d) => { r.out += d; });
    child.stderr.setEncoding('utf8').on('data', (d) => { r.err += d; });
    child.once('close', (code) => { assert.doesNotMatch(r.err, /Sanitizer|runtime error:/); done({ ...r, code }); });
  });
  s.over = async (pipeline, n = 1) => {
    let all;
    await until(async () => {
      all = (await s.get(`jobs?pipeline=${pipeline}`)).jobs;
      return all.length >= n && ['dead', 'completed'].includes(all[0].state);
    }, `job ${n} of ${pipeline} is over`);
    return all[0].id;
  };
  return s;
}

test('a marked value stands in nothing that weir answers, logs or prints', async (t) => {
  const s = await stage(t, (url) => ({ 'pay.yaml': pay(url), 'direct.yaml': direct, 'inner.yaml': inner }));
  const live = { text: '' };
  const tail = spawn(binary, ['tail', '--admin', s.w.admin.slice(7), '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => tail.kill('SIGTERM'));
  tail.stdout.setEncoding('utf8').on('data', (d) => { live.text += d; });
  // The watcher is there once it sees something.
  let n = 0;
  await until(async () => { n++; await s.send('pay', s.body({ amount: 1 })); return live.text.includes('run.ended'); }, 'the tail sees a run');
  s.broken = true;
  assert.equal((await s.send('pay')).status, 202);
  const dead = await s.over('pay', n + 1);
  s.broken = false;
  await s.send('pay');
  const failed = await s.over('pay', n + 2);
  const refused = await s.send('direct');
  assert.equal(refused.status, 500);
  hidden('the problem document', await refused.text());
  const kept = await s.over('direct');
  hidden('a body that is no JSON', await (await s.send('direct', `{"card":"${password}"`)).text());
  await s.send('direct', new URLSearchParams({ 'card': card, 'free': 'shown', 'pin': String(pin) }).toString(), 'application/x-www-form-urlencoded');
  await until(async () => (await s.get('jobs?pipeline=direct')).total === 2, 'the form is kept');
  const form = (await s.get('jobs?pipeline=direct')).jobs[0].id;

  for (const id of [dead, failed, kept, form]) {
    hidden(`job ${id}`, await s.text(`/api/v1/jobs/${id}`));
    const job = await s.get(`jobs/${id}`);
    for (const { id: step } of job.attempts[0].trace.steps) hidden(`step ${step}`, await s.text(`/api/v1/jobs/${id}/steps/${step}`));
    for (const args of [['jobs', 'show', id], ['jobs', 'show', id, '--json'], ['jobs', 'edit', id, '--set', '/amount=1', '--dry-run'], ['replay', 'plan', id], ['graph', '--job', id]]) {
      const r = await s.cli(...args);
      hidden(args.join(' '), r.out + r.err);
    }
  }
  for (const path of ['jobs', 'incidents', 'audit', 'pipelines']) hidden(path, await s.text(`/api/v1/${path}`));
  hidden('the metrics', await s.text('/metrics'));
  hidden('the export', (await s.cli('store', 'export')).out);
  for (const where of ['event.body.card.number == "x"', `event.raw.contains(${JSON.stringify(card)})`, `job.message.contains(${JSON.stringify(card)})`, `event.body.pin == ${pin}`])
    assert.equal((await s.get(`jobs?where=${encodeURIComponent(where)}`)).jobs.length, 0, where);
  assert.ok((await s.get(`jobs?where=${encodeURIComponent('event.body.amount == 9')}`)).jobs.length >= 2);
  await until(() => live.text.split('run.ended').length > n + 2, 'the tail has seen them');
  hidden('the live events', live.text);
  hidden('the log', s.w.lines.map((l) => JSON.stringify(l)).join('\n'));
  hidden('the errors', `${s.w.stderr ?? ''}.`);
  assert.ok(s.w.lines.some((l) => l.msg === 'pays with *** and *** at /pay/***'), 'it was logged at all');
  assert.ok(s.w.lines.some((l) => l.msg === 'request' && l.path === '/pay/{visitor}'));

  const job = await s.get(`jobs/${dead}`);
  assert.equal(job.event.raw, JSON.stringify(s.body({ card: '***', pin: '***', users: [{ name: 'ada', password: '***' }, { name: 'eve', password: null }] })));
  assert.deepEqual([job.event.path, job.event.query], ['/pay/{visitor}', 'voucher=***&free=yes']);
  assert.deepEqual(job.event.params, [['visitor', '***']]);
  assert.deepEqual(job.event.headers.find(([name]) => name === 'x-my-mark'), ['x-my-mark', '***']);
  const seen = job.steps.find((step) => step.path === 'seen');
  assert.deepEqual([seen.output.number, seen.output.pin, seen.output.map, seen.output.amount], ['***', '***', { '***': '***' }, 9]);
  assert.deepEqual(seen.config.number, '***');
  const charge = job.attempts[0].trace.steps.find((step) => step.id === 'charge');
  assert.deepEqual([charge.given, charge.config.url, charge.config.json.card, charge.config.json.amount], ['kept', `${s.u.url}/charge/***`, { number: '***', cvc: '***' }, 9]);
  assert.equal((await s.get(`jobs/${form}`)).event.raw, 'card=***&free=shown&pin=***');
});

test('the replay and the edit have it all; what is hidden is not overwritten by its mask', async (t) => {
  const s = await stage(t, (url) => ({ 'pay.yaml': pay(url) }));
  s.broken = true;
  await s.send('pay');
  const id = await s.over('pay');
  s.broken = false;
  const bad = await s.cli('jobs', 'edit', id, '--set', '/card/number="***"', '--reason', 'x', '--yes');
  assert.notEqual(bad.code, 0);
  const order = (body) => fetch(`${s.w.admin}/api/v1/jobs/${id}/edit`, { method: 'POST', body: JSON.stringify({ reason: 'x', who: 'ada', ack: ['charge'], ...body }) });
  const refused = await order({ set: { '/card': '***' } });
  assert.equal(refused.status, 400);
  assert.match((await refused.json()).detail, /'\/card' would become \*\*\*/);
  const dry = await (await order({ set: { '/card/number': 'a-new-number', '/amount': 1, '/note': `it was ${card}` }, dry_run: true })).json();
  assert.deepEqual(dry.changes.toSorted((a, b) => a.path < b.path ? -1 : 1), [{ path: '/amount', before: 9, after: 1 },
    { path: '/card/number', before: '***', after: '***' }, { path: '/note', after: `it was ${card}` }]);
  const r = await order({ set: { '/amount': 1, '/users/0/name': 'grace', '/pin': 22_334_455 } });
  assert.equal(r.status, 201, await r.clone().text());
  const { id: next } = await r.json();
  await until(async () => (await s.get(`jobs/${next}`)).state === 'completed', 'the edited job is completed');
  assert.deepEqual(JSON.parse(s.u.requests.at(-1).body), s.body({ amount: 1, pin: 22_334_455, users: [{ name: 'grace', password }, { name: 'eve', password: null }] }));
  const audit = await s.text('/api/v1/audit');
  hidden('the audit', audit);
  assert.doesNotMatch(audit, /22334455/);
  hidden('the edited job', await s.text(`/api/v1/jobs/${next}`));
  assert.doesNotMatch(await s.text(`/api/v1/jobs/${next}`), /22334455/);
});

test('marks of today and of the time when the event came both hold', async (t) => {
  const s = await stage(t, (url) => ({ 'pay.yaml': pay(url, 'mask: body.card') }));
  s.broken = true;
  await s.send('pay');
  const id = await s.over('pay');
  const look = async () => (await s.get(`jobs/${id}`)).event;
  const body = async () => JSON.parse((await look()).raw);
  assert.deepEqual([(await body()).card, (await body()).pin], ['***', pin]);
  const put = async (mask) => {
    writeFileSync(join(s.w.dir, 'pay.yaml'), pay(s.u.url, mask));
    assert.equal((await fetch(`${s.w.admin}/api/v1/reload`, { method: 'POST' })).status, 200);
  };
  await put('mask: [body.pin, headers.X-My-Mark]');
  assert.deepEqual([(await body()).card, (await body()).pin, (await look()).mask], ['***', '***', ['body.card']]);
  assert.equal((await look()).headers.find(([name]) => name === 'x-my-mark')[1], '***');
  await put('');
  assert.deepEqual([(await body()).card, (await body()).pin], ['***', pin]);
  await put('mask: [body.users.1, body]');
  assert.equal((await look()).raw, '***');
});

test('half a text is hidden, too, where a message was cut', async (t) => {
  const s = await stage(t, () => ({ 'long.yaml': `
name: long
mask: body.token
trigger: { webhook: { path: "/long/{visitor}", methods: [POST] } }
steps:
  - id: refuse
    lua: |
      error("it can not be " .. input.token)
catch:
  - log: { level: error, message: "\${ error.message }" }
` }));
  const token = 'a-canary-that-is-longer-than-a-message-'.repeat(40);
  const r = await s.send('long', { token });
  assert.equal(r.status, 500);
  const job = await s.text(`/api/v1/jobs/${await s.over('long')}`);
  await s.w.log((l) => l.msg === 'run failed');
  await s.w.log((l) => l.msg?.includes('it can not be'));
  for (const [where, text] of Object.entries({ reply: await r.text(), job, log: s.w.lines.map((l) => JSON.stringify(l)).join('\n') })) {
    assert.match(text, /it can not be \*\*\*/, where);
    assert.doesNotMatch(text, /a-canary/, where);
  }
});

test('a caller whose name is hidden is not named in the log', async (t) => {
  const key = 'k'.repeat(40), named = (name, mask) => ({ [`${name}.yaml`]: `
name: ${name}
${mask}
trigger: { webhook: { path: /${name}, auth: { api_key: { keys: [{ name: caller-canary, hash: "sha256:${createHash('sha256').update(key).digest('hex')}" }] } } } }
steps:
  - log: "called by \${ request.auth.name }"
  - reply: 204
` });
  const w = await start(t, { ...named('open', ''), ...named('closed', 'mask: auth.name') });
  for (const path of ['open', 'closed']) {
    const r = await fetch(`${w.edge}/${path}`, { method: 'POST', headers: { 'x-api-key': key } });
    assert.equal(r.status, 204, await r.text());
  }
  assert.equal((await w.log((l) => l.msg === 'request' && l.path === '/open')).auth, 'caller-canary');
  assert.equal((await w.log((l) => l.msg === 'request' && l.path === '/closed')).auth, undefined);
  await w.log((l) => l.msg === 'called by caller-canary');
  await w.log((l) => l.msg === 'called by ***');
});

test('a mark that is wrong is told with its place', (t) => {
  const check = (mask, more = '') => {
    const dir = folder(t, { 'a.yaml': `name: a\n${mask}\n${more}durable: true\nsteps:\n  - set: {}\n` });
    return weir(['check', dir, '--set', `store.url=sqlite:${dir}/weir.db`]);
  };
  const at = (r, place, text) => {
    assert.equal(r.code, 1, r.out + r.err);
    assert.ok((r.out + r.err).includes(`a.yaml:${place}: error[W0220]: ${text}`), r.out + r.err);
  };
  assert.equal(check('mask: [body, body.a.b-c, "body.*.x", \'body["a.b"][0]\', headers.X-A, query.q, params.p, auth.sub]').code, 0);
  at(check('mask: [request.body.card]'), '2:8', "'request.body.card': a mark begins behind 'request.'");
  at(check('mask: [cookies.a]'), '2:8', "'cookies.a': a mark begins with body, headers, query, params or auth");
  at(check('mask: [body.a..b]'), '2:15', "'body.a..b': a key has to stand here");
  at(check('mask: [headers.a.b]'), '2:8', "'headers.a.b': what stands here is a text");
  at(check('mask: "body.ca*rd"'), '2:15', "'body.ca*rd': a * stands alone between dots");
  const map = check('mask: { body: 1 }');
  assert.match(map.out + map.err, /'mask' must be a list of places in the event/);
  const key = check('mask: [body.card.number]', 'concurrency: { limit: 2, key: "${ request.body.card.number }" }\norder_by: ${ hex.encode(sha256(request.body.card.number)) }\n');
  assert.equal(key.code, 0, key.out + key.err);
  assert.match(key.out + key.err, /a\.yaml:3:\d+: warning\[W0811\]: 'concurrency' is shown with each job/);
  assert.doesNotMatch(key.out + key.err, /'order_by' is shown/);
});
