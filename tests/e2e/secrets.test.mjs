// A secret goes where its pipeline sends it, and is shown nowhere else.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { binary, folder, start, until, weir } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

const secret = 'tops3cret-Zq81-value';
const env = { WEIR_SECRET_CRM_TOKEN: secret };
const hidden = (where, text) => {
  assert.ok(text.length > 0, `${where} is empty`);
  for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=*$/, '')])
    assert.ok(!text.includes(form), `${where} shows the secret: ...${text.slice(Math.max(0, text.indexOf(form) - 200), text.indexOf(form) + 80)}`);
};

const pipeline = (url) => `name: crm
trigger:
  webhook: { path: /crm, methods: [GET, POST], response_headers: { x-a: b } }
steps:
  - id: ask
    http:
      method: POST
      url: ${url}/users
      headers: { Authorization: "Bearer \${ secrets.CRM_TOKEN }" }
      query: { key: "\${ secrets.CRM_TOKEN }" }
      json: { token: "\${ secrets.CRM_TOKEN }", signed: "\${ hex.encode(hmac('sha256', secrets.CRM_TOKEN, 'x')) }" }
      fail_on: [418]
  - log: "asked for \${ request.path }"
  - reply: { json: "\${ steps.ask.body }" }
`;

test('a secret reaches the upstream, and no log, metric, answer, event or API', async (t) => {
  // The upstream answers a 418 that echoes all that it was sent: the worst that an error can quote.
  let status = 200;
  const up = await upstream(t, (q, r, body) => {
    r.writeHead(status, { 'content-type': 'application/json', 'x-echo': q.headers.authorization });
    r.end(status === 200 ? '{"ok":true}' : JSON.stringify({ echo: body.toString(), auth: q.headers.authorization }));
  });
  const w = await start(t, { 'crm.yaml': pipeline(up.url) }, { env, args: ['--set', 'log.level=debug'] });
  const tail = spawn(binary, ['tail', '--json', '--admin', w.admin.slice(7)]);
  t.after(() => tail.kill('SIGKILL'));
  let seen = '';
  tail.stdout.setEncoding('utf8').on('data', (d) => { seen += d; });
  await until(async () => { await fetch(`${w.edge}/crm`); return seen.includes('run.ended'); }, 'an event of weir tail');

  assert.equal(up.requests[0].headers.authorization, `Bearer ${secret}`);
  assert.equal(JSON.parse(up.requests[0].body).token, secret);
  assert.equal(new URL(up.requests[0].url, up.url).searchParams.get('key'), secret);

  status = 418;
  const failed = await fetch(`${w.edge}/crm`);
  assert.equal(failed.status, 502);
  hidden('the error answer', JSON.stringify([...failed.headers]) + await failed.text());
  up.server.closeAllConnections();
  await new Promise((done) => up.server.close(done));
  const gone = await fetch(`${w.edge}/crm`);
  assert.equal(gone.status, 502);
  hidden('the answer when nobody listens', await gone.text());

  await until(() => seen.split('"run.ended"').length > 3, 'the events of the failed runs');
  hidden('weir tail', seen);
  hidden('/metrics', await (await fetch(`${w.admin}/metrics`)).text());
  for (const path of ['info', 'pipelines', 'pipelines/crm', 'nodes', 'nodes/http']) hidden(path, await (await fetch(`${w.admin}/api/v1/${path}`)).text());
  await w.stop();
  hidden('the log', JSON.stringify(w.lines) + w.stderr);
  assert.ok(w.lines.some((l) => JSON.stringify(l).includes('upstream')), 'the failure was logged');
});

test('a secret that an upstream echoes is masked in the labels of metrics', async (t) => {
  const up = await upstream(t, (q, r) => { r.setHeader('content-type', 'application/json'); r.end(JSON.stringify({ got: q.headers.authorization, far: 'x'.repeat(118) + q.headers.authorization })); });
  const w = await start(t, { 'm.yaml': `name: m
trigger: { webhook: { path: /m, methods: [GET] } }
steps:
  - id: r
    http: { url: "${up.url}/", headers: { Authorization: "Bearer \${ secrets.CRM }" } }
  - metrics: { counter: said_total, labels: { got: "\${ steps.r.body.got }", far: "\${ steps.r.body.far }" } }
  - reply: 204
` }, { env: { WEIR_SECRET_CRM: secret } });
  for (let i = 0; i < 3; i++) assert.equal((await fetch(`${w.edge}/m`)).status, 204);
  const text = await (await fetch(`${w.admin}/metrics`)).text();
  hidden('/metrics', text);
  assert.ok(!text.includes(secret.slice(0, 4)), 'nor its beginning, where a label is cut');
  assert.match(text, /^said_total\{.*got="Bearer \*\*\*".*\} 3$/m);
});

test('weir try masks secrets in what it prints', async (t) => {
  const up = await upstream(t, (q, r) => r.end(JSON.stringify(q.headers))); // it echoes the secret
  const dir = folder(t, { 'crm.yaml': pipeline(up.url) });
  const child = (args) => new Promise((done) => {
    const c = spawn(binary, ['try', 'crm.yaml', '--event', '-', ...args], { cwd: dir, env: { ...process.env, ...env } });
    let out = '';
    for (const s of [c.stdout, c.stderr]) s.setEncoding('utf8').on('data', (d) => { out += d; });
    c.once('close', (code) => done({ code, out }));
    c.stdin.end('{"path":"/crm"}');
  });
  for (const args of [[], ['--json']]) {
    const { code, out } = await child(args);
    assert.equal(code, 0, out);
    hidden(`weir try ${args}`, out);
  }
  assert.equal(up.requests[0].headers.authorization, `Bearer ${secret}`);
});

test('a secret may not flow where it would be shown', (t) => {
  for (const node of ['log: "${ secrets.CRM_TOKEN }"', 'reply: { json: { a: "${ secrets.CRM_TOKEN }" } }', 'set: "${ secrets.CRM_TOKEN }"']) {
    const r = weir(['check', folder(t, { 'a.yaml': `steps:\n  - ${node}\n` })], { env });
    assert.equal(r.code, 1, node);
    assert.match(r.err, /secret/, node);
    hidden('weir check', r.out + r.err);
  }
});

test('the token of the admin API is asked for, and not shown', async (t) => {
  const w = await start(t, { 'a.yaml': 'name: a\nsteps:\n  - set: 1\n' }, { env: { WEIR_ADMIN_TOKEN: secret } });
  assert.equal((await fetch(`${w.admin}/api/v1/info`)).status, 401);
  const wrong = await fetch(`${w.admin}/api/v1/info`, { headers: { authorization: 'Bearer x' } });
  assert.equal(wrong.status, 401);
  hidden('the refusal', await wrong.text());
  const right = await fetch(`${w.admin}/api/v1/info`, { headers: { authorization: `Bearer ${secret}` } });
  assert.equal(right.status, 200);
  hidden('info', await right.text());
  assert.equal((await fetch(`${w.admin}/livez`)).status, 200);
  const admin = ['--admin', w.admin.slice(7)];
  assert.equal(weir(['reload', ...admin]).code, 1);
  assert.equal(weir(['reload', ...admin], { env: { WEIR_ADMIN_TOKEN: secret } }).code, 0);
  await w.stop();
  hidden('the log', JSON.stringify(w.lines) + w.stderr);
});

test('an unset secret is said by check, by its name', (t) => {
  const r = weir(['check', folder(t, { 'a.yaml': pipeline('http://127.0.0.1:1') })]);
  assert.match(r.err, /CRM_TOKEN/);
});
