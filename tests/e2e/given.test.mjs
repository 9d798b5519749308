// What each step of a job was given: kept of the one that failed, worked out of the others, and where neither
// is possible said to be unknown. Over the API and the command line.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder, start, until, weir } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

/** weir with PIPELINES (a function of the upstream's URL); the upstream answers 503 where the path has "bad". */
async function stage(t, pipelines) {
  const s = { u: await upstream(t, (request, response) => {
    response.statusCode = request.url.includes('bad') ? 503 : 200;
    response.setHeader('content-type', 'application/json');
    response.end('{"fine":true}');
  }) };
  s.w = await start(t, pipelines(s.u.url), { args: ['--store', `sqlite:${folder(t)}/weir.db`],
    env: { WEIR_SECRET_CRM: 'hush-hush-hush', SHOP_NAME: 'corner', CRM_PASSWORD_URL: `${s.u.url.replace('//', '//ada:pass-of-ada@')}` } });
  s.get = async (path) => (await fetch(`${s.w.admin}/api/v1/${path}`)).json();
  s.cli = (...args) => weir([...args, '--admin', s.w.admin.slice(7)]);
  s.send = async (path, body, headers = {}) => {
    const r = await fetch(`${s.w.edge}/${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
    await r.arrayBuffer();
    return r.status;
  };
  /** Sends to the pipeline PATH: its new job, once it is over. */
  s.job = async (path, body, headers) => {
    const before = (await s.get(`jobs?pipeline=${path}`)).total;
    await s.send(path, body, headers);
    let all;
    await until(async () => {
      all = await s.get(`jobs?pipeline=${path}`);
      return all.total > before && ['dead', 'completed'].includes(all.jobs[0].state);
    }, `a job of ${path} is over`);
    return s.get(`jobs/${all.jobs[0].id}`);
  };
  return s;
}

const traced = (job, id) => job.attempts[0].trace.steps.find((step) => step.id === id);
const recorded = (job, path) => job.steps.find((step) => step.path === path);

const shop = (url) => ({
  'loop.yaml': `
name: loop
durable: true
trigger: { webhook: { path: /loop, methods: [POST] } }
vars: { unit: EUR }
steps:
  - id: first
    set: { shop: "\${ env.SHOP_NAME }", who: "\${ request.body.who }" }
  - id: each
    foreach: { items: "\${ request.body.items }", max_items: 10 }
    do:
      - id: ship
        http:
          method: POST
          url: "${url}/\${ item.kind }"
          headers: { Authorization: "Bearer \${ secrets.CRM }", X-Plain: in the text, X-Item: "\${ item.kind }" }
          json: { kind: order, unit: "\${ vars.unit }", item: "\${ item }", shop: "\${ steps.first.shop }", at: "\${ index }" }
`,
  'plain.yaml': `
name: plain
trigger: { webhook: { path: /plain, methods: [POST] } }
steps:
  - id: made
    set: { n: "\${ request.body.n + 1 }", at: "\${ env.CRM_PASSWORD_URL }/" }
  - id: ask
    http: { method: PUT, url: "${url}/bad", json: "\${ input.n }" }
`,
  'steps.yaml': `
name: steps
durable: steps
trigger: { webhook: { path: /steps, methods: [POST] } }
steps:
  - id: one
    set: { n: "\${ request.body.n * 2 }" }
  - id: told
    log: "n is \${ input.n }"
  - id: way
    switch: \${ input.n > 5 }
    cases:
      true:
        - id: two
          set: { from: "\${ steps.one.n }", at: "\${ now() }", id: "\${ uuid() }", big: "\${ request.body.big ?? null }" }
  - id: each
    foreach: { items: "\${ [1, 2] }", max_items: 10 }
    do:
      - id: inner
        set: { it: "\${ item }", same: "\${ steps.one.n }" }
`,
});

test('of the step that failed it is kept, in a loop too', async (t) => {
  const s = await stage(t, shop);
  const job = await s.job('loop', { who: 'ada', items: [{ kind: 'good', n: 1 }, { kind: 'bad', n: 2 }] });
  assert.deepEqual([job.state, job.node], ['dead', 'ship']);
  const ship = traced(job, 'ship');
  assert.equal(ship.given, 'kept');
  assert.deepEqual(ship.config, {
    method: 'POST', url: `${s.u.url}/bad`, headers: { Authorization: '***', 'X-Plain': '***', 'X-Item': 'bad' },
    json: { kind: 'order', unit: 'EUR', item: { kind: 'bad', n: 2 }, shop: 'corner', at: 1 },
  });
  assert.deepEqual(ship.config.json, JSON.parse(s.u.requests.at(-1).body)); // what was really sent
  assert.deepEqual([ship.input, ship.unknown], [{ kind: 'bad', n: 2 }, undefined]);
  const first = traced(job, 'first');
  assert.deepEqual([first.given, first.config, first.input.who], ['worked out', { shop: 'corner', who: 'ada' }, 'ada']);
  const each = traced(job, 'each');
  assert.deepEqual([each.config.items.length, each.input], [2, { shop: 'corner', who: 'ada' }]);
  assert.doesNotMatch(JSON.stringify(job), /hush-hush/);

  const step = await s.get(`jobs/${job.id}/steps/ship`);
  assert.deepEqual([step.attempts[0].config, step.attempts[0].input], [ship.config, ship.input]);
  assert.deepEqual([step.of, step.event], [undefined, undefined]);
  const shown = s.cli('jobs', 'show', job.id);
  assert.deepEqual([shown.code, shown.err], [0, '']);
  assert.match(shown.out, new RegExp(`^What ship was given; in whole: weir jobs show ${job.id} --step ship\\n {2}config +\\{"method":"POST","url":"${s.u.url}/bad",.*\\n {2}input +\\{"kind":"bad","n":2\\}$`, 'm'));
  const whole = s.cli('jobs', 'show', job.id, '--step', 'ship');
  assert.deepEqual([whole.code, whole.err], [0, '']);
  assert.match(whole.out, /^given +kept\nconfig\n\{\n {2}"method": "POST",\n(.*\n)*\}\ninput\n\{\n {2}"kind": "bad",\n {2}"n": 2\n\}$/m);
  assert.deepEqual(JSON.parse(s.cli('jobs', 'show', job.id, '--step', 'ship', '--json').out).attempts[0].config, ship.config);
});

test('a failed run that was not durable has it, too; who one is at a host is not shown', async (t) => {
  const s = await stage(t, shop);
  const job = await s.job('plain', { n: 1 });
  const ask = traced(job, 'ask');
  assert.deepEqual(ask.config, { method: 'PUT', url: `${s.u.url}/bad`, json: 2 });
  assert.deepEqual([ask.given, ask.input.n], ['kept', 2]);
  const made = traced(job, 'made');
  assert.deepEqual([made.config, made.input], [{ n: 2, at: `${s.u.url.replace('//', '//***@')}/` }, { n: 1 }]);
});

test('of a completed job it is worked out, with the pipeline as it was', async (t) => {
  const s = await stage(t, shop);
  const { id } = await s.job('steps', { n: 3, big: 'x'.repeat(5000) });
  const look = async () => {
    const job = await s.get(`jobs/${id}`);
    assert.equal(job.state, 'completed');
    const [one, told, two, inner] = ['one', 'told', 'two', 'inner/2'].map((path) => recorded(job, path) ?? recorded(job, path.replace('2', '1')));
    assert.deepEqual([one.given, one.config, one.input, one.unknown], ['worked out', { n: 6 }, undefined, undefined]);
    assert.ok(one.input_bytes > 5000); // the whole body
    assert.deepEqual([told.config.message, told.input], ['n is 6', { n: 6 }]);
    assert.deepEqual([two.config, two.config_bytes > 5000], [undefined, true]);
    assert.deepEqual(two.input, { n: 6 });
    assert.match(two.unknown['/at'], /the time or of chance/);
    assert.match(two.unknown['/id'], /the time or of chance/);
    assert.deepEqual(inner.config, { same: 6 });
    assert.match(inner.unknown['/it'], /what its block was given/);
    assert.match(inner.unknown.input, /what its block was given/);
    const whole = (await s.get(`jobs/${id}/steps/two`)).steps[0];
    assert.deepEqual([whole.config.from, whole.config.big.length, whole.config.at], [6, 5000, undefined]);
  };
  await look();
  assert.match(s.cli('jobs', 'show', id, '--step', 'two').out, /^not known: config \/at: it is made of the time or of chance/m);
  // Another text is in force; the one of that time is kept.
  writeFileSync(join(s.w.dir, 'steps.yaml'), shop(s.u.url)['steps.yaml'].replace('request.body.n * 2', 'request.body.n * 100').replace('n is', 'm is'));
  assert.equal((await fetch(`${s.w.admin}/api/v1/reload`, { method: 'POST' })).status, 200);
  await look();
});

test('what can not be worked out is said to be unknown, and why', async (t) => {
  const s = await stage(t, (url) => ({ 'odd.yaml': `
name: odd
durable: true
retention: { payloads: 1h }
trigger: { webhook: { path: /odd, methods: [POST] } }
steps:
  - id: large
    set: { text: "\${ request.body.text }" }
  - id: tried
    http: "${url}/bad"
    catch:
      - id: handled
        set: { why: "\${ error.message }", n: "\${ request.body.n }" }
  - id: after
    set: { size: "\${ size(steps.large.text) }", n: "\${ input.n }", none: "\${ request.body.nothing ?? 'x' }" }
  - id: wrong
    set: { n: "\${ int(request.body.word) }", fine: "\${ input.n }" }
` }));
  const job = await s.job('odd', { text: 'x'.repeat(70_000), n: 5, word: 'seven' });
  assert.deepEqual([job.state, job.node], ['dead', 'wrong']);
  const [large, handled, after, wrong] = ['large', 'handled', 'after', 'wrong'].map((id) => traced(job, id));
  assert.ok(large.bytes > 70_000 && large.config_bytes > 70_000 && large.input_bytes > 70_000);
  assert.deepEqual([handled.config, Object.keys(handled.unknown)], [{ n: 5 }, ['/why', 'input']]);
  assert.match(handled.unknown['/why'], /an error/);
  assert.deepEqual([after.config, after.unknown], [{ n: 5, none: 'x' }, { '/size': "the output of 'large' is not kept" }]);
  assert.deepEqual([wrong.given, wrong.config], ['kept', { fine: 5 }]);
  assert.match(wrong.unknown['/n'], /int\(request\.body\.word\): the text is no whole number/);
  assert.deepEqual(wrong.input, after.output);
  assert.equal((await s.get(`jobs/${job.id}/steps/large`)).attempts[0].config.text.length, 70_000);
});
