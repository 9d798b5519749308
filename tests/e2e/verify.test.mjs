// Signed webhooks as their senders sign them, with the libraries that these publish.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, createPublicKey, randomBytes, randomUUID, sign as ed25519 } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { sign as githubSign } from '@octokit/webhooks-methods';
import Stripe from 'stripe';
import { folder, metric, nextWorker, start, until, weir } from './lib/weir.mjs';
import { parse, exchange } from './lib/net.mjs';
import { over, place, upstream } from './lib/jobs.mjs';

const now = () => Math.floor(Date.now() / 1000);
const stripe = new Stripe('sk_test_none');
const whsec = `whsec_${randomBytes(32).toString('base64')}`;

function pair() {
  const seed = randomBytes(32);
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const pub = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(12);
  return { key, pub, whpk: `whpk_${pub.toString('base64')}`, whsk: `whsk_${seed.toString('base64')}` };
}
const keys = pair();

// How each sender signs BODY: the headers of the request.
const senders = {
  'standard-webhooks': {
    secret: whsec,
    sign: (body, { id = `msg_${randomUUID()}`, at = now(), secret = whsec } = {}) => ({
      'webhook-id': id, 'webhook-timestamp': `${at}`, 'webhook-signature': new Webhook(secret).sign(id, new Date(at * 1000), body),
    }),
  },
  'standard-webhooks v1a': {
    scheme: 'standard-webhooks',
    secret: keys.whpk,
    sign: (body, { id = `msg_${randomUUID()}`, at = now() } = {}) => ({
      'webhook-id': id, 'webhook-timestamp': `${at}`, 'webhook-signature': `v1a,${ed25519(null, Buffer.from(`${id}.${at}.${body}`), keys.key).toString('base64')}`,
    }),
  },
  svix: {
    secret: whsec,
    sign: (body, { id = `msg_${randomUUID()}`, at = now(), secret = whsec } = {}) => ({
      'svix-id': id, 'svix-timestamp': `${at}`, 'svix-signature': new Webhook(secret).sign(id, new Date(at * 1000), body),
    }),
  },
  github: {
    secret: 'It\'s a secret',
    sign: async (body, { id = randomUUID(), secret = 'It\'s a secret' } = {}) => ({
      'x-github-delivery': id, 'x-github-event': 'push', 'x-hub-signature-256': await githubSign(secret, body),
    }),
  },
  stripe: {
    secret: 'whsec_stripe_uses_it_verbatim',
    sign: (body, { at = now(), secret = 'whsec_stripe_uses_it_verbatim' } = {}) => ({
      'stripe-signature': stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: at }),
    }),
  },
  slack: {
    secret: '8f742231b10e8888abcd99yyyzzz85a5',
    sign: (body, { at = now(), secret = '8f742231b10e8888abcd99yyyzzz85a5' } = {}) => ({
      'x-slack-request-timestamp': `${at}`, 'x-slack-signature': `v0=${createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex')}`,
    }),
  },
};

const timed = (name) => name !== 'github';
const pipeline = (scheme, { secret = '"${ secrets.HOOK }"', more = '', top = '' } = {}) => `
name: hooks
${top}
trigger:
  webhook:
    path: /in
    verify: { scheme: ${scheme}, ${secret.startsWith('[') ? 'secrets' : 'secret'}: ${secret}${more} }
steps:
  - reply: { json: { run: "\${ run.id }", got: "\${ request.body }" } }
`;

const send = async (w, body, headers) => {
  const r = await fetch(`${w.edge}/in`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  const text = await r.text();
  return { status: r.status, replayed: r.headers.get('idempotency-replayed'), challenge: r.headers.get('www-authenticate'), text, body: text.startsWith('{') ? JSON.parse(text) : null };
};

for (const [name, sender] of Object.entries(senders)) {
  test(`${name}: what its sender signs is taken, and nothing else`, async (t) => {
    const w = await start(t, { 'a.yaml': pipeline(sender.scheme ?? name) }, { env: { WEIR_SECRET_HOOK: sender.secret } });
    const body = '{"id":"evt_1","event_id":"Ev1","text":"\\u00e4 \u00e4"}';
    const good = await send(w, body, await sender.sign(body));
    assert.equal(good.status, 200, good.text);
    assert.deepEqual(good.body.got, JSON.parse(body));
    const headers = await sender.sign(body);
    const signature = Object.keys(headers).find((h) => h.includes('signature'));
    const refused = async (reason, ...request) => {
      const before = await metric(w, 'weir_webhook_rejected_total', { pipeline: 'hooks', reason });
      const r = await send(w, ...request);
      assert.equal(r.status, 401, r.text);
      assert.equal(r.body.type, 'urn:weir:problem:unauthorized');
      assert.match(r.challenge, new RegExp(`^Webhook-Signature scheme="${sender.scheme ?? name}", header="${signature}"$`, 'i'));
      assert.equal(await metric(w, 'weir_webhook_rejected_total', { pipeline: 'hooks', reason }), before + 1, reason);
    };
    await refused('signature', body.replace('evt_1', 'evt_2'), headers);
    await refused('signature', `${body} `, headers);
    await refused('signature', '', headers);
    await refused('signature_missing', body, {});
    for (const h of Object.keys(headers)) if (h !== 'x-github-event' && h !== 'x-github-delivery') await refused('signature_missing', body, { ...headers, [h]: '' });
    if (sender.secret !== keys.whpk) await refused('signature', body, await sender.sign(body, { secret: name.includes('s') && sender.secret === whsec ? `whsec_${randomBytes(32).toString('base64')}` : 'another' }));
    if (timed(name)) {
      await refused('signature_time', body, await sender.sign(body, { at: now() - 310 }));
      await refused('signature_time', body, await sender.sign(body, { at: now() + 310 }));
    }
    const lines = Object.entries({ host: 'x', connection: 'close', 'content-length': Buffer.byteLength(body), ...headers, 'x-again': '' }).map(([k, v]) => `${k}: ${v}`);
    const twice = parse(await exchange(w.edgePort, `POST /in HTTP/1.1\r\n${lines.join('\r\n')}\r\n${signature}: ${headers[signature]}\r\n\r\n${Buffer.from(body).toString('latin1')}`));
    assert.equal(twice.status, 401);
    assert.match(twice.body, /more than once/);
  });
}

test('a secret is replaced by another without a refused request, and shown nowhere', async (t) => {
  const [one, two] = ['first-s3cret-0815', 'second-s3cret-4711'];
  const dir = folder(t, { 'a.yaml': pipeline('github', { secret: '["${ secrets.NEW ?? null }", "${ secrets.OLD }"]' }) });
  const w = await start(t, dir, { env: { WEIR_SECRET_OLD: one, WEIR_SECRET_NEW: two }, args: ['--set', 'log.level=debug'] });
  for (const secret of [one, two]) assert.equal((await send(w, '{}', await senders.github.sign('{}', { secret }))).status, 200);
  const wrong = await send(w, '{}', await senders.github.sign('{}', { secret: 'third' }));
  assert.equal(wrong.status, 401);
  writeFileSync(join(dir, 'a.yaml'), pipeline('github', { secret: '"${ secrets.NEW }"' }));
  assert.equal(weir(['reload', '--admin', w.admin.slice(7)]).code, 0);
  assert.equal((await send(w, '{}', await senders.github.sign('{}', { secret: two }))).status, 200);
  assert.equal((await send(w, '{}', await senders.github.sign('{}', { secret: one }))).status, 401);
  const shown = wrong.text + await (await fetch(`${w.admin}/api/v1/pipelines/hooks`)).text() + await (await fetch(`${w.admin}/metrics`)).text();
  await w.stop();
  for (const secret of [one, two]) assert.ok(!(shown + JSON.stringify(w.lines) + w.stderr).includes(secret), 'the secret is shown');
});

test('a hundred of one delivery at once run once, over threads', async (t) => {
  const u = await upstream(t, (_, res) => setTimeout(() => res.end('{}'), 200));
  const text = pipeline('github').replace('steps:\n', `steps:\n  - http: { method: POST, url: "${u.url}/work" }\n`);
  const w = await start(t, { 'a.yaml': text }, { shards: 3, env: { WEIR_SECRET_HOOK: senders.github.secret } });
  const headers = await senders.github.sign('{"n":1}');
  const answers = await Promise.all(Array.from({ length: 100 }, () => send(w, '{"n":1}', headers)));
  assert.deepEqual(new Set(answers.map((a) => a.text)).size, 1);
  assert.equal(answers[0].status, 200);
  assert.equal(answers.filter((a) => a.replayed === 'true').length, 99);
  assert.equal(u.calls.length, 1);
});

test('a delivery runs once, a hundred times at once and again after kill -9', async (t) => {
  const u = await upstream(t);
  const text = (respond) => pipeline('standard-webhooks', { top: `durable: true\nrespond: ${respond}` })
    .replace('steps:\n', `steps:\n  - http: { method: PUT, url: "${u.url}/${respond}", json: "\${ request.body }" }\n`);
  for (const respond of ['result', 'accepted']) {
    const go = place(t, { 'a.yaml': text(respond) });
    const env = { WEIR_SECRET_HOOK: whsec };
    const headers = senders['standard-webhooks'].sign('{"n":1}');
    let w = await go({ env, shards: 2 });
    const answers = await Promise.all(Array.from({ length: 100 }, () => send(w, '{"n":1}', headers)));
    assert.equal(new Set(answers.map((a) => a.text)).size, 1, answers[0].text);
    assert.equal(answers[0].status, respond === 'result' ? 200 : 202);
    if (respond === 'accepted') await over(w, answers[0].body.job, 'completed');
    assert.equal(u.of(`/${respond}`).length, 1);
    w.killed = true;
    await w.kill();
    w = await go({ env, shards: 2 });
    const after = await Promise.all(Array.from({ length: 100 }, () => send(w, '{"n":1}', headers)));
    assert.deepEqual(new Set(after.map((a) => a.text)), new Set([answers[0].text]));
    const later = senders['standard-webhooks'].sign('{"n":1}', { id: headers['webhook-id'], at: now() + 1 });
    assert.equal((await send(w, '{"n":1}', later)).text, answers[0].text);
    assert.equal(u.of(`/${respond}`).length, 1);
    const other = await send(w, '{"n":1}', senders['standard-webhooks'].sign('{"n":1}'));
    assert.notEqual(other.text, answers[0].text);
    await until(() => u.of(`/${respond}`).length === 2, 'another one runs');
    await w.stop();
  }
});

test('a delivery that was cut by kill -9 is answered, after it was taken up again, as it ended', async (t) => {
  const held = [];
  let hold = true;
  const u = await upstream(t, (_, res) => (hold ? held.push(res) : res.end('{}')));
  const text = pipeline('github', { top: 'durable: true' }).replace('steps:\n', `steps:\n  - http: { method: PUT, url: "${u.url}/work", json: 1 }\n`);
  const go = place(t, { 'a.yaml': text });
  const env = { WEIR_SECRET_HOOK: senders.github.secret };
  const headers = await senders.github.sign('{}');
  const w = await go({ env });
  const lost = send(w, '{}', headers).catch(() => null);
  await until(() => held.length === 1, 'it runs');
  const cut = w.worker;
  process.kill(cut, 'SIGKILL');
  assert.equal(await lost, null);
  hold = false;
  await nextWorker(w, cut);
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(w, '{}', headers)));
  assert.deepEqual(new Set(answers.map((a) => a.status)), new Set([200]));
  assert.equal(new Set(answers.map((a) => a.text)).size, 1);
  assert.equal(u.calls.length, 2); // the one that was cut, and the same once more
});

test('slack: the challenge is echoed, by the trigger', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('slack') }, { env: { WEIR_SECRET_HOOK: senders.slack.secret } });
  const body = JSON.stringify({ token: 't', challenge: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P', type: 'url_verification' });
  const echoed = await send(w, body, senders.slack.sign(body));
  assert.deepEqual([echoed.status, echoed.text], [200, JSON.parse(body).challenge]);
  assert.equal((await send(w, body, { ...senders.slack.sign(body), 'x-slack-signature': 'v0=00' })).status, 401);
  const event = JSON.stringify({ type: 'event_callback', event_id: 'Ev08MFMKH6' });
  const first = await send(w, event, senders.slack.sign(event));
  const again = await send(w, event, { ...senders.slack.sign(event, { at: now() - 1 }), 'x-slack-retry-num': '1' });
  assert.deepEqual([again.status, again.text, again.replayed], [200, first.text, 'true']);
});

test('a secret that stands in the file itself is masked by the API', async (t) => {
  const w = await start(t, { 'a.yaml': pipeline('github', { secret: '["in-the-file-0815", "${ secrets.HOOK }"]' }) }, { env: { WEIR_SECRET_HOOK: 'hook' } });
  const shown = await (await fetch(`${w.admin}/api/v1/pipelines/hooks`)).json();
  assert.deepEqual(shown.triggers[0].config.verify, { scheme: 'github', secrets: ['***', '${ secrets.HOOK }'] });
  assert.equal((await send(w, '{}', await senders.github.sign('{}', { secret: 'in-the-file-0815' }))).status, 200);
});

test('weir try and weir test sign an event as its sender would', async (t) => {
  for (const name of ['standard-webhooks', 'svix', 'github', 'stripe', 'slack']) {
    const env = { WEIR_SECRET_HOOK: senders[name].secret };
    const dir = folder(t, {
      'a.yaml': pipeline(name),
      'a.test.yaml': `pipeline: a.yaml
tests:
  - name: signed
    request: { path: /in, signed: true, json: { id: evt_1 } }
    expect: { status: 200 }
  - name: with the headers of a real one, as weir test record prints them
    request: { path: /in, signed: true, headers: { webhook-signature: "v1,AAAA", webhook-timestamp: "1", webhook-id: msg_1, x-hub-signature-256: "sha256=00" }, json: {} }
    expect: { status: 200 }
  - name: not signed
    request: { path: /in, json: {} }
    expect: { status: 401, ran: [] }
`,
    });
    const tried = weir(['try', join(dir, 'a.yaml'), '--json', '--event', '-'], { env, input: '{"path":"/in","signed":true,"body":{"a":1}}' });
    assert.equal(tried.code, 0, tried.err + tried.out);
    assert.equal(JSON.parse(tried.out).status, 200);
    assert.equal(JSON.parse(weir(['try', join(dir, 'a.yaml'), '--json', '--event', '-'], { env, input: '{"path":"/in","body":{"a":1}}' }).out).status, 401);
    const tested = weir(['test', dir], { env });
    assert.equal(tested.code, 0, tested.out + tested.err);
  }
  const test = 'pipeline: a.yaml\ntests:\n  - name: a\n    request: { path: /in, signed: true }\n    expect: { status: 200 }\n';
  const open = weir(['test', folder(t, { 'a.yaml': 'name: a\ntrigger: { webhook: /in }\nsteps: [{ reply: 200 }]\n', 'a.test.yaml': test })]);
  assert.match(open.out + open.err, /request\.signed: the webhook has no 'verify'/);
  const pub = weir(['test', folder(t, { 'a.yaml': pipeline('svix'), 'a.test.yaml': test })], { env: { WEIR_SECRET_HOOK: keys.whpk } });
  assert.match(pub.out + pub.err, /a public key can't sign/);
});
