// The same scripted calls to npm's opossum and to a breaker: states and outcomes agree step by step.
import test from 'node:test';
import assert from 'node:assert/strict';
import CircuitBreaker from 'opossum';
import { start, metric, until, slow } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

const timeout = slow ? 400 : 150;
const reset = slow ? 1500 : 1000;

/** Both, with the same options: call(how) gives the outcome, state() the state. */
async function theirs(t, o) {
  const breaker = new CircuitBreaker((how) => {
    if (how === 'good') return Promise.resolve('fine');
    if (how === 'bad') return Promise.reject(new Error('bad'));
    if (how === 'filtered') return Promise.reject(Object.assign(new Error('filtered'), { filtered: true }));
    return new Promise(() => {});
  }, { timeout, resetTimeout: reset, errorThresholdPercentage: o.threshold, volumeThreshold: o.volume,
    rollingCountTimeout: 60_000, errorFilter: (e) => !!e.filtered });
  if (o.fallback) breaker.fallback(() => 'instead');
  t.after(() => breaker.shutdown());
  const codes = { EOPENBREAKER: 'rejected', ETIMEDOUT: 'timeout' };
  return {
    call: (how) => breaker.fire(how).then((v) => v, (e) => codes[e.code] ?? 'failed'),
    state: async () => (breaker.opened ? 'open' : breaker.halfOpen ? 'half_open' : 'closed'),
  };
}

async function ours(t, o) {
  const peer = await upstream(t, (request, response) => {
    if (request.url === '/hang') return;
    response.statusCode = { '/good': 200, '/bad': 500, '/filtered': 501 }[request.url];
    response.end('fine');
  });
  const fallback = '    fallback:\n      - reply: { status: 200, text: instead }\n';
  const w = await start(t, { 'a.yaml': `
name: a
trigger: { webhook: { path: "/{how}", methods: [GET] } }
steps:
  - breaker: { name: b, timeout: ${timeout}ms, reset_after: ${reset}ms, error_threshold: ${o.threshold}%, volume: ${o.volume}, window: 60s, ignore: [501] }
    do:
      - http: { url: "${peer.url}/\${ request.params.how }" }
${o.fallback ? fallback : ''}
  - reply: { text: fine } # behind the breaker: it has counted the call before anybody hears of it
` }, { shards: 2 });
  const names = { 502: 'failed', 503: 'rejected', 504: 'timeout' };
  return {
    call: async (how) => {
      const r = await fetch(`${w.edge}/${how}`);
      const text = await r.text();
      return r.status === 200 ? text : names[r.status] ?? 'failed';
    },
    state: async () => ['closed', 'half_open', 'open'][await metric(w, 'weir_breaker_state', { breaker: 'b' })],
  };
}

/** Plays SCRIPT: words are calls, "wait" waits until it is half-open, a list is calls at once. */
async function play(side, script) {
  const seen = [];
  for (const step of script) {
    let outcome = step;
    if (step === 'wait') await until(async () => await side.state() === 'half_open', 'it is half-open');
    else if (Array.isArray(step)) outcome = (await Promise.all(step.map((how) => side.call(how)))).sort().join(' ');
    else outcome = `${step}: ${await side.call(step)}`;
    seen.push(`${outcome} -> ${await side.state()}`);
  }
  return seen;
}

const scripts = {
  'a success leaves it closed': [{}, ['good', 'good']],
  'a failure opens it': [{}, ['bad', 'good']],
  'a timeout opens it': [{}, ['hang', 'good']],
  'exactly the threshold does not open it': [{}, ['good', 'bad', 'good', 'bad', 'bad', 'bad']],
  'a higher threshold': [{ threshold: 75 }, ['good', 'bad', 'bad', 'bad', 'bad', 'bad']],
  'the volume holds it closed': [{ volume: 4 }, ['bad', 'bad', 'bad', 'bad', 'bad']],
  'a good probe closes it': [{}, ['bad', 'wait', 'good', 'good']],
  'a bad probe opens it again': [{}, ['bad', 'wait', 'bad', 'good', 'wait', 'good']],
  'a probe that hangs opens it again': [{}, ['bad', 'wait', 'hang', 'good', 'wait', 'good']],
  'one bad probe is enough below the volume': [{ volume: 3 }, ['bad', 'bad', 'bad', 'wait', 'bad', 'good']],
  'one of several is the probe': [{}, ['bad', 'wait', ['hang', 'hang', 'hang', 'hang']]],
  'a filtered error is a success and reaches the caller': [{}, ['filtered', 'filtered', 'good', 'bad', 'bad', 'bad', 'bad']],
  'a filtered probe closes it': [{}, ['bad', 'wait', 'filtered', 'good']],
  'the fallback answers failures, timeouts and rejections': [{ fallback: true }, ['good', 'bad', 'hang', 'good', 'wait', 'good']],
  'the fallback does not answer a filtered error': [{ fallback: true }, ['filtered', 'good']],
};

for (const [name, [options, script]] of Object.entries(scripts))
  test(`as opossum: ${name}`, async (t) => {
    const o = { threshold: 50, volume: 0, fallback: false, ...options };
    const [a, b] = [await theirs(t, o), await ours(t, o)];
    const [expected, actual] = await Promise.all([play(a, script), play(b, script)]);
    assert.deepEqual(actual, expected);
  });
