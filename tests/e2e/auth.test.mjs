// Who may enter: auth: of a webhook, shared things of weir.yaml, security headers, and who guesses.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import http2 from 'node:http2';
import { join } from 'node:path';
import * as jose from 'jose';
import { folder, metric, slow, start, until, weir } from './lib/weir.mjs';
import { over, place } from './lib/jobs.mjs';
import { connect, exchange, parse } from './lib/net.mjs';
import { ask, certificate, certificates, startTls } from './lib/tls.mjs';
import { answer, bearer, hook, send, sha256 } from './lib/auth.mjs';

test('a key stands in a resource that several pipelines share, and a reload takes another one over', async (t) => {
  const made = JSON.parse(weir(['keys', 'new', 'acme', '--json']).out);
  assert.match(made.key, /^wk_[\w-]{43}$/);
  assert.equal(made.hash, sha256(made.key));
  const settings = (...keys) => `resources:\n  keys:\n    partners: ${JSON.stringify(keys)}\n  networks:\n    here: [127.0.0.0/8]\n`;
  const pipeline = (n) => `name: p${n}\ntrigger: { webhook: { path: /p${n}, auth: { ip: here, api_key: { keys: partners } } } }\n${answer}`;
  const w = await start(t, { 'pipelines/a.yaml': pipeline(1), 'pipelines/b.yaml': pipeline(2), 'weir.yaml': settings({ name: 'acme', hash: made.hash }) });
  for (const path of ['/p1', '/p2']) {
    const r = await send(w, { 'X-Api-Key': made.key }, path);
    assert.equal(r.status, 200);
    const { auth, headers } = await r.json();
    assert.deepEqual(auth, { scheme: 'api_key', name: 'acme', scopes: [], claims: {} });
    assert.equal(headers['x-api-key'], undefined);
  }
  const line = await w.log((l) => l.msg === 'request' && l.auth === 'acme');
  assert.equal(line.status, 200);
  assert.ok(!w.lines.some((l) => JSON.stringify(l).includes(made.key)));
});

test('who sent it is known again after a crash, and the credential is nowhere in the store', async (t) => {
  const auth = { api_key: { keys: [{ name: 'acme', hash: sha256('canary-key') }] } };
  const go = place(t, { 'p.yaml': `name: p\nrespond: accepted\ntrigger: { webhook: { path: /in, auth: ${JSON.stringify(auth)} } }\nsteps:\n  - delay: 2s\n  - id: who\n    set: "\${ request.auth.name }"\n` });
  let w = await go();
  const r = await fetch(`${w.edge}/in`, { method: 'POST', headers: { 'X-Api-Key': 'canary-key' }, body: '{}' });
  assert.equal(r.status, 202);
  const { job } = await r.json();
  w.killed = true;
  await w.kill();
  w = await go();
  await over(w, job, 'completed');
  const shown = await (await fetch(`${w.admin}/api/v1/jobs/${job}`)).json();
  assert.ok(JSON.stringify(shown).includes('"acme"'));
  assert.ok(!JSON.stringify(shown).includes('canary-key'));
  await w.stop();
  const { readFileSync, readdirSync } = await import('node:fs');
  for (const file of readdirSync(join(go.dir, 'var'))) assert.ok(!readFileSync(join(go.dir, 'var', file)).includes('canary-key'), file);
});

test('who may not enter is told so by the head, before a body is read or asked for', async (t) => {
  const one = (path, auth) => `name: ${path}\ntrigger:\n  webhook:\n    path: /${path}\n    content_types: [application/json]\n    cors: { origins: ["https://app.example"] }\n    response_headers: { X-Here: "yes" }\n    auth: ${JSON.stringify(auth)}\n${answer}`;
  const w = await start(t, {
    'key.yaml': one('key', { api_key: { keys: [{ name: 'ada', hash: sha256('opensesame') }] } }),
    'ip.yaml': one('ip', { ip: { allow: ['192.0.2.0/24'] } }),
    'basic.yaml': one('basic', { basic: { users: [{ name: 'ada', password: 'opensesame' }] } }),
  }, { args: ['--set', 'edge.h2c=true'] });
  const head = (path, fields = []) => ['POST /' + path + ' HTTP/1.1', 'Host: a', 'Origin: https://app.example', 'Content-Length: 1000000', ...fields, '', ''].join('\r\n');
  const basic = 'Authorization: Basic ' + Buffer.from('ada:closed').toString('base64');
  for (const [path, fields, status] of [['key', [], 401], ['key', ['X-API-Key: no'], 401], ['ip', [], 403], ['basic', [], 401], ['basic', [basic], 401],
    ['key', ['X-API-Key: opensesame', 'Content-Type: text/plain'], 415]])
    for (const expect of [[], ['Expect: 100-continue']]) {
      const r = parse(await exchange(w.edgePort, head(path, [...fields, ...expect])));
      assert.deepEqual([r.status, r.headers['x-here'], r.headers['access-control-allow-origin']], [status, 'yes', 'https://app.example'], `${path} ${fields}`);
    }
  const s = http2.connect(w.edge);
  t.after(() => s.destroy());
  const stream = s.request({ ':method': 'POST', ':path': '/key', 'content-length': '1000000' });
  stream.write('a');
  const [fields] = await once(stream, 'response');
  assert.equal(fields[':status'], 401);
  stream.resume();
  await once(stream, 'close');
  // Little is skipped, so that the connection may go on.
  const c = connect(w.edgePort);
  t.after(() => c.end());
  await c.write('POST /key HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
  await c.until(/ 401 [^]*\}$/);
  await c.write('helloPOST /key HTTP/1.1\r\nHost: a\r\nX-API-Key: opensesame\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n');
  await c.until(/ 100 Continue\r\n\r\n$/);
  await c.write('{}');
  await c.until(/ 200 OK[^]*"name":"ada"/);
});

test('who was let in by the head is asked again if the keys have changed while the body came', async (t) => {
  const file = (key) => `name: p\ntrigger:\n  webhook: { path: /in, auth: { api_key: { keys: [{ name: ada, hash: "${sha256(key)}" }] } } }\n${answer}`;
  const w = await start(t, { 'p.yaml': file('opensesame') });
  for (const [key, status] of [['opensesame', 200], ['another', 401]]) {
    const c = connect(w.edgePort);
    t.after(() => c.end());
    await c.write('POST /in HTTP/1.1\r\nHost: a\r\nX-API-Key: opensesame\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n');
    await c.until(/ 100 Continue/);
    writeFileSync(join(w.dir, 'p.yaml'), file(key));
    assert.equal((await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' })).status, 200);
    await c.write('{}');
    await c.until(new RegExp(` ${status} `));
  }
});

test('passwords under scrypt are checked by workers while the loop turns', async (t) => {
  const made = weir(['keys', 'hash'], { input: 'correct horse\n' });
  assert.match(made.out, /^\$scrypt\$ln=15,r=8,p=1\$[^$]+\$[^$]+\n$/);
  const w = await start(t, { ...hook({ basic: { realm: 'Orders', users: [{ name: 'ada', hash: made.out.trim() }] } }), 'q.yaml': 'name: q\ntrigger: { webhook: { path: /q, auth: none } }\nsteps:\n  - reply: 204\n' },
    { env: { WEIR_AUTH_MAX_FAILURES: '0' } });
  const basic = (pair) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
  const wrong = Array.from({ length: 8 }, (_, n) => send(w, basic(`ada:wrong${n}`)));
  assert.equal((await send(w, {}, '/q')).status, 204);
  for (const r of await Promise.all(wrong)) assert.equal(r.status, 401);
  const many = await Promise.all(Array.from({ length: 64 }, (_, n) => send(w, basic(`eve${n}:x`))));
  assert.ok(many.every((r) => r.status === 401 || (r.status === 503 && r.headers.get('retry-after') === '2')));
  await until(async () => (await send(w, basic('ada:correct horse'))).status === 200, 'the right one enters');
  const r = await send(w);
  assert.equal(r.headers.get('www-authenticate'), 'Basic realm="Orders", charset="UTF-8"');
});

test('in a list with one password under scrypt a wrong one takes as long under every name', { skip: slow && 'times say nothing here' }, async (t) => {
  const hash = weir(['keys', 'hash'], { input: 'correct horse\n' }).out.trim();
  const users = [{ name: 'ada', hash }, { name: 'bob', password: 'battery' }];
  const w = await start(t, hook({ basic: { users } }), { env: { WEIR_AUTH_MAX_FAILURES: '0' } });
  const basic = (pair) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
  const least = async (name) => {
    let ms = Infinity;
    for (let n = 0; n < 3; n++) {
      const began = performance.now();
      assert.equal((await send(w, basic(`${name}:wrong${n}`))).status, 401);
      ms = Math.min(ms, performance.now() - began);
    }
    return ms;
  };
  assert.equal((await send(w, basic('bob:battery'))).status, 200);
  const [ada, bob, eve] = [await least('ada'), await least('bob'), await least('eve')];
  assert.ok(bob > ada / 2 && eve > ada / 2, `${ada}, ${bob}, ${eve} ms`);
});

test('the strict headers stand on every answer of a route, also on what the edge refuses', async (t) => {
  const strict = {
    'strict-transport-security': 'max-age=63072000; includeSubDomains; preload',
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
  };
  const auth = { api_key: { keys: [{ name: 'acme', hash: sha256('k') }] } };
  const w = await start(t, {
    'pipelines/p.yaml': `name: p\ntrigger:\n  - webhook: { path: /strict, max_body: 10, content_types: [application/json], security_headers: strict, cors: partners, auth: ${JSON.stringify(auth)} }\n`
      + `  - webhook: { path: /own, security_headers: own, auth: none }\n  - webhook: { path: /none, security_headers: none, auth: none }\n  - webhook: { path: /usual, auth: none }\n${answer}`,
    'weir.yaml': 'edge: { security_headers: strict, body_timeout: 1s }\nresources:\n  headers: { own: { X-Frame-Options: SAMEORIGIN } }\n  cors: { partners: { origins: ["https://app.example"] } }\n',
  });
  const all = (r) => Object.fromEntries(Object.keys(strict).map((k) => [k, r.headers.get(k)]));
  const json = { 'content-type': 'application/json' };
  const cases = [
    [200, { method: 'POST', headers: { 'x-api-key': 'k', ...json }, body: '{}' }],
    [401, { method: 'POST', headers: json, body: '{}' }],
    [405, { method: 'DELETE' }],
    [413, { method: 'POST', headers: json, body: '"0123456789"' }],
    [415, { method: 'POST', headers: { 'x-api-key': 'k', 'content-type': 'text/plain' }, body: 'a' }],
    [204, { method: 'OPTIONS', headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' } }],
  ];
  for (const [status, request] of cases) {
    const r = await fetch(`${w.edge}/strict`, request);
    assert.equal(r.status, status);
    assert.deepEqual(all(r), strict, `${status}`);
  }
  const late = parse(await exchange(w.edgePort, 'POST /strict HTTP/1.1\r\nHost: a\r\nX-API-Key: k\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{'));
  assert.equal(late.status, 408);
  for (const [name, value] of Object.entries(strict)) assert.equal(late.headers[name], value);
  const of = async (path) => all(await send(w, {}, path));
  assert.deepEqual(await of('/usual'), strict);
  assert.deepEqual(Object.values(await of('/none')), Array(6).fill(null));
  assert.deepEqual(await of('/own'), { ...Object.fromEntries(Object.keys(strict).map((k) => [k, null])), 'x-frame-options': 'SAMEORIGIN' });
});

test('a name that nothing in weir.yaml has is found by check, with the nearest one', async (t) => {
  const dir = folder(t, {
    'p.yaml': 'name: p\ntrigger:\n  webhook:\n    path: /a\n    cors: partnr\n    auth: { api_key: { keys: nobody } }\nsteps:\n  - reply: 204\n',
    'weir.yaml': 'resources:\n  cors: { partner: { origins: ["*"] } }\n  keys: { partners: [{ name: a }] }\n',
  });
  const r = weir(['check', 'p.yaml'], { cwd: dir });
  assert.equal(r.code, 1, r.err); // weir.yaml itself is wrong: a key without a hash
  assert.match(r.err, /weir\.yaml:3:.*hash/);
  const { write } = await import('./lib/weir.mjs');
  write(dir, { 'weir.yaml': 'resources:\n  cors: { partner: { origins: ["*"] } }\n' });
  const again = weir(['check', 'p.yaml'], { cwd: dir });
  assert.equal(again.code, 1);
  assert.match(again.err, /p\.yaml:5:11: error\[W0510\]: nothing under resources\.cors has the name 'partnr'\n.*\n.*did you mean 'partner'/);
  assert.match(again.err, /p\.yaml:6:30: error\[W0510\].*'nobody'\n.*\n.*describe it in weir\.yaml: resources\.keys\.nobody/);
});

test('senders hold the idempotency keys that they make up apart by their names', async (t) => {
  const keys = ['acme', 'beta'].map((name) => ({ name, hash: sha256(`key-of-${name}`) }));
  const pipe = (name, key) => `name: ${name}\nidempotency: '${key}'\ntrigger: { webhook: { path: /${name}, auth: ${JSON.stringify({ api_key: { keys } })} } }\nsteps:\n  - reply: { text: "\${ request.auth.name }" }\n`;
  const w = await start(t, {
    'a.yaml': pipe('shared', '${ request.headers["idempotency-key"] ?? "" }'),
    'b.yaml': pipe('apart', '${ "idempotency-key" in request.headers ? request.auth.name + " " + request.headers["idempotency-key"] : "" }'),
  });
  const as = async (who, path, key) => {
    const r = await send(w, { 'x-api-key': `key-of-${who}`, ...(key ? { 'idempotency-key': key } : {}) }, path);
    return [r.status, await r.text(), r.headers.get('idempotency-replayed')];
  };
  assert.deepEqual(await as('acme', '/shared', '1'), [200, 'acme', null]);
  assert.deepEqual(await as('beta', '/shared', '1'), [200, 'acme', 'true'], 'the key says what is the same, whoever sends it');
  assert.deepEqual(await as('acme', '/apart', '1'), [200, 'acme', null]);
  assert.deepEqual(await as('beta', '/apart', '1'), [200, 'beta', null]);
  assert.deepEqual(await as('beta', '/apart', '1'), [200, 'beta', 'true']);
  for (let i = 0; i < 2; i++) assert.deepEqual(await as('acme', '/apart'), [200, 'acme', null], 'without a key it is like any other');
});

test('callers enter by the names of their certificate, and HSTS stands once', async (t) => {
  const c = certificates(t);
  const acme = certificate(c.dir, 'acme', { ca: 'ca', subject: '/O=Acme/CN=acme', names: 'DNS:acme.example,URI:spiffe://example/billing,email:ops@acme.example' });
  const other = certificate(c.dir, 'other', { ca: 'ca', subject: '/CN=other' });
  const { X509Certificate } = await import('node:crypto');
  const print = new X509Certificate(acme.pem).fingerprint256;
  const ways = {
    dns: { mtls: { names: ['ACME.example'] } }, uri: { mtls: { names: ['spiffe://example/billing'] } }, email: { mtls: { names: ['ops@acme.example'] } },
    subject: { mtls: { subjects: ['CN=acme,O=Acme'] } }, print: { mtls: { fingerprints: [print] } }, any: { mtls: {} },
    nobody: { mtls: { names: ['acme.exampl', 'spiffe://example', 'acme'], subjects: ['CN=acme'] } },
    both: { mtls: { names: ['acme.example'] }, api_key: { keys: [{ name: 'k', hash: sha256('key') }] } },
  };
  const pipelines = Object.entries(ways).map(([name, auth]) => [`${name}.yaml`, `name: ${name}\ntrigger: { webhook: { path: /${name}, security_headers: strict, auth: ${JSON.stringify(auth)} } }\n${answer}`]);
  const w = await startTls(t, Object.fromEntries(pipelines), c, { args: ['--set', 'edge.tls.client_auth=optional', '--set', `edge.tls.client_ca=${join(c.dir, 'ca.pem')}`, '--set', 'edge.hsts=1d'] });
  const shown = (cert, more = {}) => ({ ca: c.ca, cert: cert?.pem, key: cert?.key, body: '{}', ...more });
  const names = { dns: 'acme.example', uri: 'spiffe://example/billing', email: 'ops@acme.example', subject: 'CN=acme,O=Acme', any: 'CN=acme,O=Acme', print: print.replaceAll(':', '').toLowerCase() };
  for (const [way, name] of Object.entries(names)) {
    const r = await ask(w.tlsPort, `/${way}`, shown(acme));
    assert.equal(r.status, 200, way);
    const { auth } = JSON.parse(r.body);
    assert.deepEqual([auth.scheme, auth.name.toLowerCase()], ['mtls', name.toLowerCase()]);
    assert.deepEqual(auth.claims.dns, ['acme.example']);
    assert.equal(r.headers['strict-transport-security'], 'max-age=63072000; includeSubDomains; preload');
    assert.equal((await ask(w.tlsPort, `/${way}`, shown())).status, 403);
    assert.equal((await ask(w.tlsPort, `/${way}`, shown(other))).status, way === 'any' ? 200 : 403);
  }
  assert.equal((await ask(w.tlsPort, '/nobody', shown(acme))).status, 403);
  assert.equal((await ask(w.tlsPort, '/both', shown(acme))).status, 401);
  const r = await ask(w.tlsPort, '/both', shown(acme, { headers: { 'x-api-key': 'key' } }));
  assert.deepEqual([r.status, JSON.parse(r.body).auth.scheme], [200, 'api_key']);
  assert.equal((await ask(w.tlsPort, '/both', shown(other, { headers: { 'x-api-key': 'key' } }))).status, 403);
});

test('a refusal is heard, although the body comes behind it and the connection is to close', async (t) => {
  const w = await start(t, hook([{ api_key: { keys: [{ name: 'a', hash: sha256('right') }] } }]), { args: ['--store', 'none'] });
  const c = connect(w.edgePort);
  await c.write('POST /in HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Api-Key: wrong\r\nContent-Length: 30000\r\n\r\n');
  await until(() => /401 Unauthorized[^]*\r\n\r\n/.test(c.text), 'it is refused by its head');
  await c.write('x'.repeat(30000));
  assert.match(await c.ended, /^HTTP\/1\.1 401 [^]*"status":401/);
  assert.equal(c.error, null);
});

test('whoever guesses is turned away for a minute, before a password is worked on', async (t) => {
  const made = weir(['keys', 'hash'], { input: 'correct horse\n' });
  const secret = 'a secret of thirty-two bytes or so';
  const pipe = (name, auth) => `name: ${name}\ntrigger: { webhook: { path: /${name}, auth: ${JSON.stringify(auth)} } }\n${answer}`;
  const w = await start(t, {
    'p.yaml': pipe('in', { basic: { users: [{ name: 'ada', hash: made.out.trim() }] } }),
    'k.yaml': pipe('key', [{ ip: ['192.0.2.0/28'] }, { api_key: { keys: [{ name: 'acme', hash: sha256('k') }] } }]),
    'j.yaml': pipe('jwt', { jwt: { secret: '${ secrets.JWT }' } }),
  }, { shards: 2, env: { WEIR_AUTH_MAX_FAILURES: '5', WEIR_TRUSTED_PROXIES: '127.0.0.1', WEIR_SECRET_JWT: secret } });
  const from = (ip, headers = {}, path = '/in') => send(w, { 'x-forwarded-for': ip, ...headers }, path);
  const basic = (password) => ({ authorization: `Basic ${Buffer.from(`ada:${password}`).toString('base64')}` });
  const codes = async (n, ...args) => { const all = []; for (let i = 0; i < n; i++) all.push((await from(...args)).status); return all; };
  assert.deepEqual(await codes(8, '198.51.100.1'), Array(8).fill(401), 'who shows nothing guesses nothing');
  assert.deepEqual(await codes(6, '198.51.100.1', basic('wrong')), [401, 401, 401, 401, 401, 429]);
  const r = await from('198.51.100.1', basic('correct horse'));
  assert.deepEqual([r.status, r.headers.get('www-authenticate')], [429, null]);
  const wait = Number(r.headers.get('retry-after'));
  assert.ok(wait > 0 && wait <= 60, `${wait}`);
  assert.match((await r.json()).detail, /too many credentials from this address/);
  assert.equal((await from('198.51.100.1', { 'x-api-key': 'k' }, '/key')).status, 429, 'at every webhook');
  assert.equal((await from('198.51.100.2', basic('correct horse'))).status, 200, 'others are not meant');
  assert.equal((await from('198.51.100.2', basic('correct horse'))).status, 200);
  // Of IPv6 a customer has a /64.
  const key = (n) => ({ 'x-api-key': `guess${n}` });
  for (let n = 1; n <= 5; n++) assert.equal((await from(`2001:db8::${n}:1`, key(n), '/key')).status, 401);
  assert.equal((await from('2001:db8::ffff', { 'x-api-key': 'k' }, '/key')).status, 429);
  assert.equal((await from('2001:db8:0:1::1', { 'x-api-key': 'k' }, '/key')).status, 200);
  // A way that asks for no credential stays open, and a token that was good is no guess.
  assert.deepEqual(await codes(7, '192.0.2.1', key(1), '/key'), Array(7).fill(200));
  assert.deepEqual(await codes(6, '192.0.2.1', basic('wrong')), [401, 401, 401, 401, 401, 429]);
  assert.equal((await from('192.0.2.1', {}, '/key')).status, 200);
  const token = (when, key = secret) => new jose.SignJWT({ sub: 'ada' }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(when).sign(new TextEncoder().encode(key));
  assert.deepEqual(await codes(7, '198.51.100.3', bearer(await token('1 hour ago')), '/jwt'), Array(7).fill(401));
  assert.deepEqual(await codes(6, '198.51.100.3', bearer(await token('1h', 'another secret of thirty-two bytes')), '/jwt'), [401, 401, 401, 401, 401, 429]);
  await w.log((l) => l.level === 'warn' && /198\.51\.100\.1 has failed to prove who it is at the edge too often/.test(l.msg));
  assert.equal(await metric(w, 'weir_auth_failures_total', { at: 'edge' }), 20);
  assert.equal(await metric(w, 'weir_auth_blocks_total', { at: 'edge' }), 4);
  assert.equal(await metric(w, 'weir_auth_failures_total', { at: 'admin' }), 0);
  assert.equal(await metric(w, 'weir_webhook_rejected_total', { reason: 'auth_limited' }), 6);
});

test('weir check warns of tokens that need not expire', (t) => {
  const jwt = (required) => ({ jwt: { secret: '${ secrets.JWT }', ...(required && { required }) } });
  const pipe = (auth) => `name: p\ntrigger:\n  webhook:\n    path: /a\n    auth: ${JSON.stringify(auth)}\nsteps:\n  - reply: 204\n`;
  const said = (auth) => { const r = weir(['check', 'p.yaml'], { cwd: folder(t, { 'p.yaml': pipe(auth), 'weir.yaml': 'resources:\n  issuers:\n    long: { jwks_url: "https://id.example/k", issuer: x, required: [sub] }\n' }), env: { WEIR_SECRET_JWT: 'a secret of thirty-two bytes or so' } }); assert.equal(r.code, 0, r.err); return r.err + r.out; };
  for (const auth of [jwt(['sub']), jwt([]), [{ ip: ['10.0.0.0/8'] }, jwt(['iat'])], { jwt: 'long' }])
    assert.match(said(auth), /p\.yaml:3:3: warning\[W0809\].*'exp' is not one of the claims that 'jwt' requires/, JSON.stringify(auth));
  for (const auth of [jwt(), jwt(['exp', 'sub']), [{ ip: ['10.0.0.0/8'] }, jwt()]]) assert.doesNotMatch(said(auth), /W0809/);
});
