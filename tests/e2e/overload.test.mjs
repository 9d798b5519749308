// More than can be done: three times what a route's upstream or concurrency allows, floods of connections, no
// descriptors, callers that are slow on purpose. LIMITS of the edge have the figures.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { readFileSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { start, until, slow, sanitized } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';
import * as h2 from './lib/h2.mjs';

const shedding = { WEIR_ENGINE_MAX_LAG: '250ms' }; // as weir does by itself
const status = (pid) => readFileSync(`/proc/${pid}/status`, 'utf8');
const peakMiB = (pid) => Number(/VmHWM:\s+(\d+)/.exec(status(pid))[1]) / 1024;
/** CPU seconds that PID has used. */
const cpu = (pid) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' '); return (Number(f[13]) + Number(f[14])) / 100; };
const at = (list, share) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * share)];

/** Asks for PATHS of weir on connections that are kept: ask() gives { status, ms }; 0: no answer. */
function caller(t, port, path) {
  const free = [], all = new Set();
  t.after(() => { for (const s of all) s.destroy(); });
  return () => new Promise((done) => {
    const began = performance.now();
    let text = '';
    const s = free.pop() ?? net.connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1').on('error', () => {});
    all.add(s);
    const over = (code) => { s.removeAllListeners('data').removeAllListeners('close'); done({ status: code, ms: performance.now() - began }); };
    s.on('close', () => { all.delete(s); over(0); });
    s.on('data', (d) => {
      text += d;
      const end = text.indexOf('\r\n\r\n');
      if (end < 0 || text.length < end + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)) return;
      over(Number(text.slice(9, 12)));
      free.push(s);
    });
    s.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  });
}

/** N callers, each with one request at a time: good answers a second. */
async function closed(ask, n, seconds) {
  const end = performance.now() + seconds * 1000;
  let good = 0;
  await Promise.all(Array.from({ length: n }, async () => { while (performance.now() < end) { const { status: s } = await ask(); good += s === 200; } }));
  return good / seconds;
}

/** RATE requests a second whatever the answers are: all answers. */
async function open(ask, rate, seconds) {
  const all = [], began = performance.now();
  for (let sent = 0; performance.now() < began + seconds * 1000; await after(1))
    for (; sent < ((performance.now() - began) / 1000) * rate; sent++) all.push(ask());
  return Promise.all(all);
}

const routes = {
  'a concurrency limit': (url) => `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nconcurrency: 8\nsteps:\n  - http: { url: "${url}/", method: GET, pool: 32 }\n`,
  'a concurrency limit that refuses': (url) => `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nconcurrency: { limit: 8, when_full: reject }\nsteps:\n  - http: { url: "${url}/", method: GET, pool: 32 }\n`,
  'an upstream': (url) => `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - http: { url: "${url}/", method: GET, pool: 8 }\n`,
};
for (const [what, pipeline] of Object.entries(routes)) {
  test(`three times what ${what} allows: at least 80 % of the best, and the rest is refused at once`, async (t) => {
    const up = await upstream(t, (q, r) => setTimeout(() => r.end('ok'), 25));
    const w = await start(t, { 'p.yaml': pipeline(up.url) }, { args: ['--set', 'log.access=false'], env: slow ? { WEIR_ENGINE_MAX_LAG: '2s' } : shedding });
    const ask = caller(t, w.edgePort, '/p');
    const best = await closed(ask, 8, 2);
    const seconds = 4;
    const all = await open(ask, 3 * best, seconds);
    const good = all.filter((a) => a.status === 200), refused = all.filter((a) => a.status === 503);
    assert.equal(good.length + refused.length, all.length, 'each has an answer');
    assert.ok(good.length / seconds >= 0.8 * best, `${good.length / seconds} of ${best} a second`);
    assert.ok(refused.length > all.length / 4, `${refused.length} of ${all.length} were refused`);
    const took = at(refused.map((a) => a.ms), 0.95);
    assert.ok(took < (slow ? 500 : 50), `a refusal took ${took} ms`);
    assert.ok(sanitized || peakMiB(w.worker) < 256, `${peakMiB(w.worker)} MiB`);
  });
}

for (const [took, times] of [[25, 3], [500, 3], [500, 20], [1500, 3]]) {
  test(`from a cold start, ${times} times what runs of ${took} ms allow is refused at once, or served`, async (t) => {
    const up = await upstream(t, (q, r) => setTimeout(() => r.end('ok'), took));
    const w = await start(t, { 'p.yaml': routes['a concurrency limit'](up.url) }, { args: ['--set', 'log.access=false'], env: slow ? { WEIR_ENGINE_MAX_LAG: '2s' } : shedding });
    const all = await open(caller(t, w.edgePort, '/p'), (times * 8 * 1000) / took, Math.max(2, (took * 3) / 1000));
    const good = all.filter((a) => a.status === 200), refused = all.filter((a) => a.status === 503);
    assert.equal(good.length + refused.length, all.length, 'each has an answer');
    assert.ok(refused.length > 0 && good.length >= 16, `${good.length} of ${all.length}`);
    assert.ok(at(refused.map((a) => a.ms), 0.95) < (slow ? 500 : 50), `a refusal took ${at(refused.map((a) => a.ms), 0.95)} ms`);
    assert.deepEqual(refused.filter((a) => a.ms > 1500).map((a) => a.ms), [], 'nobody is let in, and refused in the end');
  });
}

const simple = { 'p.yaml': 'name: p\ntrigger: { webhook: { path: /p, methods: [GET, POST] } }\nsteps:\n  - reply: { text: hello }\n' };

/** N connections to PORT that send TEXT; those that are closed come again if AGAIN. */
async function flood(t, port, n, text = '', again = false) {
  const sockets = new Set();
  let over = false;
  const one = () => {
    const s = net.connect({ port, host: '127.0.0.1' }, () => { if (text) s.write(text); }).on('error', () => {}).on('close', () => { sockets.delete(s); if (again && !over) one(); });
    sockets.add(s);
  };
  const end = () => { over = true; for (const s of sockets) s.destroy(); };
  t.after(end);
  for (let i = 0; i < n; i++) { one(); if (i % 200 === 199) await after(5); }
  return end;
}

for (const [what, prefix, args] of [
  ['a flood of connections', [], ['--set', 'edge.max_connections=200']],
  ['descriptors that are used up', ['prlimit', '--nofile=260:260'], ['--set', 'edge.max_connections=10000']],
]) {
  test(`${what} costs little CPU and one line a second, and who is honest is served`, async (t) => {
    const w = await start(t, simple, { prefix, args, env: shedding });
    const lines = () => w.lines.filter((l) => /new connections wait|new ones wait/.test(l.msg)).length;
    const end = await flood(t, w.edgePort, 1000);
    await until(() => lines() > 0, 'the limit is reached');
    const [began, used, before] = [performance.now(), cpu(w.worker), lines()];
    for (let i = 0; i < 4; i++) {
      const r = await fetch(`${w.edge}/p`, { headers: { connection: 'close' } });
      assert.equal(r.status, 200);
      await r.text();
      await after(500);
    }
    const seconds = (performance.now() - began) / 1000;
    assert.ok((cpu(w.worker) - used) / seconds < (sanitized ? 0.8 : 0.2), `${(cpu(w.worker) - used) / seconds} of a CPU`);
    assert.ok(lines() - before <= seconds + 1, `${lines() - before} lines in ${seconds} s`);
    end();
    const released = performance.now();
    assert.equal((await fetch(`${w.edge}/p`)).status, 200);
    assert.ok(performance.now() - released < (slow ? 3000 : 1000), `${performance.now() - released} ms after it was over`);
  });
}

const slowly = {
  'send no head': '',
  'send half a head': 'GET /p HTTP/1.1\r\nHost',
  'send half a body': 'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello',
};
for (const [what, text] of Object.entries(slowly)) {
  test(`while many who ${what} take all places and come again, 99 of 100 honest callers wait for less than two seconds, and for less than 100 ms where there is room`, async (t) => {
    const w = await start(t, simple, { args: ['--set', 'edge.max_connections=300', '--set', 'log.access=false'], env: shedding });
    const honest = async (n) => {
      const all = [];
      for (let i = 0; i < n; i++) {
        const ask = caller(t, w.edgePort, '/p'); // a connection of its own
        all.push(ask());
        await after(20);
      }
      const answers = await Promise.all(all);
      assert.ok(answers.every((a) => a.status === 200), JSON.stringify(answers.filter((a) => a.status !== 200)));
      return at(answers.map((a) => a.ms), 0.99);
    };
    const end = await flood(t, w.edgePort, 200, text, true);
    const room = await honest(100);
    assert.ok(room < (slow ? 500 : 100), `${room} ms`);
    end();
    await flood(t, w.edgePort, 500, text, true);
    const full = await honest(100);
    assert.ok(full < (slow ? 5000 : 2000), `${full} ms`);
  });
}

test('half heads that take all the memory lose it again, and who comes after them is served', { skip: sanitized && 'a sanitizer has no such little memory' }, async (t) => {
  const w = await start(t, simple, { args: ['--set', 'memory.limit=48MiB', '--set', 'edge.max_connections=5000', '--set', 'edge.header_timeout=5m', '--set', 'log.access=false'], env: shedding });
  const end = await flood(t, w.edgePort, 2000, `GET /p HTTP/1.1\r\nHost: a\r\n${`X: ${'v'.repeat(8000)}\r\n`.repeat(4)}`);
  await w.log((l) => /memory runs short/.test(l.msg));
  await until(async () => (await fetch(`${w.edge}/p`).catch(() => ({}))).status === 200, 'there is memory again');
  end();
});

/** A hundred requests of HTTP/2 in 5 KB: eight bytes of each name 31 KB of the caller's table. Their bodies never come. */
const unfolding = (() => {
  const first = h2.fields(h2.request('/p', 'POST'));
  const entry = h2.fields([['x', 'y'.repeat(3900)]], true);
  const request = (n) => h2.frame(h2.type.HEADERS, h2.flag.END_HEADERS, 2 * n + 1, Buffer.concat([first, n === 0 ? entry : Buffer.alloc(8, 0xbe)]));
  return Buffer.concat([Buffer.from(h2.preface), h2.frame(h2.type.SETTINGS, 0, 0), ...Array.from({ length: 100 }, (_, n) => request(n))]).toString('latin1');
})();

/** A hundred requests of HTTP/2 whose answers, of 200 KB each, have no window to come through. */
const unread = Buffer.concat([Buffer.from(h2.preface), h2.frame(h2.type.SETTINGS, 0, 0, Buffer.from([0, h2.setting.INITIAL_WINDOW_SIZE, 0, 0, 0, 0])),
  ...Array.from({ length: 100 }, (_, n) => h2.frame(h2.type.HEADERS, h2.flag.END_HEADERS | h2.flag.END_STREAM, 2 * n + 1, h2.fields(h2.request('/made'))))]).toString('latin1');

/** Half a body, half a message of a WebSocket, and that of many at once. */
const most = 'a'.repeat(900000);
const halves = {
  'half bodies': `POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${most}`,
  'half bodies in chunks': `POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nF4240\r\n${most}`,
  'half messages': `GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\x82\xff\0\0\0\0\0\x0f\x42\x40\0\0\0\0${most}`,
  'heads that unfold': unfolding,
  'answers that nobody takes': unread,
};
const made = { 'made.yaml': `name: made\ntrigger: { webhook: { path: /made, methods: [GET] } }\nsteps:\n  - reply: { text: "\${ request.id }${'x'.repeat(200_000)}" }\n` };
const sockets = { 'ws.yaml': 'name: ws\ntrigger: { websocket: { path: /ws } }\nsteps:\n  - set: { vars: { x: 1 } }\n' };
for (const [what, text] of Object.entries(halves)) {
  test(`${what} that came fast and then stand still lose the memory within seconds, and it is never above its limit`, { skip: sanitized && 'a sanitizer has no such little memory' }, async (t) => {
    const w = await start(t, { ...simple, ...sockets, ...made }, { args: ['--set', 'memory.limit=80MiB', '--set', 'edge.h2c=true', '--set', 'edge.body_timeout=5m', '--set', 'log.access=false'], env: shedding });
    const end = await flood(t, w.edgePort, 200, Buffer.from(text, 'latin1'));
    await w.log((l) => /memory runs short/.test(l.msg));
    const began = performance.now();
    await until(async () => (await fetch(`${w.edge}/p`, { headers: { connection: 'close' } }).catch(() => ({}))).status === 200, 'there is memory again');
    assert.ok(performance.now() - began < (slow ? 10000 : 4000), `${performance.now() - began} ms`);
    assert.ok(peakMiB(w.worker) < 88, `${peakMiB(w.worker)} MiB`);
    end();
  });
}

test('answers of upstreams that are more than memory holds are given up, and it is hardly above its limit', { skip: sanitized && 'a sanitizer has no such little memory' }, async (t) => {
  const large = Buffer.alloc(9 * 1024 * 1024, 'z');
  const up = await upstream(t, (request, response) => response.end(large));
  const w = await start(t, { ...simple, 'up.yaml': `name: up\ntrigger: { webhook: { path: /up, methods: [GET] } }\nkeep_failed: false\nsteps:\n  - { id: ask, http: { url: "${up.url}/", parse: bytes } }\n  - delay: 300ms\n  - reply: { body: "\${ steps.ask.body }" }\n` },
    { args: ['--set', 'memory.limit=160MiB', '--set', 'log.access=false'], env: shedding, shards: 2 });
  // 0: who does not take its answer fast enough loses it.
  const ask = async () => { try { const r = await fetch(`${w.edge}/up`); await r.arrayBuffer(); return r.status; } catch { return 0; } };
  const all = await Promise.all(Array.from({ length: 100 }, ask));
  assert.deepEqual(all.filter((s) => ![0, 200, 503].includes(s)), []);
  assert.ok(all.includes(200) && all.includes(503), `${all}`);
  assert.ok(peakMiB(w.worker) < 208, `${peakMiB(w.worker)} MiB`);
  await until(async () => await ask() === 200, 'there is memory again');
});
