// How long the edge waits: for heads, bodies, the next request, readers, and when it has no descriptor left.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { start, metric, until, slow } from './lib/weir.mjs';
import { connect, exchange, parse } from './lib/net.mjs';
import { answers, count, pipelines } from './lib/edge.mjs';

test('a head that is too slow is cut with 408', async (t) => {
  const w = await start(t, pipelines, { args: ['--set', 'edge.header_timeout=300ms'] });
  const c = connect(w.edgePort);
  await c.write('GET /fixed/1 HTTP/1.1\r\nHost: x\r\n');
  const drip = setInterval(() => c.socket.write('X: y\r\n'), 50);
  t.after(() => clearInterval(drip));
  assert.equal(parse(await c.until(/\r\n\r\n/)).status, 408);
  await c.ended;
  assert.equal(await metric(w, 'weir_edge_refused_total', { reason: 'header_deadline' }), 1);
});

test('a body that is too slow is cut with 408', async (t) => {
  const w = await start(t, pipelines, { args: ['--set', 'edge.body_timeout=300ms'] });
  const c = connect(w.edgePort);
  await c.write('POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
  const drip = setInterval(() => c.socket.write('x'), 50);
  t.after(() => clearInterval(drip));
  assert.equal(parse(await c.until(/\r\n\r\n/)).status, 408);
  await c.ended;
});

test('an idle connection is closed without a word', async (t) => {
  const w = await start(t, pipelines, { args: ['--set', 'edge.idle_timeout=200ms', '--set', 'edge.header_timeout=200ms'] });
  const c = connect(w.edgePort);
  await c.write('GET /fixed/1 HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal(count(await c.ended), 1);
  const silent = connect(w.edgePort);
  assert.equal(await silent.ended, '');
});

test('a connection ends after as many requests as it may have', async (t) => {
  const w = await start(t, pipelines, { args: ['--set', 'edge.max_requests=3'] });
  const all = answers(await exchange(w.edgePort, 'GET /fixed/1 HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5)));
  assert.equal(all.length, 3);
  assert.equal(all[2].headers.connection, 'close');
});

test('a reader who takes nothing loses its connection, others do not notice', async (t) => {
  const w = await start(t, pipelines, { args: ['--set', 'edge.write_timeout=300ms', '--set', 'edge.max_body=16MiB'] });
  const c = connect(w.edgePort);
  await c.write('');
  c.socket.pause();
  const body = 'x'.repeat(12 << 20);
  c.socket.write(Buffer.from(`POST /large HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`));
  await until(() => metric(w, 'weir_runs_total', { pipeline: 'large' }), 'the answer is on its way');
  assert.equal((await fetch(`${w.edge}/fixed/1`)).status, 200);
  await until(async () => (await metric(w, 'weir_edge_refused_total', { reason: 'slow_reader' })) === 1, 'the reader is cut');
  c.end();
});

/** Seconds of CPU that PID has used. */
const cpu = (pid) => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(stat[11]) + Number(stat[12])) / 100;
};

test('300 callers on 128 descriptors wait in the backlog, and nothing spins', async (t) => {
  const w = await start(t, pipelines, { prefix: ['prlimit', '--nofile=128:128'] });
  const all = Array.from({ length: 300 }, () => connect(w.edgePort));
  t.after(() => all.forEach((c) => c.end()));
  await until(async () => all.filter((c) => c.socket.readyState === 'open').length === 300, 'all are connected');
  for (const c of all) c.write('GET /fixed/1 HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => all.some((c) => /n=1$/.test(c.text)), 'some are served');
  const lines = w.lines.filter((l) => l.msg !== 'request').length;
  const before = cpu(w.worker);
  await new Promise((done) => setTimeout(done, 1000)); // the time over which CPU is measured
  const used = cpu(w.worker) - before;
  assert.ok(used < (slow ? 0.6 : 0.2), `${used} s of CPU in 1 s`);
  assert.ok(w.lines.filter((l) => l.msg !== 'request').length - lines <= 3, 'few lines of log');
  assert.ok(all.some((c) => c.text === '' && !c.closed), 'some still wait');
  assert.equal((await fetch(`${w.admin}/livez`)).status, 200);
  all.forEach((c) => c.end());
  const r = await fetch(`${w.edge}/fixed/9`);
  assert.equal(await r.text(), 'n=9');
});
