// A job that has begun goes on with the pipeline that it began with; one that has not takes today's.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { over, place, post, state, upstream } from './lib/jobs.mjs';
import { until, weir } from './lib/weir.mjs';

const pipeline = (url, word, more = '  - wait: { callback: true }\n    do:\n      - http: { method: PUT, url: URL/mail, json: { url: "${ callback.url }" } }\n') => `
trigger: { webhook: { path: /in, methods: [POST] } }
durable: steps
respond: accepted
steps:
${more}  - http: { method: PUT, url: URL/${word}, json: {} }
`.replaceAll('URL', url);

const reload = async (w) => {
  const r = await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
  assert.equal(r.status, 200, await r.text());
};
const shown = (w, job) => JSON.parse(weir(['jobs', 'show', job, '--json', '--admin', w.admin.slice(7)]).out);
const call = (w, u, job) => post(w, new URL(u.of('/mail').map((c) => c.body.url).find((at) => at.includes(job))).pathname);
/** SQL on the store of the folder DIR while weir runs. */
const sql = (dir, text) => {
  const r = spawnSync('sqlite3', ['-cmd', '.timeout 10000', join(dir, 'var/weir.db'), text], { encoding: 'utf8' });
  assert.deepEqual([r.status, r.stderr], [0, '']);
};
const has = (command) => !spawnSync(command, ['--version']).error;

test('over a reload and over restarts, and when its pipeline is gone', async (t) => {
  const u = await upstream(t);
  const go = place(t, { 'a.yaml': pipeline(u.url, 'one'), 'b.yaml': 'trigger: { webhook: { path: /b } }\nsteps: []\n' });
  const write = (word) => writeFileSync(join(go.dir, 'a.yaml'), pipeline(u.url, word));
  let w = await go({ shards: 2 });
  const jobs = [];
  const begin = async () => {
    jobs.push((await (await post(w, '/in')).json()).job);
    await over(w, jobs.at(-1), 'waiting');
  };
  for (let i = 0; i < 3; i++) await begin();
  write('two');
  await reload(w);
  await begin();
  await call(w, u, jobs[0]);
  await over(w, jobs[0], 'completed');
  assert.deepEqual([u.of('/one').length, u.of('/two').length], [1, 0]);
  await call(w, u, jobs[3]);
  await over(w, jobs[3], 'completed');
  assert.deepEqual([u.of('/one').length, u.of('/two').length], [1, 1]);

  await w.stop();
  w = await go({ shards: 2 });
  await call(w, u, jobs[1]);
  await over(w, jobs[1], 'completed');
  assert.deepEqual([u.of('/one').length, u.of('/two').length], [2, 1]);

  rmSync(join(go.dir, 'a.yaml'));
  await reload(w);
  assert.equal((await post(w, '/in')).status, 404);
  await call(w, u, jobs[2]);
  await over(w, jobs[2], 'completed');
  assert.deepEqual([u.of('/one').length, u.of('/two').length], [3, 1]);
});

test('what can not be loaded any more is dead, and says why', async (t) => {
  const u = await upstream(t);
  const named = (word) => pipeline(u.url, word).replace('steps:\n', 'steps:\n  - validate: { schema: shape.json }\n');
  const go = place(t, { 'a.yaml': named('one'), 'shape.json': '{}' });
  const w = await go();
  const { job } = await (await post(w, '/in')).json();
  await over(w, job, 'waiting');
  writeFileSync(join(go.dir, 'a.yaml'), pipeline(u.url, 'two'));
  rmSync(join(go.dir, 'shape.json'));
  await reload(w);
  await call(w, u, job);
  await over(w, job, 'dead');
  assert.equal(shown(w, job).reason, 'definition gone');
  assert.match(shown(w, job).message, /can't be loaded any more: .*shape\.json/);
});

test('one that has not begun takes today\'s', async (t) => {
  const u = await upstream(t);
  const go = place(t, { 'a.yaml': pipeline(u.url, 'one', '') });
  const w = await go();
  assert.equal(weir(['pause', 'a', '--admin', w.admin.slice(7)]).code, 0);
  const { job } = await (await post(w, '/in')).json();
  assert.equal(await state(w, job), 'held');
  writeFileSync(join(go.dir, 'a.yaml'), pipeline(u.url, 'two', ''));
  await reload(w);
  assert.equal(weir(['resume', 'a', '--admin', w.admin.slice(7)]).code, 0);
  await over(w, job, 'completed');
  assert.deepEqual(u.calls.map((c) => c.path), ['/two']);
});

test('many jobs of many revisions at once', async (t) => {
  const u = await upstream(t);
  const go = place(t, { 'a.yaml': pipeline(u.url, 'r0') });
  let w = await go();
  const jobs = [];
  for (let r = 0; r < 12; r++) {
    writeFileSync(join(go.dir, 'a.yaml'), pipeline(u.url, `r${r}`));
    await reload(w);
    for (let i = 0; i < 3; i++) jobs.push((await (await post(w, '/in')).json()).job);
  }
  for (const job of jobs) await over(w, job, 'waiting');
  await w.stop();
  w = await go();
  await Promise.all(jobs.map((job) => call(w, u, job)));
  for (const job of jobs) await over(w, job, 'completed');
  await until(() => Array.from({ length: 12 }, (_, r) => u.of(`/r${r}`).length).every((n) => n === 3), 'each went its own way');
});

test('what others have of errors by now is theirs alone', async (t) => {
  const u = await upstream(t);
  const b = 'trigger: { webhook: { path: /b } }\nsteps:\n  - lua: "return { n = 1 }"\n';
  const calls = `
trigger: { webhook: { path: /calls, methods: [POST] } }
durable: steps
respond: accepted
steps:
  - wait: { callback: true }
    do: [{ http: { method: PUT, url: "${u.url}/mail", json: { url: "\${ callback.url }" } } }]
  - call: { pipeline: b }
    catch: [{ set: { it: "\${ error.message }" } }]
  - http: { method: PUT, url: ${u.url}/c, json: "\${ input }" }
`;
  const go = place(t, { 'a.yaml': pipeline(u.url, 'one'), 'b.yaml': b, 'c.yaml': calls });
  const w = await go();
  const jobs = [];
  for (const path of ['/in', '/calls']) jobs.push((await (await post(w, path)).json()).job);
  for (const job of jobs) await over(w, job, 'waiting');
  for (const name of ['a', 'c']) writeFileSync(join(go.dir, `${name}.yaml`), pipeline(u.url, 'two').replace('/in', `/${name}`));
  await reload(w);
  writeFileSync(join(go.dir, 'b.yaml'), b.replace('return {', 'return {{'));
  assert.notEqual((await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' })).status, 200);
  for (const job of jobs) await call(w, u, job);
  for (const job of jobs) await over(w, job, 'completed');
  assert.deepEqual([u.of('/one').length, u.of('/two').length], [1, 0]);
  assert.match(u.of('/c')[0].body.it, /the pipeline 'b' can't be loaded as it is now/);
});

test('a moment\'s trouble makes no job dead, and a replay never takes today\'s', { skip: has('sqlite3') ? false : 'sqlite3 is not installed' }, async (t) => {
  let broken = true;
  const u = await upstream(t, (_, res) => { res.statusCode = broken ? 503 : 200; res.end('{}'); });
  const write = (word) => `trigger: { webhook: { path: /in, methods: [POST] } }\nrespond: accepted\nsteps: [{ http: { method: PUT, url: "${u.url}/${word}" } }]\n`;
  const go = place(t, { 'a.yaml': write('one') });
  const w = await go();
  const cli = (...args) => { const r = weir([...args, '--admin', w.admin.slice(7)]); assert.equal(r.code, 0, r.err); return r.out; };
  const jobs = [];
  for (let i = 0; i < 3; i++) {
    jobs.push((await (await post(w, '/in')).json()).job);
    await over(w, jobs[i], 'dead');
  }
  broken = false;
  u.calls.length = 0;
  writeFileSync(join(go.dir, 'a.yaml'), write('two'));
  await reload(w);
  // A replay with its own revision, which comes to run after TEXT was done to the store.
  const replay = async (n, text) => {
    cli('pause', 'a');
    const job = /new job: (\S+)/.exec(cli('replay', jobs[n], '--from', 'start', '--original', '--reason', 'x', '--yes'))[1];
    assert.equal(await state(w, job), 'held');
    sql(go.dir, text);
    cli('resume', 'a');
    return job;
  };

  let job = await replay(0, 'ALTER TABLE revisions RENAME TO elsewhere');
  await until(() => w.lines.some((l) => l.msg.includes(`job ${job}: the pipeline that it began with can't be had now`)), 'it is given back');
  sql(go.dir, 'ALTER TABLE elsewhere RENAME TO revisions');
  await over(w, job, 'completed');
  assert.deepEqual(u.calls.map((c) => c.path), ['/one']);
  await reload(w); // what was made of it is forgotten

  job = await replay(1, 'CREATE TABLE kept AS SELECT * FROM revisions; DELETE FROM revisions');
  await over(w, job, 'dead');
  assert.equal(shown(w, job).reason, 'definition gone');
  sql(go.dir, 'DELETE FROM revisions; INSERT INTO revisions SELECT * FROM kept');
  await reload(w); // and what was gone is looked for again
  job = await replay(2, '');
  await over(w, job, 'completed');
  assert.deepEqual(u.calls.map((c) => c.path), ['/one', '/one']);
});

test('what it began with is made anew when something else comes into force', async (t) => {
  const u = await upstream(t);
  const go = place(t, { 'a.yaml': pipeline(u.url, 'one').replace(/(  - http: .*one)/, '  - validate: { schema: shape.json }\n$1'), 'shape.json': '{}' });
  const w = await go();
  const jobs = [];
  for (let i = 0; i < 2; i++) {
    jobs.push((await (await post(w, '/in')).json()).job);
    await over(w, jobs[i], 'waiting');
  }
  writeFileSync(join(go.dir, 'a.yaml'), pipeline(u.url, 'two'));
  await reload(w);
  await call(w, u, jobs[0]);
  await over(w, jobs[0], 'completed');
  writeFileSync(join(go.dir, 'shape.json'), '{ "not": {} }');
  await reload(w);
  await call(w, u, jobs[1]);
  await over(w, jobs[1], 'dead');
  assert.match(shown(w, jobs[1]).node, /validate/);
  assert.deepEqual([u.of('/one').length, u.of('/two').length], [1, 0]);
});
