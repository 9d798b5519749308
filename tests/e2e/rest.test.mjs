// Connections that rest hold little, whatever they speak, and go on where they were. LIMITS has the figures.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import tls from 'node:tls';
import { readFileSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { start, until, sanitized, slow } from './lib/weir.mjs';
import { startTls, certificates } from './lib/tls.mjs';
import * as h2 from './lib/h2.mjs';

const pipelines = { 'p.yaml': 'name: p\ntrigger: { webhook: { path: /p, methods: [GET, POST] } }\nsteps:\n  - reply: { text: hello }\n' };
const heldKiB = (w) => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${w.worker}/status`, 'latin1'))[1]);

const lines = Array.from({ length: 5 }, (_, i) => [`x-${i}`, 'v'.repeat(6000)]); // 30 of the 32 KiB that a head may have
const headers = (stream, list, flags) => {
  const bytes = h2.fields(list), parts = [];
  for (let at = 0; at < bytes.length; at += 16000) parts.push(bytes.subarray(at, at + 16000));
  return parts.map((p, i) => h2.frame(i === 0 ? h2.type.HEADERS : h2.type.CONTINUATION, (i === 0 ? h2.flag.END_STREAM : 0) | (flags && i === parts.length - 1 ? h2.flag.END_HEADERS : 0), stream, p));
};

/** What a caller sends: a request, half of a long one, and the rest of it. */
const speaks = {
  'HTTP/1.1': {
    alpn: 'http/1.1',
    first: 'GET /p HTTP/1.1\r\nHost: a\r\n\r\n',
    half: `GET /p HTTP/1.1\r\nHost: a\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join('')}`,
    rest: '\r\n',
    answers: (bytes) => bytes.toString('latin1').split('HTTP/1.1 200').length - 1,
  },
  'HTTP/2': {
    alpn: 'h2',
    first: Buffer.concat([Buffer.from(h2.preface), h2.frame(h2.type.SETTINGS, 0, 0), ...headers(1, h2.request('/p'), true)]),
    half: Buffer.concat(headers(3, [...h2.request('/p'), ...lines], false)),
    rest: h2.frame(h2.type.CONTINUATION, h2.flag.END_HEADERS, 3, Buffer.alloc(0)),
    answers: (bytes) => { let n = 0; for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) n += bytes[at + 3] === h2.type.DATA && (bytes[at + 4] & 1); return n; },
  },
};

/** A caller of PORT that has had one answer: { write, answers(), end }. */
async function caller(port, secure, how) {
  const s = secure ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, servername: 'localhost', ALPNProtocols: [how.alpn] }) : net.connect({ port, host: '127.0.0.1' });
  let bytes = Buffer.alloc(0);
  s.on('error', () => {}).on('data', (d) => { bytes = Buffer.concat([bytes, d]); });
  await new Promise((done, fail) => { s.once(secure ? 'secureConnect' : 'connect', done); s.once('close', fail); });
  const c = { write: (text) => s.write(text), end: () => s.destroy(), has: (n) => until(() => how.answers(bytes) === n, `answer ${n}`, 10_000) };
  c.write(how.first);
  await c.has(1);
  return c;
}

const N = sanitized || slow ? 20 : 200;
for (const secure of [false, true]) {
  for (const [name, how] of Object.entries(speaks)) {
    test(`${name} ${secure ? 'over' : 'without'} TLS: an idle connection holds 16 KiB at most, with half a head 48, and each goes on`, async (t) => {
      const args = ['--set', 'log.access=false', '--set', 'edge.header_timeout=60s', '--set', 'edge.h2c=true'];
      const w = secure ? await startTls(t, pipelines, certificates(t), { args }) : await start(t, pipelines, { args });
      const port = secure ? w.tlsPort : w.edgePort;
      const few = await Promise.all(Array.from({ length: 20 }, () => caller(port, secure, how)));
      await after(2500); // one that has just been stirred is looked at twice
      const before = heldKiB(w);
      const all = [];
      for (let n = 0; n < N; n++) all.push(await caller(port, secure, how));
      const each = () => (heldKiB(w) - before) / N;
      const atMost = async (limit, what) => sanitized || slow || await until(() => each() <= limit, `${what}: ${limit} KiB`, 10_000).catch((e) => assert.fail(`${e.message}, not ${each().toFixed(1)}`));
      await atMost(16, 'an idle connection');
      await after(2500); // all are at rest, and have not been let go of
      for (const c of all) c.write(how.half);
      await after(2500);
      await atMost(48, 'half a head');
      for (const c of all) c.write(how.rest);
      for (const c of all) await c.has(2);
      for (const c of [...few, ...all]) c.end();
    });
  }
}
