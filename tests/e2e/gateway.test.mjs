// pipelines/gateway.yaml clause by clause, as it is in the folder, against a scripted upstream: with all in
// the process over two shards, and with limits and cache on a real Redis. Then the small pipelines beside it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { metric, root, start, until, weir } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';
import { redis } from './lib/redis.mjs';

const folder = process.env.WEIR_PIPELINES ?? join(root, 'pipelines');
/** The pipelines NAMES as they stand in the folder. */
const files = (...names) => Object.fromEntries(names.map((n) => [`${n}.yaml`, readFileSync(join(folder, `${n}.yaml`), 'utf8')]));

/** A body that is good enough for each service. */
const good = {
  llama: { prompt: 'hi', model: 'm' },
  embeddings: { text: 'hi' },
  calendar: { action: 'list', data: { day: 1 } },
  ecommerce: { action: 'buy', items: ['a'] },
  baserow: { any: 'thing' },
};
const services = Object.keys(good);
const breaker = (service) => (service === 'ecommerce' ? 'payment' : service);

/** What is told when SERVICE is down and nothing is remembered. */
const down = (service) => (service === 'ecommerce'
  ? { error: true, message: 'The payment service is not available at the moment', code: 'PAYMENT_SERVICE_DOWN' }
  : { error: true, message: `${service} is not available at the moment`, fallback: true, service, retryAfter: 30 });

/** An upstream for all services, at /SERVICE. script(service, n) says how the nth call is answered: [status, json], or null for never. */
async function peer(t) {
  const p = { script: (service, n) => [200, { from: service, n }] };
  const calls = {};
  Object.assign(p, await upstream(t, (request, response) => {
    const service = request.url.split('/')[1];
    calls[service] = (calls[service] ?? 0) + 1;
    const answer = p.script(service, calls[service]);
    if (answer === null) return;
    response.writeHead(answer[0], { 'content-type': 'application/json' }).end(JSON.stringify(answer[1]));
  }));
  p.count = (service) => p.requests.filter((r) => r.url.startsWith(`/${service}/`)).length;
  p.env = Object.fromEntries(services.map((s) => [`${s.toUpperCase()}_URL`, `${p.url}/${s}`]));
  return p;
}

/** Each request on a connection of its own, so that all shards are asked. */
async function ask(w, path, body, headers = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const r = await fetch(`${w.edge}/gateway/${path}`, { method: 'POST', body: text,
    headers: { 'content-type': 'application/json', connection: 'close', ...headers } });
  const said = await r.text();
  return { status: r.status, headers: r.headers, body: said === '' ? null : JSON.parse(said) };
}

/** What stands on every answer. */
function stands(r, limit) {
  assert.equal(r.headers.get('x-gateway-version'), '1.0');
  assert.match(r.headers.get('x-request-id'), /^[A-Za-z0-9._-]{1,128}$/);
  assert.equal(r.headers.get('x-ratelimit-limit'), String(limit));
  assert.match(r.headers.get('x-ratelimit-remaining'), /^\d+$/);
  const reset = r.headers.get('x-ratelimit-reset');
  assert.equal(new Date(reset).toISOString(), reset);
}

/** STATUSES, counted. */
const counted = (answers) => answers.reduce((n, r) => ({ ...n, [r.status]: (n[r.status] ?? 0) + 1 }), {});
const many = (n, call) => Promise.all(Array.from({ length: n }, (_, i) => call(i)));
const requests = (w, labels) => metric(w, 'gateway_requests_total', { method: 'POST', ...labels });
/** Until N requests are counted under LABELS: that is done behind the answer. */
const counts = (w, labels, n) => until(async () => await requests(w, labels) >= n, `${n} requests are counted`)
  .then(async () => assert.equal(await requests(w, labels), n));
const control = async (w, name, what) => (await fetch(`${w.admin}/api/v1/breakers/${name}/${what}`, { method: 'POST' })).json();
const state = (w, name) => metric(w, 'weir_breaker_state', { breaker: name });

/** Until every shard of W has its connection to Redis: then each of some requests counts. */
async function warm(w) {
  w.warmed = 0;
  await until(async () => {
    const answers = await many(8, () => ask(w, 'nobody/x', {}, { 'x-api-key': `warm-${w.warmed++}` }));
    return answers.every((r) => r.headers.get('x-ratelimit-remaining') === '99');
  }, 'each shard counts');
}

/**
 * 40 requests to llama at once, of one client, spread over GATEWAYS: { answers, all }. A Redis that is late on a
 * busy machine lets requests through uncounted, as it should; then another client tries. ALL are those of all tries.
 */
async function burst(gateways) {
  const late = async () => (await Promise.all(gateways.map((w) => metric(w, 'weir_ratelimit_decisions_total', { decision: 'error' })))).join();
  const all = [];
  const answers = await until(async () => {
    const before = await late();
    const some = await many(40, (i) => ask(gateways[i % gateways.length], 'llama/x', good.llama, { 'x-api-key': `burst-${all.length}` }));
    all.push(...some);
    return before === await late() ? some : null;
  }, 'Redis is in time');
  return { answers, all };
}

const homes = { 'in the process': async () => ({}), 'on Redis': async (t) => ({ REDIS_URL: (await redis(t)).url }) };

for (const [home, store] of Object.entries(homes)) {
  const gateway = async (t, p, env = {}) => {
    const w = await start(t, files('gateway'), { shards: 2, env: { ...p.env, ...await store(t), ...env } });
    await warm(w);
    return w;
  };

  test(`${home}: each service is asked by POST, and its answer is the caller's`, async (t) => {
    const p = await peer(t);
    const w = await gateway(t, p);
    const limits = { llama: 10, embeddings: 100, calendar: 300, ecommerce: 500, baserow: 100 };
    for (const service of services) {
      const kept = await ask(w, `${service}/a%20b%3Fc`, good[service], { 'x-request-id': `mine-${service}` });
      assert.deepEqual([kept.status, kept.body], [200, { from: service, n: 1 }]);
      stands(kept, limits[service]);
      assert.equal(kept.headers.get('x-ratelimit-remaining'), String(limits[service] - 1));
      assert.equal(kept.headers.get('x-request-id'), `mine-${service}`);
      assert.match(kept.headers.get('content-type'), /^application\/json/);
      const asked = p.requests.at(-1);
      assert.deepEqual([asked.method, asked.url], ['POST', `/${service}/${service === 'llama' ? 'api/generate' : 'a%20b%3Fc'}`]);
      assert.deepEqual(JSON.parse(asked.body), good[service]);
      assert.equal(asked.headers['x-gateway-forwarded'], 'true');
      assert.equal(asked.headers['x-request-id'], `mine-${service}`);
    }
    const made = await many(2, () => ask(w, 'baserow/x', {}, { 'x-request-id': 'not kept: it has blanks' }));
    for (const r of made) assert.match(r.headers.get('x-request-id'), /^[0-9a-f-]{36}$/);
    assert.notEqual(made[0].headers.get('x-request-id'), made[1].headers.get('x-request-id'));
    p.script = () => [418, { i: 'am a teapot' }];
    const passed = await ask(w, 'calendar/x', good.calendar);
    assert.deepEqual([passed.status, passed.body], [418, { i: 'am a teapot' }]);
    stands(passed, 300);
  });

  test(`${home}: what a service needs has to be there, and be neither null nor empty`, async (t) => {
    const p = await peer(t);
    const w = await gateway(t, p);
    const needed = { llama: ['prompt', 'model'], embeddings: ['text'], calendar: ['action', 'data'], ecommerce: ['action', 'items'] };
    for (const [service, names] of Object.entries(needed)) {
      const all = await ask(w, `${service}/x`, {});
      assert.equal(all.status, 422);
      assert.equal(all.headers.get('content-type'), 'application/problem+json');
      assert.deepEqual(all.body.errors.map((e) => e.pointer).sort(), names.map((n) => `#/${n}`).sort());
      stands(all, { llama: 10, embeddings: 100, calendar: 300, ecommerce: 500 }[service]);
      for (const name of names)
        for (const value of [undefined, null, '', ' \n', '<b></b>']) {
          const r = await ask(w, `${service}/x`, { ...good[service], [name]: value }, { 'x-api-key': `${name} ${value}` });
          assert.equal(r.status, 422, `${service} with ${name} ${JSON.stringify(value)}`);
          assert.deepEqual(r.body.errors.map((e) => e.pointer), [`#/${name}`]);
        }
    }
    const broken = await ask(w, 'calendar/x', '{"action":');
    assert.equal(broken.status, 400);
    stands(broken, 300);
    for (const body of ['[]', '"text"', '1']) assert.equal((await ask(w, 'baserow/x', body)).status, 422);
    assert.equal((await ask(w, 'embeddings/x', '')).status, 422);
    assert.equal(p.requests.length, 0);
    assert.equal((await ask(w, 'baserow/x', '')).status, 200);
    assert.equal(p.requests.at(-1).body, '{}');
  });

  test(`${home}: no tag and at most 10,000 characters reach a service`, async (t) => {
    const p = await peer(t);
    const w = await gateway(t, p);
    const body = {
      action: '<b>list</b><script>alert(1)</script>',
      data: { deep: ['<img src=x onerror=alert(1)>one', { note: 'a < b & c' }], long: 'ü'.repeat(10_001), n: 7, yes: true, none: null },
    };
    assert.equal((await ask(w, 'calendar/x', body)).status, 200);
    const got = JSON.parse(p.requests.at(-1).body);
    assert.equal(got.action, 'list');
    assert.equal(got.data.deep[0], 'one');
    assert.doesNotMatch(got.data.deep[1].note, /<(?! |lt)/);
    assert.equal(got.data.long, 'ü'.repeat(10_000));
    assert.deepEqual([got.data.n, got.data.yes, got.data.none], [7, true, null]);
  });

  test(`${home}: another service is 404, counts, and calls nothing, whatever it says`, async (t) => {
    const p = await peer(t);
    const w = await gateway(t, p);
    for (const [i, name] of ['nope', 'payment', 'default', 'Llama'].entries()) {
      const r = await ask(w, `${name}/x`, i % 2 ? '{' : { a: 1 }, { 'x-api-key': 'one' });
      assert.deepEqual([r.status, r.body], [404, { error: true, message: 'unknown service', service: name }]);
      stands(r, 100);
      assert.equal(r.headers.get('x-ratelimit-remaining'), String(99 - i));
    }
    assert.equal(p.requests.length, 0);
    await counts(w, { service: 'other', status: 'error' }, w.warmed + 4);
    for (const name of ['nope', 'Llama']) assert.equal(await requests(w, { service: name }), 0);
  });

  test(`${home}: of 40 parallel requests on a limit of 10, exactly 10 pass`, async (t) => {
    const p = await peer(t);
    const w = await gateway(t, p);
    const { answers, all } = await burst([w]);
    assert.deepEqual(counted(answers), { 200: 10, 429: 30 });
    assert.equal(p.count('llama'), counted(all)[200]);
    const refused = answers.find((r) => r.status === 429);
    stands(refused, 10);
    assert.equal(refused.headers.get('x-ratelimit-remaining'), '0');
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
    assert.equal(refused.body.type, 'urn:weir:problem:limited');
    await counts(w, { service: 'llama', status: 'success' }, counted(all)[200]);
    await counts(w, { service: 'llama', status: 'error' }, counted(all)[429]);
    assert.equal((await ask(w, 'embeddings/x', good.embeddings, { 'x-api-key': `burst-${all.length - 40}` })).status, 200);
  });

  test(`${home}: a client is its key, else its token, else its address`, async (t) => {
    const p = await peer(t);
    const w = await gateway(t, p, { WEIR_TRUSTED_PROXIES: '127.0.0.1/32' });
    const left = async (headers, gw = w) => Number((await ask(gw, 'calendar/x', good.calendar, headers)).headers.get('x-ratelimit-remaining'));
    assert.equal(await left({ 'x-api-key': 'k1', authorization: 'Bearer t1' }), 299);
    assert.equal(await left({ 'x-api-key': 'k1', authorization: 'Bearer t2' }), 298);
    assert.equal(await left({ authorization: 'Bearer t1', 'x-forwarded-for': '203.0.113.7' }), 299);
    assert.equal(await left({ authorization: 'Bearer t1', 'x-forwarded-for': '203.0.113.8', 'x-api-key': '' }), 298);
    assert.equal(await left({ 'x-forwarded-for': '203.0.113.7' }), 299);
    assert.equal(await left({ 'x-forwarded-for': '203.0.113.7' }), 298);
    assert.equal(await left({ 'x-forwarded-for': '203.0.113.8' }), 299);
    const untrusting = await gateway(t, p);
    const two = [await left({ 'x-forwarded-for': '198.51.100.1' }, untrusting), await left({ 'x-forwarded-for': '198.51.100.2' }, untrusting)];
    assert.deepEqual(two, [299, 298]);
  });

  test(`${home}: a breaker opens, the last good answer or a 503 stands in, and it closes again`, async (t) => {
    const p = await peer(t);
    const w = await gateway(t, p);
    for (const service of services) {
      const once = (body, n) => ask(w, `${service}/x`, body, { 'x-api-key': `${service}-${n}` });
      const first = await once(good[service], 0);
      assert.equal(first.status, 200);
      const other = { ...good[service], more: 'of this' };
      p.script = () => [500, { broken: true }];
      for (const r of await many(6, (i) => once(other, i))) {
        assert.deepEqual([r.status, r.body], [503, down(service)]);
        stands(r, { llama: 10, embeddings: 100, calendar: 300, ecommerce: 500, baserow: 100 }[service]);
      }
      assert.equal(await state(w, breaker(service)), 2, `${breaker(service)} is open`);

      const asked = p.requests.length;
      const remembered = await once(good[service], 1);
      if (service === 'ecommerce') assert.deepEqual([remembered.status, remembered.body], [503, down(service)]);
      else assert.deepEqual([remembered.status, remembered.body], [200, { data: first.body, fallback: true, cached: true, service }]);
      assert.deepEqual([(await once(other, 2)).status, (await once(other, 3)).body], [503, down(service)]);
      // Neither another action nor another body gets it.
      assert.equal((await ask(w, `${service}/y`, good[service])).status, 503);
      assert.equal(p.requests.length, asked);

      p.script = (name, n) => [200, { from: name, n }];
      await control(w, breaker(service), 'open');
      await control(w, breaker(service), 'auto');
      assert.equal((await once(other, 4)).status, 200);
      assert.equal(await state(w, breaker(service)), 0);
      assert.equal((await once(other, 5)).body.from, service);
    }
  });

  test(`${home}: what the edge itself refuses has the gateway's headers, too`, async (t) => {
    const w = await gateway(t, await peer(t));
    const url = `${w.edge}/gateway/embeddings/create`;
    const large = { method: 'POST', body: JSON.stringify({ text: 'x'.repeat(2_000_000) }), headers: { 'content-type': 'application/json' } };
    for (const [options, status] of [[{}, 405], [large, 413]]) {
      const r = await fetch(url, options);
      assert.equal(r.status, status);
      assert.equal(r.headers.get('x-gateway-version'), '1.0');
      assert.ok(r.headers.get('x-request-id'));
      await r.arrayBuffer();
    }
  });

  test(`${home}: requests and their durations are counted by service and method`, async (t) => {
    const p = await peer(t);
    const w = await gateway(t, p);
    await many(3, () => ask(w, 'calendar/x', good.calendar));
    await ask(w, 'calendar/x', {});
    await counts(w, { service: 'calendar', status: 'success' }, 3);
    await counts(w, { service: 'calendar', status: 'error' }, 1);
    await until(async () => await metric(w, 'gateway_request_duration_seconds_count', { service: 'calendar' }) >= 4, 'all are timed');
    const text = await (await fetch(`${w.admin}/metrics`)).text();
    const bounds = [...text.matchAll(/^gateway_request_duration_seconds_bucket\{service="calendar",method="POST",le="([^"]+)"\} (\d+)$/gm)];
    assert.deepEqual(bounds.map((b) => b[1]), ['0.1', '0.5', '1', '2', '5', '+Inf']);
    assert.equal(bounds.at(-1)[2], '4');
    assert.match(text, /^gateway_requests_total\{service="calendar",method="POST",status="success"\} 3$/m);
    // A caller that goes away counts too.
    p.script = () => null;
    const gone = new AbortController();
    const call = fetch(`${w.edge}/gateway/calendar/x`, { method: 'POST', body: JSON.stringify(good.calendar), signal: gone.signal,
      headers: { 'content-type': 'application/json' } });
    await until(() => p.count('calendar') === 4, 'the service is asked');
    gone.abort();
    await assert.rejects(call, { name: 'AbortError' });
    await counts(w, { service: 'calendar', status: 'error' }, 2);
  });
}

test('two gateways on one Redis count as one, and remember as one', async (t) => {
  const p = await peer(t);
  const { url } = await redis(t);
  const env = { ...p.env, REDIS_URL: url };
  const two = [await start(t, files('gateway'), { shards: 2, env }), await start(t, files('gateway'), { env })];
  for (const w of two) await warm(w);
  assert.deepEqual(counted((await burst(two)).answers), { 200: 10, 429: 30 });
  const first = await ask(two[0], 'calendar/x', good.calendar);
  await control(two[1], 'calendar', 'open');
  assert.deepEqual((await ask(two[1], 'calendar/x', good.calendar)).body, { data: first.body, fallback: true, cached: true, service: 'calendar' });
});

test('without its Redis the gateway goes on, uncounted and without memory, and takes it up again', async (t) => {
  const p = await peer(t);
  const r = await redis(t);
  const w = await start(t, files('gateway'), { shards: 2, env: { ...p.env, REDIS_URL: r.url } });
  await warm(w);
  assert.equal((await ask(w, 'calendar/x', good.calendar)).headers.get('x-ratelimit-remaining'), '299');
  await r.stop();
  const uncounted = await ask(w, 'calendar/x', good.calendar);
  assert.deepEqual([uncounted.status, uncounted.headers.get('x-ratelimit-remaining')], [200, '300']);
  p.script = () => [500, {}];
  const fallen = await ask(w, 'calendar/x', good.calendar);
  assert.deepEqual([fallen.status, fallen.body], [503, down('calendar')]);
  stands(fallen, 300);
  await r.start();
  await warm(w);
  p.script = () => [200, { back: true }];
  assert.deepEqual((await ask(w, 'calendar/x', good.calendar)).body, { back: true });
  p.script = () => [500, {}];
  await until(async () => (await ask(w, 'calendar/x', good.calendar)).body.cached === true, 'it is remembered again');
});

test('breakers are as agreed, and what is too slow counts as failed', async (t) => {
  const p = await peer(t);
  const w = await start(t, files('gateway'), { env: p.env });
  const said = await (await fetch(`${w.admin}/api/v1/breakers`)).json();
  const list = Array.isArray(said) ? said : said.breakers ?? said.items;
  const agreed = Object.fromEntries(list.map((b) => [b.name, [b.threshold, b.reset_after_ms]]));
  assert.deepEqual(agreed, { llama: [0.3, 60000], embeddings: [0.5, 30000], calendar: [0.5, 30000], payment: [0.2, 60000], baserow: [0.5, 30000] });
  // The 30 seconds of llama are too long to be waited for here.
  p.script = () => null;
  await Promise.all(services.filter((s) => s !== 'llama').map(async (service) => {
    const slow = await ask(w, `${service}/x`, good[service]);
    assert.deepEqual([slow.status, slow.body], [503, down(service)]);
    assert.equal(await metric(w, 'weir_breaker_calls_total', { breaker: breaker(service), result: 'timeout' }), 1);
  }));
});

test('llama is tried three times, others once', async (t) => {
  const p = await peer(t);
  const w = await start(t, files('gateway'), { env: p.env });
  p.script = (service, n) => (n < 3 ? [503, {}] : [200, { n }]);
  assert.deepEqual((await ask(w, 'llama/x', good.llama)).body, { n: 3 });
  p.script = () => [503, {}];
  assert.deepEqual((await ask(w, 'llama/x', { ...good.llama, more: 1 })).body, down('llama'));
  assert.equal(p.count('llama'), 6);
  assert.equal((await ask(w, 'calendar/x', good.calendar)).status, 503);
  assert.equal(p.count('calendar'), 1);
});

test('the demo upstream plays all services, and fails if it is asked to', async (t) => {
  const demo = await start(t, files('demo_upstream'));
  const at = `${demo.edge}/demo`;
  const env = Object.fromEntries(services.map((s) => [`${s.toUpperCase()}_URL`, `${at}/${s}`]));
  const w = await start(t, files('gateway'), { env });
  for (const service of services) {
    const r = await ask(w, `${service}/list`, good[service]);
    assert.equal(r.status, 200);
    assert.equal(r.body.error, undefined);
  }
  assert.equal((await ask(w, 'llama/x', good.llama)).body.response, 'You asked: hi');
  const failing = await many(6, () => ask(w, 'embeddings/list', { text: 'x', fail: true }));
  assert.deepEqual(counted(failing), { 503: 6 });
  assert.equal(await state(w, 'embeddings'), 2);
  assert.deepEqual((await ask(w, 'embeddings/list', good.embeddings)).body,
    { data: { text: 'hi', embedding: [0.12, -0.5, 0.83] }, fallback: true, cached: true, service: 'embeddings' });
});

test('an alert is logged and sent when a breaker opens', async (t) => {
  const p = await peer(t);
  const w = await start(t, files('gateway', 'breaker_alert'), { shards: 2, env: { ...p.env, ALERT_URL: `${p.url}/alert/here` } });
  p.script = () => [500, {}];
  await many(6, () => ask(w, 'embeddings/x', good.embeddings));
  await until(() => p.count('alert') > 0, 'the alert is sent');
  assert.match(JSON.parse(p.requests.find((r) => r.url === '/alert/here').body).text, /^embeddings is down: \d of \d calls failed$/);
  await w.log((l) => l.level === 'error' && l.msg === 'embeddings is down: its breaker is open');
  assert.equal(p.count('alert'), 1);

  const quiet = await start(t, files('gateway', 'breaker_alert'), { env: p.env });
  await control(quiet, 'calendar', 'open');
  await quiet.log((l) => l.level === 'error' && /^calendar is down/.test(l.msg));
  await until(async () => await metric(quiet, 'weir_runs_total', { pipeline: 'breaker_alert', outcome: 'completed' }) === 1, 'the run is over');
});

test('overview: three answers become one, and what is not needed may be missing', async (t) => {
  const demo = await start(t, files('demo_upstream'));
  const at = `${demo.edge}/demo`;
  const env = { USERS_URL: at, STOCK_URL: at, CALENDAR_URL: `${at}/calendar` };
  const lunch = [{ at: '2026-01-31T12:00:00Z', title: 'Lunch' }];
  const whole = { name: 'Ada', segment: 'gold', favourite_left: 12, events: lunch, complete: true };
  const get = async (w) => { const r = await fetch(`${w.edge}/overview/u-7`); return [r.status, await r.json()]; };
  assert.deepEqual(await get(await start(t, files('overview'), { env })), [200, whole]);
  const part = await start(t, files('overview'), { env: { ...env, STOCK_URL: `${at}/down` } });
  assert.deepEqual(await get(part), [200, { ...whole, favourite_left: null, complete: false }]);
  const none = await start(t, files('overview'), { env: { ...env, USERS_URL: `${at}/down` } });
  assert.equal((await get(none))[0], 502);
});

test('cached_lookup: one call for many, and an answer like the first one', async (t) => {
  let release;
  const wait = new Promise((done) => { release = done; });
  const slow = await upstream(t, async (request, response) => {
    await wait;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ url: request.url }));
  });
  const w = await start(t, files('cached_lookup'), { env: { STOCK_URL: slow.url } });
  const get = async (sku) => { const r = await fetch(`${w.edge}/lookup/${sku}`); return [r.status, r.headers.get('content-type'), await r.text()]; };
  const all = many(20, () => get('a'));
  await until(() => slow.requests.length > 0, 'the first call arrives');
  release();
  const answers = await all;
  for (const a of [...answers, await get('a')]) assert.deepEqual(a, [200, 'application/json', '{"url":"/stock/a"}']);
  assert.equal(slow.requests.length, 1);
  assert.equal((await get('b'))[2], '{"url":"/stock/b"}');
  assert.equal(slow.requests.length, 2);
});

test('contact_form: a form comes in, clean JSON goes out', async (t) => {
  const p = await peer(t);
  const w = await start(t, files('contact_form'), { env: { CONTACT_URL: `${p.url}/contact/us` } });
  const send = async (form) => { const r = await fetch(`${w.edge}/contact`, { method: 'POST', body: new URLSearchParams(form) }); return { status: r.status, body: await r.json() }; };
  const form = { name: ' <b>Ada</b> ', email: 'ada@example.org', message: 'Hello <script>alert(1)</script>& good-bye' };
  assert.deepEqual(await send(form), { status: 202, body: { thanks: 'Ada' } });
  assert.equal(p.requests[0].headers['content-type'], 'application/json');
  const got = JSON.parse(p.requests[0].body);
  assert.deepEqual([got.name, got.email], ['Ada', 'ada@example.org']);
  assert.match(got.text, /^Hello & ?(amp; )?good-bye$/);
  const bad = await send({ ...form, email: 'nowhere', message: '' });
  assert.equal(bad.status, 422);
  assert.deepEqual(bad.body.errors.map((e) => e.pointer).sort(), ['#/email', '#/message']);
  assert.equal((await fetch(`${w.edge}/contact`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })).status, 415);
  assert.equal(p.requests.length, 1);
});

test('github_to_chat: signed events become messages, others are refused', async (t) => {
  const p = await peer(t);
  const env = { CHAT_URL: `${p.url}/chat/room` };
  const w = await start(t, files('github_to_chat'), { env: { ...env, WEIR_SECRET_GITHUB: 'opensesame' } });
  const send = async (gw, event, body, secret = 'opensesame') => {
    const text = JSON.stringify(body);
    const signature = secret === null ? {} : { 'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(text).digest('hex')}` };
    const r = await fetch(`${gw.edge}/github`, { method: 'POST', body: text, headers: { 'content-type': 'application/json', 'x-github-event': event, ...signature } });
    const answer = await r.json();
    return [r.status, answer.type ?? answer];
  };
  const last = () => JSON.parse(p.requests.at(-1).body).text;
  const push = { pusher: { name: 'ada' }, commits: [{}, {}], repository: { full_name: 'ada/engine' } };
  assert.deepEqual(await send(w, 'push', push), [202, { posted: true }]);
  assert.equal(last(), 'ada pushed 2 commit(s) to ada/engine');
  const issue = { action: 'opened', sender: { login: 'bob' }, issue: { number: 7, title: 'It leaks', html_url: 'https://github.com/x/y/issues/7' } };
  assert.deepEqual(await send(w, 'issues', issue), [202, { posted: true }]);
  assert.equal(last(), 'bob opened issue #7 (It leaks), https://github.com/x/y/issues/7');
  assert.deepEqual(await send(w, 'ping', { zen: 'x' }), [202, { posted: false }]);
  assert.equal(p.requests.length, 2);
  const refused = [401, 'urn:weir:problem:unauthorized'];
  for (const secret of ['wrong', '', null]) assert.deepEqual(await send(w, 'push', push, secret), refused);
  assert.equal((await fetch(`${w.edge}/github`, { method: 'POST', headers: { 'content-type': 'application/json' } })).status, 401);
  const open = await start(t, files('github_to_chat'), { env });
  for (const secret of ['opensesame', '', null]) assert.deepEqual(await send(open, 'push', push, secret), refused);
  assert.equal(p.requests.length, 2);
});

test('weir check finds nothing to say about the pipelines', () => {
  const r = weir(['check', '--strict', folder]);
  assert.deepEqual([r.code, r.err], [0, '']);
});
