// What is over goes, as settings and pipelines say; and weir store compact, export and backup.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { folder, metric, start, until, weir } from './lib/weir.mjs';

const kept = `
name: kept
durable: true
respond: accepted
trigger: { webhook: { path: "/kept", methods: [POST] } }
steps:
  - set: { n: "\${ request.body.n }" }
`;
const broken = `
name: broken
durable: true
respond: accepted
retention: { dead: 90d, payloads: 1h }
trigger: { webhook: { path: "/broken", methods: [POST] } }
steps:
  - http: { url: "http://127.0.0.1:9/nobody" }
`;

async function shop(t, { args = [], at = folder(t), pipelines = { 'kept.yaml': kept, 'broken.yaml': broken } } = {}) {
  const w = await start(t, pipelines, { args: ['--store', `sqlite:${at}/weir.db`, ...args] });
  const s = { w, at };
  s.api = async (method, path, body) => {
    const r = await fetch(`${w.admin}/api/v1/${path}`, { method, body: body && JSON.stringify(body) });
    return { status: r.status, body: await r.json() };
  };
  s.cli = (...words) => weir(['store', ...words, '--admin', w.admin.slice(7)], { env: { SUDO_USER: '', USER: 'ada' } });
  s.stats = async () => (await s.api('GET', 'store')).body;
  s.count = async (state) => (await s.stats()).jobs[state] ?? 0;
  s.send = async (path, headers = {}) => {
    const r = await fetch(`${w.edge}/${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: '{"n":1}' });
    assert.equal(r.status, 202);
    return (await r.json()).job;
  };
  return s;
}

test('no more jobs that are over are kept than the settings allow', async (t) => {
  const s = await shop(t, { args: ['--set', 'store.keep_jobs=5'] });
  const dead = await s.send('broken');
  await until(async () => (await s.count('dead')) === 1, 'it is dead');
  for (let i = 0; i < 12; i++) await s.send('kept');
  await until(async () => (await metric(s.w, 'weir_store_removed_total', { what: 'jobs' })) === 8, 'eight are removed');
  assert.equal(await s.count('completed'), 4);
  assert.equal(await metric(s.w, 'weir_jobs', { state: 'dead' }), 1);
  assert.equal((await s.api('GET', `jobs/${dead}`)).body.state, 'dead');
  for (const name of ['commits_total', 'operations_total', 'commit_seconds_total', 'file_bytes'])
    assert.ok((await metric(s.w, `weir_store_${name}`)) > 0, name);
  for (const name of ['waiting', 'waiting_bytes', 'failures_total'])
    assert.equal(await metric(s.w, `weir_store_${name}`), 0, name);
});

test('a wrong retention is an error that says where', (t) => {
  const at = folder(t, { 'a.yaml': kept.replace('durable: true', 'durable: true\nretention: { completed: 7, deaf: 1d }') });
  const r = weir(['check', at]);
  assert.equal(r.code, 1);
  assert.match(r.out + r.err, /deaf/);
  assert.match(r.out + r.err, /dead/);
});

test('weir store export writes whole jobs, masked, a line each', async (t) => {
  const s = await shop(t);
  for (let i = 0; i < 70; i++) await s.send('kept', { authorization: 'Bearer hidden-thing' });
  const dead = await s.send('broken');
  await until(async () => (await s.count('completed')) === 70 && (await s.count('dead')) === 1, 'all are over');
  const all = s.cli('export');
  assert.deepEqual([all.code, all.err], [0, '']);
  const jobs = all.out.trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.equal(jobs.length, 71);
  assert.equal(new Set(jobs.map((j) => j.id)).size, 71);
  assert.ok(jobs.every((j) => j.event.method === 'POST'));
  assert.doesNotMatch(all.out, /hidden-thing/);
  const file = join(s.at, 'dead.ndjson');
  assert.equal(s.cli('export', '--state', 'dead', '--since', '1h', '-o', file).code, 0);
  assert.deepEqual(readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line).id), [dead]);
  assert.equal(s.cli('export', '-o', file).code, 1);
  assert.equal(s.cli('export', '--state', 'odd').code, 2);
  const none = join(s.at, 'none.ndjson');
  assert.equal(s.cli('export', '--state', 'odd', '-o', none).code, 2);
  assert.equal(existsSync(none), false); // the next try finds the name free
  assert.equal(s.cli('stats', '--state', 'dead').code, 2);
});

test('weir store backup makes a store that weir starts with', async (t) => {
  const s = await shop(t);
  const dead = await s.send('broken');
  await until(async () => (await s.count('dead')) === 1, 'it is dead');
  const r = s.cli('backup', 'monday.db', '--reason', 'every monday');
  assert.deepEqual([r.code, r.err], [0, '']);
  const copy = join(s.at, 'monday.db');
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  const again = s.cli('backup', 'monday.db');
  assert.equal(again.code, 1);
  assert.match(again.err, /already/);
  assert.match(s.cli('backup', '../out.db').err, /\.\./);
  assert.match(s.cli('backup', '/tmp/out.yaml').err, /\.db/);
  assert.equal(s.cli('backup').code, 2);
  assert.equal((await s.api('POST', 'store/backup', { file: 'x.db', more: 1 })).status, 400);
  const entry = (await s.api('GET', 'audit')).body.entries[0];
  assert.deepEqual([entry.what, entry.who, entry.why, entry.after], ['store.backup', 'ada', 'every monday', copy]);
  assert.ok(!existsSync(`${copy}.part`));
  const w = await start(t, { 'kept.yaml': kept }, { args: ['--set', `store.url=sqlite:${copy}`] });
  assert.equal((await (await fetch(`${w.admin}/api/v1/jobs/${dead}`)).json()).state, 'dead');
});

test('weir store compact gives back what is free', async (t) => {
  const s = await shop(t, { args: ['--set', 'store.keep_jobs=1'] });
  for (let i = 0; i < 200; i++) await s.send('kept', { 'x-filling': 'f'.repeat(4000) });
  await until(async () => (await s.count('completed')) === 1, 'all but one are removed');
  const r = s.cli('compact');
  assert.deepEqual([r.code, r.err], [0, '']);
  assert.match(r.out, /were given back/);
  const { task } = await s.stats();
  assert.deepEqual([task.what, task.running, task.error], ['compact', false, undefined]);
  assert.ok(statSync(join(s.at, 'weir.db')).size < 400_000);
  assert.equal(s.cli('compact', 'now').code, 2);
});
