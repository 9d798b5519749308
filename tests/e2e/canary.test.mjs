// A secret as a canary: it is put wherever a pipeline may put one, everything goes wrong that can, and then
// all that weir wrote, answered and kept is searched for it, in every form that text takes on its way.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { binary, folder, start, until, weir } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

const canary = 'Kanari/3n+vogel"Zq81~x y=?&z>>>end';
const password = 'Pw-of-the-canary-77';

/** The forms of TEXT that must not be seen. Of base64 the part that TEXT alone decides, by where it begins. */
function forms(text) {
  const bytes = Buffer.from(text);
  const all = [text, JSON.stringify(text).slice(1, -1), JSON.stringify(JSON.stringify(text)).slice(3, -3), encodeURIComponent(text),
    encodeURIComponent(text).replace(/%../g, (x) => x.toLowerCase()), new URLSearchParams({ k: text }).toString().slice(2),
    bytes.toString('hex'), bytes.toString('hex').toUpperCase()];
  for (let before = 0; before < 3; before++) {
    const coded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64').replace(/=+$/, '');
    const sure = coded.slice([0, 2, 3][before], Math.floor(((before + bytes.length) * 8) / 6));
    all.push(sure, sure.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return [...new Set(all)];
}
const canaries = [...forms(canary), ...forms(password)];

const leaks = []; // all of them are told at the end, not the first one alone

/** Notes where the canary stands in WHAT, a text or bytes. */
function hidden(where, what) {
  assert.ok(what.length > 0, `${where} is empty: nothing was looked at`);
  const text = Buffer.isBuffer(what) ? what.toString('latin1') : what;
  for (const form of canaries) {
    const at = text.indexOf(form);
    if (at >= 0) leaks.push(`${where} shows the canary as ${form}: ...${text.slice(Math.max(0, at - 160), at + 80)}`);
  }
}

const secrets = (url) => ({
  'http.yaml': `name: http
trigger: { webhook: { path: /http } }
steps:
  - id: ask
    http:
      method: POST
      url: ${url}/echo
      headers:
        Authorization: "Bearer \${ secrets.CANARY }"
        X-Basic: "Basic \${ base64.encode('ada:' + secrets.CANARY) }"
        X-Hex: "\${ hex.encode(secrets.CANARY) }"
        X-Url: "\${ url.encode(secrets.CANARY) }"
      query: { key: "\${ secrets.CANARY }" }
      json: { token: "\${ secrets.CANARY }", deep: ["\${ secrets.CANARY }"], text: "\${ json.encode({'a': secrets.CANARY}) }" }
    effect: none
  - log: "the upstream says \${ steps.ask.body }"
  - log: { message: with fields, fields: { echo: "\${ steps.ask.body }", header: "\${ steps.ask.headers }" } }
  - id: kept
    set: { echo: "\${ steps.ask.body }" }
  - id: strict
    validate: { value: "\${ steps.ask.body }", schema: { type: object, properties: { auth: { type: string, maxLength: 3 }, basic: { const: no } } } }
catch:
  - log: { level: error, message: "\${ error.message } \${ error.detail ?? '' }" }
`,
  'fail.yaml': `name: fail
trigger: { webhook: { path: /fail } }
steps:
  - http: { url: ${url}/teapot, headers: { Authorization: "Bearer \${ secrets.CANARY }" }, fail_on: [418] }
`,
  'refused.yaml': `name: refused
trigger: { webhook: { path: /refused } }
steps:
  - http: { url: "http://127.0.0.1:1/", headers: { Authorization: "Bearer \${ secrets.CANARY }" }, query: { key: "\${ secrets.CANARY }" } }
`,
  'garbage.yaml': `name: garbage
trigger: { webhook: { path: /garbage } }
steps:
  - http: { url: ${url}/garbage, headers: { X-Key: "\${ secrets.CANARY }" } }
`,
  'lua.yaml': `name: lua
trigger: { webhook: { path: /lua } }
steps:
  - id: script
    lua: |
      local r, err = ctx.ask { path = "/echo" }
      ctx.log("info", "lua got " .. r.body.auth, { auth = r.body.auth })
      error("lua throws " .. r.body.auth .. " and " .. r.body.basic)
    uses:
      ask: { http: { base_url: ${url}, headers: { Authorization: "Bearer \${ secrets.CANARY }", X-Basic: "\${ base64.encode('x:' + secrets.CANARY) }" } } }
`,
  'expr.yaml': `name: expr
trigger: { webhook: { path: /expr } }
steps:
  - id: ask
    http: { url: ${url}/echo, headers: { Authorization: "\${ secrets.CANARY }" } }
  - set: \${ int(steps.ask.body.auth) }
`,
  'redis.yaml': `name: redis
trigger: { webhook: { path: /redis } }
steps:
  - redis: { url: "\${ secrets.REDIS }", command: [GET, "\${ secrets.CANARY }"] }
`,
  'postgres.yaml': `name: postgres
trigger: { webhook: { path: /postgres } }
steps:
  - postgres: { url: "\${ secrets.POSTGRES }", query: "select $1", params: ["\${ secrets.CANARY }"] }
`,
  'verify.yaml': `name: verify
trigger: { webhook: { path: /verify, verify: { scheme: github, secret: "\${ secrets.CANARY }" } } }
steps:
  - reply: 204
`,
  'basic.yaml': `name: basic
trigger: { webhook: { path: /basic, auth: { basic: { users: [{ name: ada, password: "\${ secrets.CANARY }" }] } } } }
steps:
  - http: { url: "http://127.0.0.1:1/", method: POST, json: "\${ request.headers }", sign: { scheme: github, secret: "\${ secrets.CANARY }" } }
`,
  'dead.yaml': `name: dead
durable: steps
trigger: { webhook: { path: /dead } }
steps:
  - id: ask
    http:
      method: POST
      url: ${url}/echo
      headers: { Authorization: "Bearer \${ secrets.CANARY }", X-Basic: "Basic \${ base64.encode('ada:' + secrets.CANARY) }" }
      json: { token: "\${ secrets.CANARY }" }
    effect: unsafe
  - id: signed
    set: { signature: "\${ hex.encode(hmac('sha256', secrets.CANARY, 'x')) }", same: "\${ secrets.CANARY == 'no' }" }
  - id: choose
    switch: \${ secrets.CANARY == 'x' }
    cases: { "true": [ { set: 1 } ] }
    default: []
  - id: never
    http: { url: "http://127.0.0.1:1/", headers: { Authorization: "\${ secrets.CANARY }" } }
    effect: none
`,
});

const paths = ['http', 'fail', 'refused', 'garbage', 'lua', 'expr', 'redis', 'postgres', 'verify', 'basic', 'dead'];

test('a secret that goes everywhere is seen nowhere', { timeout: 240_000 }, async (t) => {
  const up = await upstream(t, (q, r, body) => {
    if (q.url.startsWith('/garbage')) return q.socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${q.headers['x-key']}\r\n\r\n`);
    const echo = { auth: q.headers.authorization ?? '', basic: q.headers['x-basic'] ?? '', hex: q.headers['x-hex'] ?? '', url: q.url,
      escaped: q.headers['x-url'] ?? '', body: body.toString() };
    r.writeHead(q.url.startsWith('/teapot') ? 418 : 200, { 'content-type': 'application/json', 'x-echo': encodeURIComponent(echo.auth) });
    r.end(JSON.stringify(echo));
  });
  const env = { WEIR_SECRET_CANARY: canary, WEIR_SECRET_REDIS: `redis://:${password}@127.0.0.1:1/0`,
    WEIR_SECRET_POSTGRES: `postgresql://ada:${password}@127.0.0.1:1/db`, WEIR_MASTER_KEY: `${canary} as a key` };
  const dir = folder(t);
  const w = await start(t, secrets(up.url), { env, cwd: dir, args: ['--set', 'log.level=debug', '--store', 'sqlite:weir.db'] });
  const admin = ['--admin', w.admin.slice(7)];
  const tail = spawn(binary, ['tail', '--json', ...admin]);
  t.after(() => tail.kill('SIGKILL'));
  let seen = '';
  tail.stdout.setEncoding('utf8').on('data', (d) => { seen += d; });
  await until(async () => { await (await fetch(`${w.edge}/refused`, { method: 'POST' })).text(); return seen.includes('run.ended'); }, 'an event of weir tail');

  for (const path of paths) {
    const r = await fetch(`${w.edge}/${path}`, { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } });
    hidden(`the answer of /${path}`, JSON.stringify([...r.headers]) + await r.text());
    assert.ok(r.status >= 400 || path === 'dead', `/${path} went well: ${r.status}`);
  }
  // Who has the right password gets in, and is not kept with it.
  const ada = await fetch(`${w.edge}/basic`, { method: 'POST', headers: { authorization: `Basic ${Buffer.from(`ada:${canary}`).toString('base64')}` } });
  assert.equal(ada.status, 502);
  hidden('the answer to who has the password', JSON.stringify([...ada.headers]) + await ada.text());
  const asked = up.requests.find((q) => q.url.startsWith('/echo?'));
  assert.equal(asked.headers.authorization, `Bearer ${canary}`, 'the upstream gets it');
  assert.equal(asked.headers['x-basic'], `Basic ${Buffer.from(`ada:${canary}`).toString('base64')}`);

  // The jobs, dead and kept, with their steps.
  const api = async (path) => { const r = await fetch(`${w.admin}/api/v1/${path}`); return { status: r.status, text: await r.text() }; };
  const jobs = await until(async () => {
    const list = JSON.parse((await api('jobs?state=dead')).text).jobs;
    return list.length >= paths.length - 3 && list.some((j) => j.pipeline === 'dead') && list;
  }, 'the dead jobs');
  for (const j of jobs) {
    hidden(`jobs/${j.id}`, (await api(`jobs/${j.id}`)).text);
    const shown = weir(['jobs', 'show', j.id, '--json', ...admin]);
    hidden('weir jobs show --json', shown.out + shown.err);
    hidden('weir jobs show', weir(['jobs', 'show', j.id, ...admin]).out);
  }
  const dead = jobs.find((j) => j.pipeline === 'dead');
  hidden('weir replay plan', weir(['replay', 'plan', dead.id, ...admin]).out);
  for (const path of ['info', 'pipelines', ...paths.map((p) => `pipelines/${p}`), 'nodes', 'nodes/http', 'jobs', 'incidents', 'breakers', 'limits', 'audit', 'store'])
    hidden(path, (await api(path)).text);
  hidden('/metrics', await (await fetch(`${w.admin}/metrics`)).text());
  hidden('/readyz', await (await fetch(`${w.admin}/readyz?verbose`)).text());

  // What commands write.
  hidden('weir store export', weir(['store', 'export', ...admin]).out);
  const backup = weir(['store', 'backup', 'copy.db', ...admin]);
  assert.equal(backup.code, 0, backup.err);
  for (const args of [['secrets', 'list'], ['secrets', 'list', '--json'], ['check', w.dir], ['check', w.dir, '--json'], ['explain', 'settings'],
    ['graph', join(w.dir, 'dead.yaml')], ['nodes']]) {
    const r = weir(args, { env, cwd: dir });
    hidden(`weir ${args.join(' ')}`, r.out + r.err);
  }
  const tried = weir(['try', join(w.dir, 'http.yaml'), '--json'], { env, cwd: dir, input: '' });
  hidden('weir try', tried.out + tried.err);

  await until(() => paths.filter((p) => p !== 'verify').every((p) => seen.includes(`"${p}"`)), 'the events of all runs');
  hidden('weir tail', seen);
  await w.stop();
  hidden('the log', w.lines.map((l) => JSON.stringify(l)).join('\n'));
  assert.ok(w.lines.some((l) => JSON.stringify(l).includes('the upstream says')), 'the echo was logged');
  assert.ok(w.lines.some((l) => JSON.stringify(l).includes('lua throws')), 'the error of Lua was logged');
  for (const name of readdirSync(dir).filter((n) => n.includes('.db')))
    hidden(name, Buffer.concat([Buffer.from(name), readFileSync(join(dir, name))]));
  assert.equal(leaks.length, 0, leaks.join('\n\n'));
});

test('a secret of the wrong form is refused when it is loaded, and is not quoted', (t) => {
  const bad = `${canary}%zz`;
  const dir = folder(t, { 'a.yaml': `name: a
trigger:
  - webhook: { path: /v, verify: { scheme: standard-webhooks, secret: "\${ secrets.BAD }" } }
  - webhook: { path: /b, auth: { basic: { users: [{ name: ada, hash: "\${ secrets.BAD }" }] } } }
  - webhook: { path: /k, auth: { api_key: { keys: [{ name: ada, hash: "\${ secrets.BAD }" }] } } }
steps:
  - postgres: { url: "\${ secrets.PG }", query: "select 1" }
  - redis: { url: "\${ secrets.REDIS }", command: [GET, a] }
  - http: { url: "http://127.0.0.1:1/", method: POST, text: a, sign: { scheme: standard-webhooks, secret: "\${ secrets.BAD }" } }
`, 'weir.yaml': 'require: { secrets: { BAD: url, PG: int, REDIS: { pattern: "^no$" } } }\n' });
  for (const [pg, redis] of [[`postgresql://ada:${password}%zz@h/db`, `redis://:${password}@h:1x/0`], [`host=h password=${password} ${password}=1`, `http://${password}`],
    [`postgresql://ada:${password}@h:99999/db?${password}=1`, `redis://h/${password}?${password}=1`]]) {
    const env = { WEIR_SECRET_BAD: bad, WEIR_SECRET_PG: pg, WEIR_SECRET_REDIS: redis };
    for (const args of [['check'], ['check', '--json'], ['run', '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0'], ['try', 'a.yaml']]) {
      const r = weir([...args.slice(0, 1), ...(args[0] === 'try' ? ['a.yaml'] : ['a.yaml', ...args.slice(1)])], { env, cwd: dir, input: '' });
      assert.equal(r.code, 1, `weir ${args}: ${r.err}`);
      assert.ok((r.out + r.err).match(/W060[12]/g).length >= 6, r.out + r.err);
      leaks.length = 0;
      hidden(`weir ${args}`, r.out + r.err);
      assert.deepEqual(leaks, []);
    }
  }
});
