// What operators see and do: collections of plugins over the admin API and the command line, and
// things that pipelines share by name.
import test from 'node:test';
import assert from 'node:assert/strict';
import { folder, metric, start, weir, write } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

const guarded = (name, url, breaker) => `
name: ${name}
trigger: { webhook: { path: /${name} } }
steps:
  - id: guard
    breaker: ${breaker}
    do:
      - id: asked
        http: "${url}"
    fallback:
      - reply: { status: 503, json: { fallback: true } }
`;
const limited = (name, ratelimit) => `
name: ${name}
trigger: { webhook: { path: /${name} } }
steps:
  - id: limit
    ratelimit: ${ratelimit}
  - reply: 204
`;
const peer = (t) => upstream(t, (request, response) => response.end('fine'));
const status = async (w, path) => {
  const r = await fetch(`${w.edge}/${path}`, { method: 'POST' });
  await r.arrayBuffer();
  return r.status;
};
const api = async (w, method, path, { headers = {}, body } = {}) => {
  const r = await fetch(`${w.admin}/api/v1/${path}`, { method, headers, body });
  return { status: r.status, allow: r.headers.get('allow'), body: await r.json().catch(() => null) };
};

test('collections of plugins are served like the admin\'s own resources', async (t) => {
  const p = await peer(t);
  const w = await start(t, { 'a.yaml': guarded('a', p.url, 'payment') });
  const info = await api(w, 'GET', 'info');
  const breakers = info.body.collections.find((c) => c.name === 'breakers');
  assert.deepEqual(breakers.verbs, ['open', 'close', 'auto']);
  assert.equal(info.body.abi, '1.1');
  assert.equal((await api(w, 'GET', 'breakers')).body[0].name, 'payment');
  assert.equal((await api(w, 'GET', 'breakers/pay%6dent')).body.name, 'payment');
  const wrong = await api(w, 'POST', 'breakers/payment/explode');
  assert.equal(wrong.status, 404);
  assert.match(wrong.body.detail, /open close auto/);
  const looked = await api(w, 'GET', 'breakers/payment/open');
  assert.deepEqual([looked.status, looked.allow], [405, 'POST']);
  assert.equal((await api(w, 'POST', 'breakers/payment')).status, 405);
  assert.equal((await api(w, 'POST', 'breakers/payment/open', { body: '{' })).status, 400);
  assert.equal((await api(w, 'POST', 'breakers/payment/open', { headers: { origin: 'http://elsewhere' } })).status, 403);
  assert.equal((await api(w, 'GET', 'nothing')).status, 404);
  assert.equal((await api(w, 'GET', 'breakers')).body[0].forced, null);
});

test('collections ask for the token', async (t) => {
  const p = await peer(t);
  const w = await start(t, { 'a.yaml': guarded('a', p.url, 'payment') }, { args: ['--set', 'admin.token=t0ken'] });
  assert.equal((await api(w, 'GET', 'breakers')).status, 401);
  assert.equal((await api(w, 'POST', 'breakers/payment/open')).status, 401);
  assert.equal((await api(w, 'GET', 'breakers', { headers: { authorization: 'Bearer t0ken' } })).status, 200);
  const admin = ['--admin', w.admin.slice(7)];
  assert.equal(weir(['breakers', ...admin]).code, 1);
  assert.equal(weir(['breakers', '--set', 'admin.token=t0ken', ...admin]).code, 0);
});

test('weir breakers shows them and holds one', async (t) => {
  const p = await peer(t);
  const w = await start(t, { 'a.yaml': guarded('a', p.url, 'payment') });
  const breakers = (...args) => weir(['breakers', ...args, '--admin', w.admin.slice(7)]);
  const list = breakers();
  assert.deepEqual([list.code, list.err], [0, '']);
  assert.match(list.out, /^NAME +STATE .*\npayment +closed +0 +0 +0% .* a\/guard\n$/);
  assert.deepEqual(JSON.parse(breakers('--json').out).map((b) => b.name), ['payment']);
  const open = breakers('open', 'payment');
  assert.deepEqual([open.code, open.out], [0, 'payment: open, held until weir breakers auto\n']);
  assert.equal(await status(w, 'a'), 503);
  assert.match(breakers().out, /open \(held\)/);
  assert.match(breakers('payment').out, /^forced +open$/m);
  assert.equal(breakers('auto', 'payment').code, 0);
  assert.equal(await status(w, 'a'), 200);
  assert.match(weir(['breakers', '--admin', w.admin.slice(7)], { env: { FORCE_COLOR: '1' } }).out, /\x1b\[32mclosed\x1b\[0m/);
  const unknown = breakers('nope');
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /^weir breakers: .*payment/);
  assert.equal(breakers('open').code, 2);
  assert.equal(breakers('explode', 'payment').code, 2);
  assert.equal(weir(['breakers', '--admin', '127.0.0.1:1']).code, 3);
  assert.match(weir(['breakers', '--help']).out, /weir breakers open payment/);
});

test('weir limits shows what a key has used, resets it, and prints no key', async (t) => {
  const w = await start(t, { 'a.yaml': limited('a', '{ key: "${ request.headers.x }", limit: 2/1h }') });
  const limits = (args, input) => weir(['limits', ...args, '--admin', w.admin.slice(7)], { input });
  const send = async () => (await fetch(`${w.edge}/a`, { method: 'POST', headers: { x: 's3cret/key' } })).status;
  assert.deepEqual([await send(), await send(), await send()], [204, 204, 429]);
  const list = limits([]);
  assert.deepEqual([list.code, list.err], [0, '']);
  assert.match(list.out, /^NAME +STORE .*\na\/limit +memory +sliding-log +1 +.*2\/3600s +a\/limit\n$/);
  assert.equal(JSON.parse(limits(['a/limit', '--json']).out).name, 'a/limit');
  const used = limits(['a/limit', '--key', '-'], 's3cret/key\n');
  assert.deepEqual([used.code, used.err], [0, '']);
  assert.match(used.out, /^LIMIT +RATE +USED +LEFT +RESET *\n\S+ +2\/3600s +2 +0 +20\S+Z\n$/);
  const reset = limits(['reset', 'a/limit', '--key', '-'], 's3cret/key');
  assert.deepEqual([reset.code, reset.out], [0, 'a/limit: the key begins anew\n']);
  assert.equal(await send(), 204);
  assert.match(limits(['reset', 'a/limit', '--key', 'other']).out, /nothing was counted/);
  for (const r of [list, used, reset]) assert.ok(!(r.out + r.err).includes('s3cret'));
  assert.ok(!JSON.stringify(w.lines).includes('s3cret'));
  assert.equal(limits(['nope']).code, 1);
  assert.equal(limits(['a/limit', '--key', 'k', '--limit', 'nope']).code, 1);
  for (const args of [['reset', 'a/limit'], ['--key', 'k'], ['a/limit', '--limit', 'x'], ['a', 'b'], ['a/limit', '--key', '']]) assert.equal(limits(args).code, 2, args.join(' '));
  assert.equal(limits(['a/limit', '--key', '-'], '').code, 2);
});

test('a breaker that two files use is described once, in weir.yaml', async (t) => {
  const p = await peer(t);
  const files = {
    'weir.yaml': 'resources:\n  breakers:\n    payment: { timeout: 5s, error_threshold: 20%, volume: 9 }\n',
    'p/a.yaml': guarded('a', p.url, 'payment'),
    'p/b.yaml': guarded('b', p.url, '{ name: payment }'),
  };
  const dir = folder(t, files);
  const check = (env) => weir(['check', 'p'], { cwd: dir, env });
  assert.deepEqual([check().code, check().err], [0, '']);
  write(dir, { 'p/b.yaml': guarded('b', p.url, '{ name: payment, volume: 3 }') });
  const set = check();
  assert.equal(set.code, 1);
  assert.match(set.err, /b\.yaml:6:31: error\[W0504\]: 'volume' of the breaker 'payment' is set in weir\.yaml \(resources\.breakers\.payment\)/);
  write(dir, { 'weir.yaml': '', 'p/a.yaml': guarded('a', p.url, '{ name: payment, volume: 4 }') });
  const twice = check();
  assert.equal(twice.code, 1);
  assert.match(twice.err, /b\.yaml:6:31: error\[W0504\]: 'volume' of the breaker 'payment' is not as in p\/a\.yaml:6/);
  write(dir, { 'weir.yaml': 'resources:\n  breakers:\n    payment: { volum: 4 }\n' });
  const bad = check();
  assert.equal(bad.code, 1);
  assert.match(bad.err, /weir\.yaml:3:16: error\[W0204\]: unknown key 'volum' in 'resources\.breakers\.payment'[\s\S]*did you mean 'volume'/);
  write(dir, { 'weir.yaml': 'resources:\n  breaker: {}\n' });
  assert.match(check().err, /weir\.yaml:2:3: error\[W0503\]: unknown kind of resource 'breaker'[\s\S]*did you mean 'breakers'/);
});

test('a reload takes resources anew, and refuses bad ones', async (t) => {
  const p = await peer(t);
  const dir = folder(t, {
    'weir.yaml': 'resources: { breakers: { payment: { volume: 9 } } }\n',
    'p/a.yaml': guarded('a', p.url, 'payment'),
  });
  const w = await start(t, `${dir}/p`, { cwd: dir });
  const volume = async () => (await api(w, 'GET', 'breakers/payment')).body.volume;
  assert.equal(await volume(), 9);
  write(dir, { 'weir.yaml': 'resources: { breakers: { payment: { volume: 8 } } }\n' });
  assert.equal((await api(w, 'POST', 'reload')).status, 200);
  assert.equal(await volume(), 8);
  write(dir, { 'weir.yaml': 'resources: { breakers: { payment: { volum: 7 } } }\n' });
  const bad = await api(w, 'POST', 'reload');
  assert.equal(bad.status, 422);
  assert.match(bad.body.text, /weir\.yaml:1:37: error\[W0204\]/);
  assert.equal(await volume(), 8);
});

test('an http client is described once, and its secrets stay secret', async (t) => {
  const p = await peer(t);
  const dir = folder(t, {
    'weir.yaml': `resources:
  clients:
    crm:
      base_url: "${p.url}/v1"
      headers: { Authorization: "Bearer \${ secrets.CRM }", X-From: weir }
      timeouts: { whole: 5s }
`,
    'p/a.yaml': `
trigger: { webhook: { path: /a } }
steps:
  - http: { client: crm, path: "/users/\${ request.query.u }", headers: { X-From: a, X-More: m } }
`,
  });
  const w = await start(t, `${dir}/p`, { cwd: dir, env: { WEIR_SECRET_CRM: 'hush-hush-hush' } });
  assert.equal(await status(w, 'a?u=1%2F2'), 200);
  assert.equal(p.requests.length, 1);
  const { url, headers } = p.requests[0];
  assert.equal(url, '/v1/users/1%2F2');
  assert.deepEqual([headers.authorization, headers['x-from'], headers['x-more']], ['Bearer hush-hush-hush', 'a', 'm']);
  assert.ok(!JSON.stringify((await api(w, 'GET', 'pipelines/a')).body).includes('hush'));
  write(dir, { 'p/a.yaml': 'trigger: { webhook: /a }\nsteps:\n  - http: { client: crn, path: /x }\n' });
  assert.match(weir(['check', 'p'], { cwd: dir }).err, /a\.yaml:3:21: error\[W0510\]: there is no client 'crn'[\s\S]*did you mean 'crm'/);
  write(dir, { 'p/a.yaml': 'trigger: { webhook: /a }\nsteps:\n  - http: { client: crm, path: /x, base_url: "http://other" }\n' });
  assert.match(weir(['check', 'p'], { cwd: dir }).err, /error\[W0504\]: 'base_url' of the client 'crm' is set in weir\.yaml/);
});

test('what a webhook refuses is counted by pipeline and reason', async (t) => {
  const w = await start(t, { 'a.yaml': `
trigger: { webhook: { path: /a, methods: [POST], content_types: [application/json], cors: { origins: ["https://app.example"] } } }
steps: [ { reply: 204 } ]
` });
  const send = (init) => fetch(`${w.edge}/a`, init).then((r) => r.status);
  const rejected = async (reason) => await metric(w, 'weir_webhook_rejected_total', { pipeline: 'a', reason }) ?? 0;
  assert.equal(await send({ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }), 204);
  assert.equal(await send({ method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' }), 415);
  assert.equal(await send({ method: 'POST', headers: { 'content-type': 'text/html' }, body: 'x' }), 415);
  assert.equal(await send({ method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } }), 403);
  assert.deepEqual([await rejected('invalid'), await rejected('forbidden')], [2, 1]);
});
