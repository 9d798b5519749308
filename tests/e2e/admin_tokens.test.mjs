// The tokens of the admin: one to act and one to look, what each may, and that none is guessed.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { folder, start, weir } from './lib/weir.mjs';
import { place, post } from './lib/jobs.mjs';
import { exchange, parse } from './lib/net.mjs';
import { bearer, hook, send, sha256 } from './lib/auth.mjs';

test('a token that may only look does not act, and the audit says which token acted', async (t) => {
  const go = place(t, { 'p.yaml': 'name: p\nrespond: accepted\ntrigger: { webhook: { path: /in, auth: none } }\nsteps:\n  - delay: 1h\n' });
  const w = await go({ env: { WEIR_ADMIN_TOKEN: 'operate-token', WEIR_ADMIN_READ_TOKEN: 'read-token' } });
  const ask = (method, path, token, body) => fetch(`${w.admin}${path}`, { method, headers: token ? bearer(token) : {}, body });
  const { job } = await (await post(w, '/in')).json();
  for (const path of ['/api/v1/info', '/api/v1/jobs', '/metrics', '/api/v1/audit', '/api/v1/store', '/api/v1/breakers']) {
    assert.equal((await ask('GET', path)).status, 401, path);
    assert.equal((await ask('GET', path, 'read-tokem')).status, 401, path);
    assert.equal((await ask('GET', path, 'read-token')).status, 200, path);
    assert.equal((await ask('GET', path, 'operate-token')).status, 200, path);
  }
  assert.equal((await ask('GET', '/livez')).status, 200);
  const reason = JSON.stringify({ reason: 'enough', who: 'ada' });
  for (const path of [`/api/v1/jobs/${job}/cancel`, '/api/v1/reload', '/api/v1/drain', '/api/v1/pipelines/p/pause', '/api/v1/store/compact', '/api/v1/breakers/x/open', '/api/v1/batches']) {
    const r = await ask('POST', path, 'read-token', reason);
    assert.equal(r.status, 403, path);
    assert.match((await r.json()).detail, /may only look.*admin\.token/);
    assert.equal((await ask('POST', path)).status, 401);
  }
  assert.equal((await ask('POST', `/api/v1/jobs/${job}/cancel`, 'operate-token', reason)).status, 202);
  const { entries } = await (await ask('GET', '/api/v1/audit', 'read-token')).json();
  assert.deepEqual([entries[0].what, entries[0].who, entries[0].why], ['jobs.cancel', 'ada (operate token)', 'enough']);
  // The commands use what they are given.
  const cli = (args, token) => weir([...args, '--admin', `127.0.0.1:${w.adminPort}`], { env: token });
  assert.equal(cli(['jobs'], { WEIR_ADMIN_READ_TOKEN: 'read-token' }).code, 0);
  const refused = cli(['pause', 'p', '--reason', 'x'], { WEIR_ADMIN_READ_TOKEN: 'read-token' });
  assert.notEqual(refused.code, 0);
  assert.match(refused.err, /may only look/);
  assert.equal(cli(['pause', 'p', '--reason', 'x'], { WEIR_ADMIN_TOKEN: 'operate-token' }).code, 0);
});

test('without a token the admin is not asked for by a name that a page could make lead here', async (t) => {
  const files = { 'p.yaml': 'name: p\ntrigger: { webhook: { path: /in, auth: none } }\nsteps:\n  - reply: 204\n' };
  const as = (w) => async (host, method = 'GET', path = '/api/v1/info', more = '') => parse(await exchange(w.adminPort,
    `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n${more}\r\n`));
  let w = await start(t, files);
  for (const host of ['evil.example', `evil.example:${w.adminPort}`, 'ai.', '127.0.0.1.evil.example', 'notlocalhost.evil', `${'a.'.repeat(100)}b`]) {
    const r = await as(w)(host);
    assert.equal(r.status, 403, host);
    assert.match(r.body, /admin\.token/);
    assert.equal((await as(w)(host, 'POST', '/api/v1/reload')).status, 403, host);
    assert.equal((await as(w)(host, 'GET', '/livez')).status, 200, host);
  }
  for (const host of ['127.0.0.1', `127.0.0.1:${w.adminPort}`, 'localhost', `localhost:${w.adminPort}`, 'weir.LOCALHOST:1', '[::1]:8081', 'weir'])
    assert.equal((await as(w)(host)).status, 200, host);
  assert.equal((await as(w)('localhost', 'POST', '/api/v1/reload')).status, 200);
  // Who shows the token is no such page.
  w = await start(t, files, { env: { WEIR_ADMIN_TOKEN: 'operate-token' } });
  assert.equal((await as(w)('weir.example', 'GET', '/api/v1/info', 'Authorization: Bearer operate-token\r\n')).status, 200);
});

test('a token to look with needs one to act with, and another one', async (t) => {
  const dir = folder(t, { 'p.yaml': 'name: p\ntrigger: { webhook: { path: /in, auth: none } }\nsteps:\n  - reply: 204\n' });
  const run = (...set) => weir(['run', dir, '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--set', 'store.url=none', ...set.flatMap((s) => ['--set', s])]);
  for (const [set, why] of [[['admin.read_token=a'], /without admin\.token/], [['admin.read_token=a', 'admin.token=a'], /the same as admin\.token/]]) {
    const r = run(...set);
    assert.notEqual(r.code, 0);
    assert.match(r.err + r.out, why);
  }
});

test('tokens of the admin can\'t be guessed either, and webhooks go on from there', async (t) => {
  const w = await start(t, hook({ api_key: { keys: [{ name: 'acme', hash: sha256('k') }] } }), { env: { WEIR_ADMIN_TOKEN: 'operate-token' } });
  const info = async (token) => { const r = await fetch(`${w.admin}/api/v1/info`, { headers: token ? bearer(token) : {} }); return [r.status, r.headers.has('retry-after')]; };
  for (let n = 0; n < 20; n++) assert.deepEqual(await info(`guess${n}`), [401, false]);
  assert.deepEqual(await info('operate-token'), [429, true]);
  assert.deepEqual(await info(), [429, true]);
  assert.equal((await fetch(`${w.admin}/livez`)).status, 200);
  assert.equal((await send(w, { 'x-api-key': 'k' })).status, 200);
});
