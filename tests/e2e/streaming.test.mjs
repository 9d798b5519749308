// Streamed answers: an upstream's pieces go out as they come, and whoever waits holds the other back.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { readFileSync } from 'node:fs';
import { start, metric, until, sanitized } from './lib/weir.mjs';
import { upstream, tcp, connect, parse } from './lib/net.mjs';

const MiB = 1024 * 1024;

/** Pipelines that hand an upstream's stream on: as the last output, and by a reply. */
const pipelines = (url, more = '') => ({
  'pass.yaml': `
name: pass
trigger: { webhook: { path: "/pass/{rest*}", methods: [GET, HEAD] } }
steps:
  - http: { url: "${url}/\${ request.params.rest }", stream: true${more} }
`,
  'reply.yaml': `
name: reply
trigger: { webhook: { path: "/reply/{rest*}", methods: [GET] } }
steps:
  - id: ask
    http: { url: "${url}/\${ request.params.rest }", stream: true${more} }
  - reply:
      content_type: \${ steps.ask.headers['content-type'] }
      body: \${ steps.ask.body }
finally:
  - log: { message: "over" }
`,
});

/** An upstream whose answer the test writes: last() is the response at hand. */
const scripted = async (t, head = { 'content-type': 'text/event-stream' }) => {
  const s = { responses: [], gone: 0 };
  s.up = await upstream(t, (request, response) => {
    response.writeHead(200, head);
    response.flushHeaders();
    response.on('close', () => { if (!response.writableFinished) s.gone++; });
    s.responses.push(response);
  });
  s.url = s.up.url;
  s.last = async (n = 1) => { await until(() => s.responses.length >= n, 'the upstream is asked'); return s.responses[n - 1]; };
  return s;
};

test('an answer goes on token by token, each as it comes', async (t) => {
  const s = await scripted(t);
  const w = await start(t, pipelines(s.url));
  for (const path of ['/pass/x', '/reply/x']) {
    const c = connect(w.edgePort);
    await c.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const r = await s.last(s.responses.length + 1);
    await c.until(/\r\n\r\n/); // the head comes before the first token
    assert.match(c.text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(c.text, /\r\nContent-Type: text\/event-stream\r\n/);
    assert.match(c.text, /\r\nTransfer-Encoding: chunked\r\n/);
    assert.match(c.text, /\r\nCache-Control: no-cache\r\n/);
    assert.match(c.text, /\r\nX-Accel-Buffering: no\r\n/);
    assert.ok(c.text.endsWith('\r\n\r\n'));
    for (const token of ['data: Hel\n\n', 'data: lo\n\n', 'data: [DONE]\n\n']) {
      r.write(token);
      await c.until(new RegExp(`${token.length.toString(16)}\r\n${token.replace(/[[\]]/g, '\\$&')}\r\n$`));
    }
    r.end();
    await c.until(/\r\n0\r\n\r\n$/);
    await c.write('GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n');
    await c.until(/404 Not Found/); // the connection goes on
    c.end();
  }
  await w.log((l) => l.msg === 'over');
});

test('what the upstream says of keeping and of gathering passes on, and an encoding with it', async (t) => {
  const s = await scripted(t, { 'content-type': 'application/x-ndjson', 'cache-control': 'private, max-age=5', 'x-accel-buffering': 'yes', 'content-encoding': 'zstd', 'x-own': '1' });
  const w = await start(t, pipelines(s.url));
  const c = connect(w.edgePort);
  await c.write('GET /pass/x HTTP/1.1\r\nHost: a\r\n\r\n');
  (await s.last()).end('{}\n');
  await c.until(/\r\n0\r\n\r\n$/);
  const { headers } = parse(c.text);
  assert.equal(headers['cache-control'], 'private, max-age=5');
  assert.equal(headers['x-accel-buffering'], 'yes');
  assert.equal(headers['content-encoding'], 'zstd');
  assert.equal(headers['x-own'], undefined);
  assert.equal(s.up.requests[0].headers['accept-encoding'] ?? 'identity', 'identity', 'no encoding is asked for that nobody here could undo');
  c.end();
});

test('a body of known length keeps its length, and one for HTTP/1.0 ends with the connection', async (t) => {
  const up = await upstream(t, (request, response) => {
    if (request.url === '/known') { response.setHeader('content-length', 10); response.write('hello'); return setImmediate(() => response.end('world')); }
    response.write('some');
    setImmediate(() => response.end(' more'));
  });
  const w = await start(t, pipelines(up.url));
  const known = connect(w.edgePort);
  await known.write('GET /pass/known HTTP/1.1\r\nHost: a\r\n\r\n');
  await known.until(/helloworld$/);
  assert.match(known.text, /\r\nContent-Length: 10\r\n/);
  assert.doesNotMatch(known.text, /Transfer-Encoding/);
  known.end();
  const old = connect(w.edgePort);
  await old.write('GET /pass/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  await old.ended;
  assert.doesNotMatch(old.text, /Transfer-Encoding|keep-alive/i);
  assert.ok(old.text.endsWith('\r\n\r\nsome more'));
  const head = connect(w.edgePort);
  await head.write('HEAD /pass/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await head.ended;
  assert.ok(head.text.endsWith('\r\n\r\n'));
});

test('an upstream that breaks off is seen as a body that is not whole', async (t) => {
  const up = await tcp(t, (s) => s.once('data', (d) => {
    const path = /GET (\S+)/.exec(d.toString('latin1'))[1];
    const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n';
    if (path === '/chunked') s.write(`${head}Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n`, () => s.destroy());
    else if (path === '/reset') s.write(`${head}Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n`, () => setTimeout(() => s.resetAndDestroy(), 50));
    else if (path === '/short') s.write(`${head}Content-Length: 10\r\n\r\nsome`, () => s.end());
    else if (path === '/garbage') s.write(`${head}Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\nzzz\r\n`);
  }));
  const w = await start(t, pipelines(up.url));
  for (const path of ['chunked', 'reset', 'short', 'garbage']) {
    const c = connect(w.edgePort);
    await c.write(`GET /reply/${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await c.ended;
    assert.match(c.text, /some/, path);
    assert.doesNotMatch(c.text, /\r\n0\r\n\r\n/, path);
    await assert.rejects(fetch(`${w.edge}/reply/${path}`).then((r) => r.text()), path);
  }
  await until(async () => await metric(w, 'weir_runs_total', { pipeline: 'reply', outcome: 'failed' }) === 8, 'the runs have failed');
});

test('a caller that goes away in the middle cancels the upstream, also while it says nothing', async (t) => {
  const s = await scripted(t);
  const w = await start(t, pipelines(s.url));
  const c = connect(w.edgePort);
  await c.write('GET /reply/x HTTP/1.1\r\nHost: a\r\n\r\n');
  (await s.last()).write('data: 1\n\n');
  await c.until(/data: 1/);
  c.end();
  await until(() => s.gone === 1, 'the upstream is left');
  await w.log((l) => l.msg === 'over');
});

test('a reader that is slow holds the upstream back, and costs no memory', { timeout: 120_000 }, async (t) => {
  let sent = 0;
  const piece = Buffer.alloc(64 * 1024, 'x');
  const up = await upstream(t, (request, response) => {
    const more = () => {
      while (sent < 200 * MiB) {
        sent += piece.length;
        if (!response.write(piece)) return response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  const w = await start(t, pipelines(up.url), { args: ['--set', 'edge.write_timeout=5m'] });
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${w.worker}/status`, 'utf8'))[1]) * 1024;
  const before = rss();
  const socket = net.connect({ port: w.edgePort, host: '127.0.0.1' });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  let got = 0;
  let tail = '';
  socket.on('data', (d) => { got += d.length; tail = d.subarray(-5).toString('latin1'); });
  socket.write('GET /pass/x HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => got > 0, 'it begins');
  socket.pause();
  // It has come to a stand when for a while nothing more is sent.
  let last = -1;
  await until(async () => {
    if (sent === last) return true;
    last = sent;
    await new Promise((done) => setTimeout(done, 500));
    return false;
  }, 'the upstream stands still', 60_000);
  assert.ok(last < 40 * MiB, `${last} bytes are with the kernel`);
  if (!sanitized) assert.ok(rss() - before < 8 * MiB, 'nothing is gathered');
  socket.resume();
  await until(() => got > 200 * MiB && tail === '0\r\n\r\n', 'all has come', 100_000);
});

test('an upstream that stalls in the middle is given up, and one that goes on slowly is not', async (t) => {
  const s = await scripted(t);
  const w = await start(t, pipelines(s.url, ', timeouts: { first_byte: 1s }'));
  const stalls = connect(w.edgePort);
  await stalls.write('GET /pass/x HTTP/1.1\r\nHost: a\r\n\r\n');
  (await s.last(1)).write('data: 1\n\n');
  await stalls.ended;
  assert.match(stalls.text, /data: 1/);
  assert.doesNotMatch(stalls.text, /\r\n0\r\n\r\n/);
  const goes = connect(w.edgePort);
  await goes.write('GET /pass/x HTTP/1.1\r\nHost: a\r\n\r\n');
  const r = await s.last(2);
  for (let i = 0; i < 8; i++) { // longer in all than one pause may be
    r.write(`data: ${i}\n\n`);
    await goes.until(new RegExp(`data: ${i}`));
    await new Promise((done) => setTimeout(done, 250));
  }
  r.end();
  await goes.until(/\r\n0\r\n\r\n$/);
  goes.end();
});

test('the timeout of a pipeline is for its steps, not for the body that flows behind them', async (t) => {
  const s = await scripted(t);
  const all = pipelines(s.url);
  const w = await start(t, { 'pass.yaml': all['pass.yaml'].replace('trigger:', 'timeout: 500ms\ntrigger:') });
  const c = connect(w.edgePort);
  await c.write('GET /pass/x HTTP/1.1\r\nHost: a\r\n\r\n');
  const r = await s.last();
  for (let i = 0; i < 4; i++) {
    r.write(`data: ${i}\n\n`);
    await c.until(new RegExp(`data: ${i}`));
    await new Promise((done) => setTimeout(done, 250));
  }
  r.end();
  await c.until(/\r\n0\r\n\r\n$/);
  c.end();
});

test('many streams at once do not wait for each other', async (t) => {
  const s = await scripted(t);
  const w = await start(t, pipelines(s.url), { shards: 2, args: ['--set', 'client.pool=200'] });
  const all = Array.from({ length: 60 }, () => connect(w.edgePort));
  for (const c of all) await c.write('GET /pass/x HTTP/1.1\r\nHost: a\r\n\r\n');
  await s.last(60);
  for (let i = 0; i < 5; i++) {
    for (const r of s.responses) r.write(`data: ${i}\n\n`);
    for (const c of all) await c.until(new RegExp(`data: ${i}`));
  }
  for (const r of s.responses) r.end();
  for (const c of all) { await c.until(/\r\n0\r\n\r\n$/); c.end(); }
});
