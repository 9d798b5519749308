// The description of the admin API: it is whole, nothing is left out of it, and each path answers as it says.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { root } from './lib/weir.mjs';
import { shop } from './lib/shop.mjs';

const openapi = JSON.parse(readFileSync(join(root, 'schemas/openapi.json'), 'utf8'));
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema({ $id: 'api', ...openapi });
const follow = (x) => (x.$ref ? x.$ref.slice(2).split('/').reduce((at, k) => at[k], openapi) : x);
const operations = Object.entries(openapi.paths).flatMap(([path, item]) => Object.entries(item).map(([method, op]) => ({ path, method: method.toUpperCase(), op })));

test('schemas/openapi.json is whole in itself', () => {
  assert.equal(openapi.openapi, '3.1.0');
  const ids = new Set();
  for (const { path, method, op } of operations) {
    assert.ok(op.summary && op.operationId && !ids.has(op.operationId), `${method} ${path}`);
    ids.add(op.operationId);
    const named = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]);
    const params = (op.parameters ?? []).map(follow);
    assert.deepEqual(params.filter((p) => p.in === 'path').map((p) => p.name), named, `${method} ${path}`);
    assert.ok(Object.keys(op.responses).some((status) => status.startsWith('2')));
    for (const r of Object.values(op.responses)) assert.ok(follow(r).description, `${method} ${path}`);
  }
  const refs = [];
  const walk = (x) => { if (x && typeof x === 'object') { if (typeof x.$ref === 'string') refs.push(x.$ref); Object.values(x).forEach(walk); } };
  walk(openapi);
  for (const ref of refs) assert.ok(follow({ $ref: ref }), ref);
  for (const name of Object.keys(openapi.components.schemas)) ajv.compile({ $ref: `api#/components/schemas/${name}` });
});

test('each path of the admin is described', async (t) => {
  const s = await shop(t);
  const source = readFileSync(join(root, 'core/admin/admin.c'), 'utf8');
  const table = [...source.matchAll(/\{ "(GET|POST)", "([^"]+)", (true|false), (?:true|false), \w+ \}/g)];
  assert.ok(table.length >= 15);
  const described = (method, path) => operations.some((o) => o.method === method && o.path === path);
  const below = (method, path) => operations.some((o) => o.method === method && o.path.startsWith(`${path}/{`));
  for (const [, method, path, deep] of table) {
    if (method === 'GET' || deep === 'false') assert.ok(described(method, path), `${method} ${path}`);
    if (deep === 'true') assert.ok(below(method, path), `${method} ${path}/...`);
  }
  for (const c of (await s.api('GET', 'info')).body.collections) {
    assert.ok(described('GET', `/api/v1/${c.name}`) && below('GET', `/api/v1/${c.name}`), c.name);
    for (const verb of c.verbs) assert.ok(described('POST', `/api/v1/${c.name}/{name}/${verb}`), `${c.name} ${verb}`);
  }
});

test('each described path answers as it is described', async (t) => {
  const protect = `
trigger: { webhook: { path: /guarded, methods: [POST] } }
steps:
  - { id: limit, ratelimit: { key: all, limit: 100/1h } }
  - id: guard
    breaker: peer
    do: [ { set: 1 } ]
`;
  const s = await shop(t, { more: { 'protect.yaml': protect } });
  await s.send('guarded');
  const job = await s.pay('dead');
  await s.frail();
  await s.pay('completed', 1);
  await s.api('POST', `jobs/${await s.pay('dead')}/discard`, { reason: 'for the audit' });
  // It has one replay, and the next one an hour later.
  const batch = (await s.api('POST', 'batches', { rate: '1/1h', pipeline: 'frail', reason: 'x' })).body.id;
  const names = { '/api/v1/pipelines': 'pay', '/api/v1/nodes': 'http', '/api/v1/breakers': 'peer', '/api/v1/limits': 'protect%2Flimit', '/api/v1/jobs': job, '/api/v1/batches': batch };
  const fill = (path) => path.replace('{check}', path.startsWith('/livez') ? 'loop' : 'generation').replace('{step}', 'charge').replace(/\{\w+\}/, () => names[path.slice(0, path.indexOf('/{'))]);
  const order = (o) => (o.path.endsWith('/drain') ? 1 : 0);
  for (const { path, method, op } of operations.toSorted((a, b) => order(a) - order(b))) {
    const what = `${method} ${path}`;
    const body = method !== 'POST' ? undefined : path.endsWith('/jobs/discard') ? '{"reason":"x","pipeline":"none"}' : path.endsWith('/discard') ? '{"reason":"x"}' : path.endsWith('/edit') ? '{"set":{"/amount":1}}' : path.endsWith('/reset') ? '{"key":"all"}' : undefined;
    const stop = new AbortController();
    const r = await fetch(s.w.admin + fill(path), { method, body, signal: stop.signal });
    const content = follow(op.responses[r.status] ?? op.responses.default).content;
    assert.ok(op.responses[r.status], `${what} answers ${r.status}`);
    assert.notEqual(r.status, 404, what);
    const type = r.headers.get('content-type').split(';')[0];
    assert.ok(content[type], `${what} answers ${type}`);
    if (type.endsWith('json')) {
      const value = await r.json();
      const pointer = `#/paths/${path.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D')}/${method.toLowerCase()}/responses/${r.status}`;
      const schema = op.responses[r.status].$ref ? `api${op.responses[r.status].$ref}/content/application~1problem+json/schema` : `api${pointer}/content/application~1json/schema`;
      const valid = ajv.compile({ $ref: schema });
      assert.ok(valid(value), `${what}: ${JSON.stringify(valid.errors)}\n${JSON.stringify(value)}`);
    }
    stop.abort();
  }
});
