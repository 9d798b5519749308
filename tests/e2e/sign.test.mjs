// Requests that weir signs, checked by the libraries that their receivers use, and by weir itself.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, createPublicKey, randomBytes, verify as ed25519 } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { verify as githubVerify } from '@octokit/webhooks-methods';
import Stripe from 'stripe';
import { folder, start, weir } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

const stripe = new Stripe('sk_test_none');
const whsec = `whsec_${randomBytes(24).toString('base64')}`;
const seed = randomBytes(32);
const key = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8' });
const pub = createPublicKey(key);
const raw = pub.export({ format: 'der', type: 'spki' }).subarray(12);

// What RECEIVER does with the headers and the raw body of a request: it throws, or says false.
const schemes = {
  'standard-webhooks': { secret: whsec, check: (h, body) => new Webhook(whsec).verify(body, h) },
  'standard-webhooks v1a': {
    secret: `whsk_${seed.toString('base64')}`,
    check: (h, body) => /^v1a,/.test(h['webhook-signature']) && ed25519(null, Buffer.from(`${h['webhook-id']}.${h['webhook-timestamp']}.${body}`), pub, Buffer.from(h['webhook-signature'].slice(4), 'base64')),
  },
  'standard-webhooks v1a of 64 bytes': {
    secret: `whsk_${Buffer.concat([seed, raw]).toString('base64')}`,
    check: (h, body) => ed25519(null, Buffer.from(`${h['webhook-id']}.${h['webhook-timestamp']}.${body}`), pub, Buffer.from(h['webhook-signature'].slice(4), 'base64')),
  },
  svix: { secret: whsec, check: (h, body) => new Webhook(whsec).verify(body, { 'webhook-id': h['svix-id'], 'webhook-timestamp': h['svix-timestamp'], 'webhook-signature': h['svix-signature'] }) },
  github: { secret: 'gh', check: (h, body) => h['x-github-delivery'] && githubVerify('gh', body, h['x-hub-signature-256']) },
  stripe: { secret: 'whsec_x', check: (h, body) => stripe.webhooks.constructEvent(body, h['stripe-signature'], 'whsec_x') },
  slack: { secret: 'sl', check: (h, body) => h['x-slack-signature'] === `v0=${createHmac('sha256', 'sl').update(`v0:${h['x-slack-request-timestamp']}:${body}`).digest('hex')}` },
};

const bodies = {
  json: '{ a: "\u00e4", n: [1, 2.5, null] }',
  form: '{ a: "x y", b: "\u00e4&=" }',
  text: '"hello \u00e4"',
  body: '"${ request.raw }"',
};

for (const [name, { secret, check }] of Object.entries(schemes)) {
  test(`${name}: who gets the request finds that it is signed, whatever its body`, async (t) => {
    const checks = [];
    const u = await upstream(t, (request, response, body) => { checks.push([request.url, request.headers, body.toString()]); response.end(); });
    const steps = Object.entries(bodies).map(([form, value]) => `  - http:\n      method: POST\n      url: "${u.url}/${form}"\n      ${form}: ${value}\n      sign: { scheme: ${name.split(' ')[0]}, secret: "\${ secrets.PARTNER }" }\n`).join('');
    const w = await start(t, { 'a.yaml': `name: a\ntrigger: { webhook: /in }\nsteps:\n${steps}  - reply: 204\n` }, { env: { WEIR_SECRET_PARTNER: secret } });
    const r = await fetch(`${w.edge}/in`, { method: 'POST', body: '{"raw": "\u00e4 \\u00e4"}' });
    assert.equal(r.status, 204, await r.text());
    assert.deepEqual(checks.map(([url]) => url), ['/json', '/form', '/text', '/body']);
    for (const [url, headers, body] of checks) {
      if (name === 'standard-webhooks' || name === 'svix' || name === 'stripe') {
        // these parse it as JSON once its signature fits
        try { assert.ok(check(headers, body), url); } catch (e) { assert.ok(e instanceof SyntaxError, `${url}: ${e}`); }
      } else {
        assert.ok(await check(headers, body), url);
      }
    }
    assert.equal(checks[3][2], '{"raw": "\u00e4 \\u00e4"}');
  });
}

test('attempts have one id and a time of their own; another event has another id', async (t) => {
  const u = await upstream(t, (request, response) => { response.statusCode = u.requests.length % 2 ? 500 : 200; response.end(); });
  const w = await start(t, { 'a.yaml': `name: a
trigger: { webhook: /in }
steps:
  - id: tell
    http: { url: "${u.url}", json: "\${ request.body }", sign: { scheme: standard-webhooks, secret: "\${ secrets.PARTNER }" } }
    retry: { attempts: 2, initial: 10ms }
    effect: idempotent
` }, { env: { WEIR_SECRET_PARTNER: whsec } });
  for (let i = 0; i < 2; i++) assert.equal((await fetch(`${w.edge}/in`, { method: 'POST', body: '{}' })).status, 200);
  assert.equal(u.requests.length, 4);
  for (const r of u.requests) new Webhook(whsec).verify(r.body, r.headers);
  const ids = u.requests.map((r) => r.headers['webhook-id']);
  assert.match(ids[0], /^msg_[0-9a-f]{32}$/);
  assert.deepEqual([ids[0] === ids[1], ids[2] === ids[3], ids[0] === ids[2]], [true, true, false]);
});

test('what one weir signs, another one takes, once', async (t) => {
  let runs = 0;
  const u = await upstream(t, (_, response) => { runs++; response.end(); });
  const env = { WEIR_SECRET_PARTNER: whsec };
  const to = await start(t, { 'to.yaml': `name: to
trigger: { webhook: { path: /in, verify: { scheme: standard-webhooks, secret: "\${ secrets.PARTNER }" } } }
steps:
  - http: { url: "${u.url}", json: 1 }
` }, { env });
  const from = await start(t, { 'from.yaml': `name: from
trigger: { webhook: /go }
steps:
  - http: { url: "${to.edge}/in", json: "\${ request.body }", sign: { scheme: standard-webhooks, secret: "\${ secrets.PARTNER }", id: "\${ request.body.id }" } }
` }, { env });
  const go = async (id) => (await fetch(`${from.edge}/go`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ id }) })).status;
  assert.deepEqual([await go('order-1'), await go('order-1'), runs], [200, 200, 1]);
  assert.deepEqual([await go('order-2'), runs], [200, 2]);
  assert.equal(await go('a.b'), 400);
});

test('a secret that is not set fails the step, one that is malformed the load, and both say where', async (t) => {
  const u = await upstream(t, (_, response) => response.end());
  const one = `name: a\ntrigger: { webhook: /in }\nsteps:\n  - http: { url: "${u.url}", json: 1, sign: { scheme: svix, secret: "\${ secrets.PARTNER }" } }\n`;
  const dir = folder(t, { 'a.yaml': one });
  const bad = weir(['check', dir], { env: { WEIR_SECRET_PARTNER: 'whsec_short' } });
  assert.equal(bad.code, 1);
  assert.match(bad.err, /sign\.secret: the secret must be whsec_ and base64 of 24 to 64 bytes/);
  assert.ok(!bad.err.includes('whsec_short'));
  const w = await start(t, dir);
  const r = await fetch(`${w.edge}/in`, { method: 'POST', body: '{}' });
  assert.equal(r.status, 500);
  assert.match(await r.text(), /PARTNER/);
  assert.equal(u.requests.length, 0);
});

test('what can not be signed is refused', (t) => {
  const check = (http) => weir(['check', folder(t, { 'a.yaml': `name: a\nsteps:\n  - http: { url: "http://127.0.0.1:1", ${http} }\n` })]).err;
  assert.match(check('json: 1, sign: github'), /a signature needs a secret: write \{ scheme: github/);
  assert.match(check('json: 1, sign: { scheme: github }'), /needs a 'secret'/);
  assert.match(check('json: 1, sign: { scheme: stripe, secret: a, id: b }'), /sends no 'id'/);
  assert.match(check('json: 1, sign: { scheme: stripe, secret: a, header: X }'), /belongs to the scheme hmac/);
  assert.match(check('json: 1, sign: { scheme: svix, secret: whpk_AAAA }'), /whpk_ is the public key of a pair/);
  assert.match(check('json: 1, sign: { scheme: hmac, secret: a, header: X, timestamp_header: x, content: "{timestamp}{body}" }'), /for two things/);
  assert.match(check('json: 1, sign: { scheme: "${ env.A }", secret: a }'), /only the secret and the id/);
});

test('a header that is made here, and stands in headers too, is refused', async (t) => {
  const u = await upstream(t, (_, response) => response.end('x'));
  const w = await start(t, { 'a.yaml': `name: a
trigger: { webhook: /in }
steps:
  - http: { url: "${u.url}/put", json: 1, headers: { X-GitHub-Delivery: x }, sign: { scheme: github, secret: a } }
` });
  const r = await fetch(`${w.edge}/in`, { method: 'POST' });
  assert.equal(r.status, 400);
  assert.match((await r.json()).detail, /the header 'x-github-delivery' is made here/);
  assert.equal(u.requests.length, 0);
});
