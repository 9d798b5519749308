// Reloads under load, live events, drain: what an operator does to a weir that works.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { start, metric, until, write, weir, binary, sanitized } from './lib/weir.mjs';
import { tcp, connect } from './lib/net.mjs';

const version = (n) => `
name: v
trigger:
  webhook: { path: /v, methods: [GET, POST] }
steps:
  - set: { version: ${n} }
  - reply: { json: "\${ input }" }
`;

const reload = async (w) => {
  const r = await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
  return { status: r.status, ...(await r.json()) };
};

/** RSS of PID in MiB. */
const rss = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

/** N clients that ask PATH again and again on connections that are kept: { stop() } gives what they got. */
function load(w, path, n) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: n });
  const seen = { good: 0, versions: new Set(), bad: [] };
  let going = true;
  const once = () => new Promise((done) => {
    http.get({ port: w.edgePort, path, agent }, (r) => {
      let text = '';
      r.on('data', (d) => { text += d; });
      r.on('error', (e) => { seen.bad.push(e.message); done(); });
      r.on('end', () => {
        if (r.statusCode === 200) { seen.good++; seen.versions.add(JSON.parse(text).version); } else seen.bad.push(`${r.statusCode} ${text}`);
        done();
      });
    }).on('error', (e) => { seen.bad.push(e.message); done(); });
  });
  const clients = Array.from({ length: n }, async () => { while (going) await once(); });
  return { seen, stop: async () => { going = false; await Promise.all(clients); agent.destroy(); return seen; } };
}

test('a hundred reloads under load fail no request and leave no memory behind', async (t) => {
  const w = await start(t, { 'v.yaml': version(0) }, { shards: 2, args: ['--set', 'log.access=false'] });
  const clients = load(w, '/v', 8);
  t.after(() => clients.stop());
  const round = async (n) => {
    const before = clients.seen.good;
    write(w.dir, { 'v.yaml': version(n) });
    assert.equal((await reload(w)).status, 200);
    await until(() => clients.seen.good > before, 'requests go on');
  };
  for (let n = 1; n <= 20; n++) await round(n);
  const before = rss(w.worker);
  for (let n = 21; n <= 100; n++) await round(n);
  const seen = await clients.stop();
  assert.deepEqual(seen.bad.slice(0, 5), []);
  assert.ok(seen.versions.size > 50, `${seen.versions.size} versions were seen`);
  assert.equal((await (await fetch(`${w.edge}/v`)).json()).version, 100);
  assert.equal(await metric(w, 'weir_config_reloads_total', { result: 'success' }), 100);
  if (!sanitized) assert.ok(rss(w.worker) - before < 4, `${(rss(w.worker) - before).toFixed(1)} MiB more after 80 reloads`);
});

test('a bad file changes nothing and says where and why', async (t) => {
  const w = await start(t, { 'v.yaml': version(1) });
  const bad = {
    'reply:': ['repyl:', /did you mean 'reply'/],
    'steps:': ['stesp:', /steps/],
    '{ version: 1 }': ['{ version: "${ request.nothing }" }', /nothing/],
    'name: v': ['name: "unclosed', /v\.yaml:\d+:\d+/],
    'path: /v': ['path: v', /path/],
  };
  for (const [from, [to, why]] of Object.entries(bad)) {
    write(w.dir, { 'v.yaml': version(1).replace(from, to) });
    const r = await reload(w);
    assert.equal(r.status, 422, to);
    assert.match(r.text, why);
    assert.match(r.text, /v\.yaml:\d+:\d+/);
    assert.equal((await (await fetch(`${w.edge}/v`)).json()).version, 1);
  }
  write(w.dir, { 'v.yaml': version(1), 'w.yaml': version(2).replace('name: v', 'name: w') });
  const twice = await reload(w);
  assert.equal(twice.status, 422, 'the same route twice');
  assert.match(twice.text, /\/v/);
  assert.equal((await fetch(`${w.admin}/readyz`)).status, 200);
  assert.equal(await metric(w, 'weir_config_reloads_total', { result: 'failure' }), 6);
});

test('a reload refuses a bad weir.yaml, and says which setting waits for the next start', async (t) => {
  const w = await start(t, { 'a.yaml': 'name: a\ntrigger: { webhook: { path: /a, methods: [GET] } }\nsteps: [ { set: 1 } ]\n' });
  const reload = async () => (await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' }));
  write(w.dir, { 'weir.yaml': 'drain_timeuot: 5s\n' });
  const bad = await reload();
  assert.equal(bad.status, 422);
  assert.match((await bad.json()).text, /weir\.yaml:1:1.*drain_timeuot/);
  write(w.dir, { 'weir.yaml': 'drain_timeout: 5s\n' });
  assert.equal((await reload()).status, 200);
  await w.log((l) => /the setting drain_timeout has changed/.test(l.msg));
});

// From 500 pipelines on what a run reads is fetched ahead (engine/warm.h); metrics do not fit one piece; and a reload
// attaches and detaches in turns of the loop (engine/attach.c).
test('five hundred pipelines each answer, also after reloads, and their metrics come whole', async (t) => {
  const N = 520, one = (n, v) => `
name: p${n}
trigger: { webhook: { path: "/p${n}/{id}", methods: [GET] } }
steps:
  - id: seen
    set: { id: "\${ request.params.id }", n: ${n}, v: ${v} }
${n % 5 === 0 ? '  - lua: "return input"' : ''}
  - if: \${ steps.seen.id == 'bad' }
    id: fails
    validate: { schema: { type: string } }
  - reply: { json: "\${ steps.seen }" }
`;
  const files = (v) => Object.fromEntries(Array.from({ length: N }, (_, n) => [`p${n}.yaml`, one(n, v)]));
  const w = await start(t, files(0), { shards: 2, args: ['--set', 'log.access=false', '--set', 'engine.max_lag=1m'] });
  const numbers = Array.from({ length: N / 4 }, (_, n) => 4 * n);
  for (const v of [0, 1]) {
    if (v > 0) {
      const clients = load(w, '/p5/x', 4);
      write(w.dir, files(v));
      assert.equal((await reload(w)).status, 200);
      assert.deepEqual((await clients.stop()).bad, []);
    }
    const answers = await Promise.all(numbers.map(async (n) => (await fetch(`${w.edge}/p${n}/i${n}`)).json()));
    assert.deepEqual(answers, numbers.map((n) => ({ id: `i${n}`, n, v })));
  }
  assert.equal((await fetch(`${w.edge}/p7/bad`)).status, 422);
  for (const openmetrics of [false, true]) {
    const r = await fetch(`${w.admin}/metrics`, { headers: openmetrics ? { accept: 'application/openmetrics-text' } : {} });
    const text = await r.text(), lines = text.trimEnd().split('\n');
    assert.ok(r.headers.get('content-length') === null && text.length > 1_000_000, `${text.length} bytes in pieces`);
    assert.equal(lines.at(-1) === '# EOF', openmetrics);
    assert.equal(lines.filter((l) => /^weir_runs_total\{pipeline="p\d+",outcome="completed"\} \d+$/.test(l)).length, N);
    assert.deepEqual(lines.filter((l) => /^weir_node_duration_seconds_count\{.*outcome="failed"/.test(l)), ['weir_node_duration_seconds_count{pipeline="p7",node="fails",type="validate",outcome="failed"} 1']);
    assert.ok(lines.every((l) => /^#|^[a-z_]+(\{.*\})? \S+$/.test(l)), 'no line is cut');
  }
});

test('SIGHUP and weir reload load all files anew', async (t) => {
  const w = await start(t, { 'v.yaml': version(1) });
  write(w.dir, { 'v.yaml': version(2) });
  w.child.kill('SIGHUP');
  await until(async () => (await (await fetch(`${w.edge}/v`)).json()).version === 2, 'the new file is in force');
  write(w.dir, { 'v.yaml': version(3) });
  const admin = ['--admin', `127.0.0.1:${w.adminPort}`];
  assert.equal(weir(['reload', ...admin]).code, 0);
  assert.equal((await (await fetch(`${w.edge}/v`)).json()).version, 3);
  write(w.dir, { 'v.yaml': 'nonsense' });
  const r = weir(['reload', ...admin]);
  assert.equal(r.code, 1);
  assert.match(r.out + r.err, /v\.yaml/);
  w.child.kill('SIGHUP');
  await w.log((l) => l.level === 'error' && /reload/.test(l.msg));
  assert.equal((await (await fetch(`${w.edge}/v`)).json()).version, 3);
});

test('a pipeline that is taken away is 404, one that is added is there', async (t) => {
  const w = await start(t, { 'v.yaml': version(1), 'w.yaml': version(2).replaceAll('/v', '/w').replace('name: v', 'name: w') });
  const c = connect(w.edgePort);
  await c.write('GET /w HTTP/1.1\r\nHost: x\r\n\r\n');
  await c.until(/"version":2}/);
  unlinkSync(join(w.dir, 'w.yaml'));
  write(w.dir, { 'x.yaml': version(3).replaceAll('/v', '/x').replace('name: v', 'name: x') });
  assert.equal((await reload(w)).status, 200);
  assert.equal((await fetch(`${w.edge}/w`)).status, 404);
  assert.equal((await (await fetch(`${w.edge}/x`)).json()).version, 3);
  await c.write('GET /w HTTP/1.1\r\nHost: x\r\n\r\n');
  await c.until(/ 404 /); // on a connection that was there before, too
  c.end();
  const names = (await (await fetch(`${w.admin}/api/v1/pipelines`)).json());
  assert.match(JSON.stringify(names), /"x"/);
  assert.doesNotMatch(JSON.stringify(names), /"w"/);
});

test('what runs ends with the configuration that it began with', async (t) => {
  let socket;
  const up = await tcp(t, (s) => { socket = s; s.resume(); });
  const slowly = (n) => `name: v\ntrigger: { webhook: { path: /v, methods: [GET] } }\nsteps:\n  - http: { url: "${up.url}/", method: GET }\n  - reply: { json: { version: ${n} } }\n`;
  const w = await start(t, { 'v.yaml': slowly(1) });
  const old = fetch(`${w.edge}/v`);
  await until(() => socket, 'the upstream is called');
  const waiting = socket;
  for (let n = 2; n < 6; n++) {
    write(w.dir, { 'v.yaml': slowly(n) });
    assert.equal((await reload(w)).status, 200);
  }
  socket = undefined;
  const recent = fetch(`${w.edge}/v`);
  await until(() => socket, 'the upstream is called again');
  for (const s of [socket, waiting]) s.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  assert.equal((await (await recent).json()).version, 5);
  assert.equal((await (await old).json()).version, 1);
});

const two = {
  'good.yaml': 'name: good\ntrigger: { webhook: { path: /good, methods: [GET] } }\nsteps:\n  - reply: { text: ok }\n',
  'bad.yaml': 'name: bad\ntrigger: { webhook: { path: /bad, methods: [GET] } }\nsteps:\n  - set: "${ 1 / int(request.query.by) }"\n',
};

test('live events come as they happen, filtered as asked for', async (t) => {
  const w = await start(t, two, { shards: 2 });
  const watch = async (query) => {
    const c = connect(w.adminPort);
    await c.write(`GET /api/v1/events${query} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await c.until(/: watching/);
    t.after(() => c.end());
    c.events = () => [...c.text.matchAll(/^data: (.*)$/gm)].map((m) => JSON.parse(m[1]));
    return c;
  };
  const all = await watch('');
  const bad = await watch('?pipeline=bad');
  const failed = await watch('?event=run.ended&outcome=failed');
  for (let i = 0; i < 5; i++) { await fetch(`${w.edge}/good`); await fetch(`${w.edge}/bad?by=0`); }
  const ends = (c) => c.events().filter((e) => e.event === 'run.ended');
  await until(() => ends(all).length === 10, 'ten runs ended');
  await until(() => ends(failed).length === 5 && ends(bad).length === 5, 'five of them failed');
  assert.ok(all.events().some((e) => e.event === 'run.started'));
  assert.ok(all.events().some((e) => e.event === 'node.ended'));
  assert.ok(bad.events().every((e) => e.pipeline === 'bad'));
  assert.ok(failed.events().every((e) => e.event === 'run.ended' && e.outcome === 'failed'));
  assert.equal((await fetch(`${w.edge}/good`)).status, 200);
});

test('weir tail shows runs and ends after as many as it was told', async (t) => {
  const w = await start(t, two);
  const tail = spawn(binary, ['tail', '--admin', `127.0.0.1:${w.adminPort}`, '--json', '--outcome', 'failed', '-n', '2'], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => tail.kill());
  const lines = [];
  createInterface({ input: tail.stdout }).on('line', (l) => lines.push(JSON.parse(l)));
  const ended = new Promise((done) => tail.once('exit', done));
  let over = false;
  ended.then(() => { over = true; });
  await until(async () => { await fetch(`${w.edge}/good`); await fetch(`${w.edge}/bad?by=0`); return over; }, 'weir tail ends');
  assert.equal(await ended, 0);
  assert.deepEqual(lines.map((l) => l.outcome), ['failed', 'failed']);
});

test('drain finishes what runs, refuses what is new and ends', async (t) => {
  let socket;
  const up = await tcp(t, (s) => { socket = s; s.resume(); });
  const w = await start(t, { ...two, 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - http: { url: "${up.url}/", method: GET }\n  - reply: { text: finished }\n` });
  const running = connect(w.edgePort);
  await running.write('GET /p HTTP/1.1\r\nHost: x\r\n\r\n');
  const idle = connect(w.edgePort);
  await idle.write('GET /good HTTP/1.1\r\nHost: x\r\n\r\n');
  await idle.until(/ok$/);
  await until(() => socket, 'a run is under way');
  const r = await fetch(`${w.admin}/api/v1/drain`, { method: 'POST' });
  assert.ok(r.status === 200 || r.status === 202, String(r.status));
  await idle.ended;
  await until(async () => (await fetch(`${w.admin}/readyz`).catch(() => ({}))).status === 503, 'it is not ready');
  const late = connect(w.edgePort);
  await late.ended;
  assert.doesNotMatch(late.text, / 200 /);
  assert.equal(running.closed, false);
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  assert.match(await running.ended, /finished$/);
  assert.deepEqual(await w.ended, { code: 0, signal: null });
});

test('what does not end within drain_timeout is cancelled', async (t) => {
  const up = await tcp(t, (s) => s.resume());
  const w = await start(t, { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - http: { url: "${up.url}/", method: GET }\n` }, { args: ['--set', 'drain_timeout=300ms'] });
  const c = connect(w.edgePort);
  await c.write('GET /p HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => up.count === 1, 'the run is under way');
  w.child.kill('SIGTERM');
  assert.deepEqual(await w.ended, { code: 0, signal: null });
  await c.ended;
});
