// Tokens of real issuers (jose), and published keys that change, fail, crawl and lie.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import * as jose from 'jose';
import { metric, start, until } from './lib/weir.mjs';
import { certificates } from './lib/tls.mjs';
import { answer, bearer, hook, issuer, send } from './lib/auth.mjs';

test('tokens of every algorithm that a real issuer signs with are let in', async (t) => {
  const i = await issuer(t);
  const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
  for (const alg of algorithms) await i.add(alg, alg);
  const w = await start(t, hook(i.auth));
  for (const alg of algorithms) {
    const r = await send(w, bearer(await i.sign(alg, { scope: 'a b' })));
    assert.equal(r.status, 200, alg);
    const { auth, headers } = await r.json();
    assert.deepEqual([auth.scheme, auth.name, auth.scopes, auth.claims.iss], ['jwt', 'ada', ['a', 'b'], 'https://id.example/']);
    assert.equal(headers.authorization, undefined);
  }
  assert.equal(i.fetches, 1);
  // What one key signed is not another one's, whatever the header says.
  const forged = await new jose.SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'ES256' }).setIssuer('https://id.example/')
    .setAudience('orders').setExpirationTime('5m').sign((await jose.generateKeyPair('ES256')).privateKey);
  const r = await send(w, bearer(forged));
  assert.equal(r.status, 401);
  assert.equal(r.headers.get('www-authenticate'), 'Bearer error="invalid_token", error_description="the token\'s signature is wrong"');
  assert.equal(await metric(w, 'weir_webhook_rejected_total', { pipeline: 'p', reason: 'auth' }), 1);
});

test('a public key that is taken for a secret, no algorithm, and a key that the token brings are refused', async (t) => {
  const i = await issuer(t);
  await i.add('k', 'RS256');
  const w = await start(t, hook(i.auth));
  const pem = await jose.exportSPKI(i.pairs.k.publicKey);
  const claims = { iss: 'https://id.example/', aud: 'orders', exp: Math.floor(Date.now() / 1000) + 300 };
  const b64 = (v) => Buffer.from(JSON.stringify(v)).toString('base64url');
  const confused = await new jose.SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'k' }).sign(Buffer.from(pem));
  const own = await jose.generateKeyPair('RS256');
  const brings = await new jose.SignJWT(claims).setProtectedHeader({ alg: 'RS256', jwk: await jose.exportJWK(own.publicKey), jku: i.url }).sign(own.privateKey);
  for (const token of [confused, brings, `${b64({ alg: 'none' })}.${b64(claims)}.`, `${b64({ alg: 'RS256', kid: 'k' })}.${b64(claims)}.`])
    assert.equal((await send(w, bearer(token))).status, 401);
});

test('a key whose private part is published is no key', async (t) => {
  const i = await issuer(t);
  await i.add('good', 'ES256');
  for (const alg of ['RS256', 'ES256', 'EdDSA']) {
    const name = `open ${alg}`;
    await i.add(name, alg, { extractable: true });
    i.keys.pop();
    i.keys.push({ ...(await jose.exportJWK(i.pairs[name].privateKey)), kid: name, alg, use: 'sig' });
  }
  const w = await start(t, hook(i.auth));
  assert.equal((await send(w, bearer(await i.sign('good')))).status, 200);
  for (const alg of ['RS256', 'ES256', 'EdDSA']) assert.equal((await send(w, bearer(await i.sign(`open ${alg}`)))).status, 401, alg);
});

test('keys that the issuer adds are found, and seldom asked for by those who make them up', async (t) => {
  const i = await issuer(t);
  await i.add('one', 'ES256');
  const w = await start(t, hook(i.auth), { env: { WEIR_AUTH_MAX_FAILURES: '0' } });
  assert.equal((await send(w, bearer(await i.sign('one')))).status, 200);
  await i.add('two', 'ES256');
  // The first token that brings an unknown key makes weir look again only 30 s after the last look.
  const early = await send(w, bearer(await i.sign('two')));
  assert.equal(early.status, 401);
  assert.equal(i.fetches, 1);
  for (let n = 0; n < 20; n++) assert.equal((await send(w, bearer(await i.sign('one', {}, { kid: `made-up-${n}` })))).status, 401);
  assert.equal(i.fetches, 1);
  assert.equal((await send(w, bearer(await i.sign('one')))).status, 200);
  // A new generation has not looked yet: it does at the first unknown key, and the sender waits for it.
  assert.equal((await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' })).status, 200);
  assert.equal((await send(w, bearer(await i.sign('one')))).status, 200);
  assert.equal(i.fetches, 1);
  assert.equal((await send(w, bearer(await i.sign('two')))).status, 200);
  assert.equal(i.fetches, 2);
});

test('old keys are fetched again, and kept while that fails', async (t) => {
  const i = await issuer(t);
  await i.add('one', 'ES256');
  const auth = { jwt: { ...i.auth.jwt, cache: '1ms' } };
  const w = await start(t, hook(auth));
  assert.equal((await send(w, bearer(await i.sign('one')))).status, 200);
  i.how = (req, res) => { res.statusCode = 500; res.end(); };
  for (let n = 0; n < 3; n++) assert.equal((await send(w, bearer(await i.sign('one')))).status, 200);
  // A reload starts with what was fetched before, though the issuer is down.
  assert.equal((await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' })).status, 200);
  assert.equal((await send(w, bearer(await i.sign('one')))).status, 200);
});

test('without any keys the answer is 503, until the issuer comes back', async (t) => {
  const i = await issuer(t);
  await i.add('one', 'ES256');
  const lies = {
    'status 500': (req, res) => { res.statusCode = 500; res.end('{}'); },
    'no JSON': (req, res) => res.end('<html>'),
    'no set': (req, res) => res.end('[]'),
    'no keys': (req, res) => res.end('{"keys":[]}'),
    'keys twice': (req, res) => res.end('{"keys":[],"keys":[]}'),
    'a secret': (req, res) => res.end(JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'one' }] })),
    'a weak key': (req, res) => res.end(JSON.stringify({ keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }] })),
    'a redirect': (req, res) => { res.statusCode = 302; res.setHeader('location', i.url); res.end(); },
    'too much': (req, res) => res.end(JSON.stringify({ keys: i.keys, more: 'x'.repeat(300_000) })),
    'cut off': (req, res) => { res.setHeader('content-length', 1000); res.write('{"keys":'); setImmediate(() => res.destroy()); },
  };
  const names = Object.keys(lies);
  i.how = (req, res) => lies[names[Number(/\d+$/.exec(req.url)[0])]](req, res);
  const pipelines = names.map((_, n) => [`p${n}.yaml`, `name: p${n}\ntrigger: { webhook: { path: /in${n}, auth: ${JSON.stringify({ jwt: { ...i.auth.jwt, jwks_url: `${i.url}/${n}` } })} } }\n${answer}`]);
  const w = await start(t, Object.fromEntries(pipelines));
  const token = await i.sign('one');
  await Promise.all(names.map(async (name, n) => {
    const r = await send(w, bearer(token), `/in${n}`);
    assert.equal(r.status, 503, name);
    assert.equal(r.headers.get('retry-after'), '2');
    assert.equal(await metric(w, 'weir_jwks_fetches_total', { pipeline: `p${n}`, result: 'error' }), 1);
  }));
  assert.equal(i.fetches, names.length);
  assert.ok(w.lines.some((l) => l.level === 'warn' && /pipeline p0: the keys at http.* can't be had, no token can be checked: it answers 500/.test(l.msg)));
  i.how = null;
  await until(async () => (await send(w, bearer(token), '/in0')).status === 200, 'it is back');
});

test('a slow issuer holds up nobody but those who need its keys, and those only for a while', async (t) => {
  const i = await issuer(t);
  await i.add('one', 'ES256');
  const w = await start(t, { ...hook(i.auth), 'q.yaml': 'name: q\ntrigger: { webhook: { path: /q, auth: none } }\nsteps:\n  - reply: 204\n' });
  const held = [];
  i.how = (req, res) => held.push(res);
  const token = await i.sign('one');
  const waiting = Array.from({ length: 20 }, () => send(w, bearer(token)));
  await until(() => held.length > 0, 'the keys are asked for');
  assert.equal((await send(w, {}, '/q')).status, 204); // the loop turns
  const gone = new AbortController();
  const aborted = fetch(`${w.edge}/in`, { method: 'POST', headers: bearer(token), signal: gone.signal }).catch((e) => e.name);
  gone.abort();
  assert.equal(await aborted, 'AbortError');
  for (const res of held) res.end(JSON.stringify({ keys: i.keys }));
  assert.deepEqual((await Promise.all(waiting)).map((r) => r.status), Array(20).fill(200));
  assert.equal(held.length, 1); // one fetch for all of them
});

test('keys that were fetched with other trust are not taken over, and a private key for the issuer is masked', async (t) => {
  const c = certificates(t);
  const pair = await jose.generateKeyPair('ES256');
  const keys = JSON.stringify({ keys: [{ ...(await jose.exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256' }] });
  const server = https.createServer({ cert: readFileSync(join(c.dir, 'localhost.pem')), key: readFileSync(join(c.dir, 'localhost.key')) }, (req, res) => res.end(keys));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => { server.closeAllConnections(); server.close(); });
  const jwt = { jwks_url: `https://localhost:${server.address().port}/keys`, issuer: 'https://id.example/' };
  const key = readFileSync(join(c.dir, 'localhost.key'), 'utf8');
  const pipe = (name, tls) => `name: ${name}\ntrigger: { webhook: { path: /${name}, auth: ${JSON.stringify({ jwt: { ...jwt, ...tls } })} } }\n${answer}`;
  const w = await start(t, {
    'a.yaml': pipe('a', { tls: { ca: c.ca.toString() } }),
    'b.yaml': pipe('b'),
    'c.yaml': pipe('c', { tls: { ca: c.ca.toString(), cert: readFileSync(join(c.dir, 'localhost.pem'), 'utf8'), key } }),
  }, { shards: 1 });
  const token = await new jose.SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'k' }).setIssuer(jwt.issuer).setExpirationTime('5m').sign(pair.privateKey);
  assert.equal((await send(w, bearer(token), '/a')).status, 200);
  assert.equal((await send(w, bearer(token), '/b')).status, 503, 'nobody whom b trusts has published these keys');
  assert.equal((await send(w, bearer(token), '/c')).status, 200);
  const shown = await (await fetch(`${w.admin}/api/v1/pipelines/c`)).text();
  assert.match(shown, /"key": ?"\*\*\*"/);
  assert.ok(!shown.includes(key.split('\n')[1]));
});

test('who is of the slowest of many issuers is let in, though the others come one after another', async (t) => {
  const issuers = [];
  for (let n = 0; n < 7; n++) {
    const i = await issuer(t);
    await i.add('k', 'ES256');
    i.how = (req, res) => setTimeout(() => res.end(JSON.stringify({ keys: i.keys })), 1600 - n * 200);
    issuers.push(i);
  }
  const w = await start(t, hook(issuers.map((i) => i.auth)), { shards: 1 });
  assert.equal((await send(w, bearer(await issuers[0].sign('k')))).status, 200);
});

test('an issuer that never answers is given up after some seconds', async (t) => {
  const i = await issuer(t);
  await i.add('one', 'ES256');
  const w = await start(t, hook(i.auth));
  i.how = () => {};
  assert.equal((await send(w, bearer(await i.sign('one')))).status, 503);
});

test('the end of the process answers those who still wait for keys', async (t) => {
  const i = await issuer(t);
  await i.add('one', 'ES256');
  const w = await start(t, hook(i.auth), { args: ['--set', 'drain_timeout=100ms'] });
  i.how = () => {};
  const waiting = send(w, bearer(await i.sign('one'))).then((r) => r.status, () => 'closed');
  await until(() => i.fetches > 0, 'the keys are asked for');
  assert.deepEqual(await w.stop(), { code: 0, signal: null });
  assert.ok([503, 'closed'].includes(await waiting));
});
