// What one caller can make of little: memory of connections that do nothing, memory and CPU of requests of 10 KiB that are
// made to be dear. Figures of a build without sanitizers.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { start, until, metric, sanitized, slow, rss } from './lib/weir.mjs';
import { tcp } from './lib/net.mjs';
import { certificates, dial, startTls } from './lib/tls.mjs';

const skip = sanitized && 'sanitizers keep what is freed';
// Without the pages of its files, which come as they are used for the first time.
const anonymous = (pid) => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
const ticks = (pid) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' '); return Number(f[13]) + Number(f[14]); };

/** N connections that have sent TEXT, all of it taken. */
async function hold(t, port, n, text) {
  const all = [];
  t.after(() => { for (const s of all) s.destroy(); });
  for (let i = 0; i < n; i++)
    all.push(await new Promise((done, fail) => { const s = net.connect({ port, host: '127.0.0.1', noDelay: true }, () => s.write(Buffer.from(text, 'latin1'), () => done(s))).on('error', fail); }));
  return all;
}

const plain = { 'p.yaml': 'name: p\ntrigger: { webhook: { path: /p, methods: [GET, POST] } }\nsteps:\n  - reply: { text: hello }\n' };
const wide = ['--set', 'edge.max_connections=5000', '--set', 'edge.header_timeout=5m', '--set', 'edge.body_timeout=5m'];

for (const [what, text, most] of [
  ['an idle connection', '', 16],
  ['one that was served and is idle', 'GET /p HTTP/1.1\r\nHost: a\r\n\r\n', 16],
  ['half a short header', 'GET /p HTTP/1.1\r\nHost: a\r\nX-', 48],
  ['a header of 32 KiB that wants its end', `GET /p HTTP/1.1\r\nHost: a\r\n${`X: ${'v'.repeat(8000)}\r\n`.repeat(4)}`, 48],
  ['the head of a large body', 'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n', 48],
]) {
  test(`${what} costs at most ${most} KiB`, { skip }, async (t) => {
    const w = await start(t, plain, { args: wide });
    await hold(t, w.edgePort, 100, text);
    await until(async () => (await metric(w, 'weir_edge_connections')) === 100, 'they are there');
    const before = rss(w.worker);
    await hold(t, w.edgePort, 1000, text);
    await until(async () => (await metric(w, 'weir_edge_connections')) === 1100, 'they are there');
    await new Promise((done) => { setTimeout(done, 300); }); // what the kernel has is read in a few turns of the loop
    const each = (rss(w.worker) - before) / 1000;
    t.diagnostic(`${each.toFixed(1)} KiB`);
    assert.ok(each <= most, `${each} KiB`);
  });
}

for (const [protocol, text, most] of [['http/1.1', 'GET /p HTTP/1.1\r\nHost: a\r\n\r\n', 16], ['h2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x09\x01\x05\0\0\0\x01\x82\x87\x04\x02/pA\x01a`, 23]])
  test(`an idle connection of ${protocol} over TLS costs at most ${most} KiB`, { skip }, async (t) => {
    const c = certificates(t);
    const w = await startTls(t, plain, c, { args: wide });
    const more = async (n) => {
      for (let i = 0; i < n; i++) {
        const s = await dial(w.tlsPort, { ca: c.ca, ALPNProtocols: [protocol] });
        t.after(() => s.destroy());
        s.on('error', () => {}).write(Buffer.from(text, 'latin1'));
        await once(s, 'data');
      }
    };
    await more(300);
    const before = anonymous(w.worker);
    await more(1000);
    assert.equal(await metric(w, 'http_server_request_duration_seconds_count', { http_response_status_code: '200' }), 1300);
    // A session of HTTP/2 gives back what it does not need once it has rested for a while.
    const each = () => (anonymous(w.worker) - before) / 1000;
    await until(() => each() <= most, `at most ${most} KiB`).catch((e) => { e.message += `, but ${each()}`; throw e; });
    t.diagnostic(`${each().toFixed(1)} KiB`);
  });

const KIB10 = 10_000;
const fill = (piece, first = '', last = '') => first + piece.repeat(Math.floor((KIB10 - first.length - last.length) / piece.length)) + last;
const json = (body) => ['application/json', body];
const bodies = {
  'empty lists': json(fill('[],', '[', '[]]')),
  'empty maps': json(fill('{},', '[', '{}]')),
  'numbers of one digit': json(fill('1,', '[', '1]')),
  'long numbers': json(fill('1e300,', '[', '1]')),
  'short names': json(`{${Array.from({ length: 1100 }, (_, i) => `"${i.toString(36)}":1`).join(',')}}`.slice(0, KIB10)),
  'the same name again': json(fill('"a":1,', '{', '"a":1}')),
  'names that begin alike': json(`{${Array.from({ length: 250 }, (_, i) => `"${'a'.repeat(30)}${i}":1`).join(',')}}`),
  'escapes': json(fill('\\u0041', '"', '"')),
  'depth': json(`${'['.repeat(60)}${']'.repeat(60)}`),
  'fields of a form': ['application/x-www-form-urlencoded', fill('a=1&')],
  'escapes of a form': ['application/x-www-form-urlencoded', fill('%41')],
  'parts': ['multipart/form-data; boundary=x', fill('--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n', '', '--x--\r\n')],
  'ends of parts that are none': ['multipart/form-data; boundary=x', fill('\r\n--', '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n', '\r\n--x--\r\n')],
  'a bomb of gzip': ['application/json', gzipSync(Buffer.alloc(8 << 20, '[')).toString('latin1'), 'Content-Encoding: gzip\r\n'],
};
const post = (path, [type, body, more = '']) => Buffer.from(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`, 'latin1');
const heads = {
  'a hundred fields': Buffer.from(`GET /p HTTP/1.1\r\nHost: a\r\n${Array.from({ length: 98 }, (_, i) => `X${i}: ${'v'.repeat(90)}\r\n`).join('')}\r\n`),
  'parameters of a query': Buffer.from(`GET /p?${'a=1&'.repeat(2000)} HTTP/1.1\r\nHost: a\r\n\r\n`),
  'a path of escapes': Buffer.from(`GET /p/${'%c3%a9'.repeat(1300)} HTTP/1.1\r\nHost: a\r\n\r\n`),
  'a path of slashes': Buffer.from(`GET /p${'/a'.repeat(4000)} HTTP/1.1\r\nHost: a\r\n\r\n`),
  'chunks of a byte': Buffer.from(`POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\n1\r\n'.repeat(1600)}0\r\n\r\n`),
};
const reads = (up) => ({ 'p.yaml': `name: p
trigger: { webhook: { path: "/p", methods: [GET, POST] } }
keep_failed: false
steps:
  - set: { n: "\${ size(request.query) + size(request.headers) }", body: "\${ request.body }", all: "\${ request.query_all }" }
${up ? `  - http: { url: "${up}/", method: GET, pool: 1000 }\n` : '  - reply: { text: ok }\n'}` });

test('a request of 10 KiB never takes 100 times the CPU of a small one', { skip }, async (t) => {
  const w = await start(t, reads(null), { args: ['--set', 'log.access=false', '--set', 'edge.max_requests=1000000'] });
  /** CPU of a request like BYTES, in ms: many on one connection, each with its answer. */
  const cost = (bytes, n) => new Promise((done, fail) => {
    let got = 0;
    const before = ticks(w.worker);
    const s = net.connect({ port: w.edgePort, host: '127.0.0.1', noDelay: true }, () => s.write(bytes));
    let text = '';
    s.setEncoding('latin1').on('error', fail).on('close', () => (got === n ? done((ticks(w.worker) - before) * 10 / n) : fail(new Error(`closed after ${got}: ${text.slice(0, 300)}`))));
    s.on('data', (d) => {
      text += d;
      const end = text.indexOf('\r\n\r\n');
      if (end < 0 || text.length < end + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)) return;
      text = '';
      if (++got === n) s.end(); else s.write(bytes);
    });
  });
  const small = await cost(post('/p', json('{"a":1}')), 5000);
  const dear = [];
  for (const [what, bytes] of [...Object.entries(bodies).map(([k, v]) => [k, post('/p', v)]), ...Object.entries(heads)]) {
    const each = await cost(bytes, 300);
    t.diagnostic(`${what}: ${(each / small).toFixed(0)} times`);
    if (each > Math.max(100 * small, 1)) dear.push(`${what}: ${each} ms, a small one ${small} ms`);
  }
  assert.deepEqual(dear, []);
});

for (const [what, body] of Object.entries(bodies)) {
  test(`10 KiB of ${what} never take 1 MiB`, { skip }, async (t) => {
    let asked = 0;
    const up = await tcp(t, () => { asked++; }); // it never answers: all runs are in memory at once
    const w = await start(t, reads(up.url), { args: wide });
    const before = rss(w.worker);
    await hold(t, w.edgePort, 200, post('/p', body).toString('latin1'));
    const failed = async () => (await metric(w, 'weir_runs_total', { outcome: 'failed' })) + (await metric(w, 'weir_edge_refused_total'));
    await until(async () => asked + await failed() >= 200 || asked >= 200, 'all runs wait for their upstream, or have failed', slow ? 60_000 : 15_000);
    const each = (rss(w.worker) - before) / 200;
    t.diagnostic(`${each.toFixed(1)} KiB`);
    assert.ok(each < 1024, `${each} KiB`);
  });
}
