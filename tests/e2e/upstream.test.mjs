// Upstreams that refuse, lie, stall or bomb, through the http node: the right error, in time.
import test from 'node:test';
import assert from 'node:assert/strict';
import https from 'node:https';
import { spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { start, metric, until, folder } from './lib/weir.mjs';
import { upstream, tcp, connect } from './lib/net.mjs';

/** A pipeline that calls with CONFIG and tells what came of it. MORE: keys of the node. */
const calling = (name, config, more = '') => `
name: ${name}
trigger:
  webhook: { path: /${name}, methods: [GET, POST] }
steps:
  - id: call
    http: ${config}
${more.replace(/^/gm, '    ')}
  - reply: { json: { status: "\${ steps.call.status }", body: "\${ steps.call.body }", headers: "\${ steps.call.headers }" } }
catch:
  - reply: { status: 502, json: { code: "\${ error.code }", message: "\${ error.message }", status: "\${ error.status }", attempt: "\${ error.attempt }" } }
`;

const ask = async (w, path, init) => {
  const r = await fetch(w.edge + path, init);
  return { http: r.status, ...(await r.json()) };
};

/** A server that answers every request, once its head is there, by SAY(socket). */
const saying = (t, say) => tcp(t, (s) => {
  let text = '';
  s.setEncoding('latin1').on('data', (d) => {
    text += d;
    if (!/\r\n\r\n/.test(text)) return;
    text = '';
    say(s);
  });
});

const ok = (body, more = '') => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

const lies = {
  'resets before the answer': [(s) => s.resetAndDestroy(), 'upstream'],
  'closes before the answer': [(s) => s.end(), 'upstream'],
  'resets in the head': [(s) => s.write('HTTP/1.1 200 OK\r\nConte', () => s.resetAndDestroy()), 'upstream'],
  'closes in the head': [(s) => s.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n'), 'upstream'],
  'resets in the body': [(s) => s.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc', () => s.resetAndDestroy()), 'upstream'],
  'truncates the body': [(s) => s.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'), 'upstream'],
  'truncates a chunked body': [(s) => s.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc'), 'upstream'],
  'forgets the last chunk': [(s) => s.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'), 'upstream'],
  'chunks wrongly': [(s) => s.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n'), 'upstream'],
  'has a chunk longer than its size': [(s) => s.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n'), 'upstream'],
  'speaks garbage': [(s) => s.write('\x00\x01\x02garbage\r\n\r\n'), 'upstream'],
  'speaks another protocol': [(s) => s.write('SSH-2.0-OpenSSH_9.2\r\n'), 'upstream'],
  'has no status': [(s) => s.write('HTTP/1.1\r\n\r\n'), 'upstream'],
  'has the status 99': [(s) => s.write('HTTP/1.1 99 No\r\nContent-Length: 0\r\n\r\n'), 'upstream'],
  'has two lengths': [(s) => s.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'), 'upstream'],
  'has a length and chunks': [(s) => s.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'), 'upstream'],
  'has a NUL in a header': [(s) => s.write('HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 0\r\n\r\n'), 'upstream'],
  'has endless headers': [(s) => { const more = () => { while (s.writable && s.write(`X-${'h'.repeat(500)}: y\r\n`)); }; s.on('drain', more); s.write('HTTP/1.1 200 OK\r\n'); more(); }, 'upstream'],
  'has one endless header': [(s) => { const more = () => { while (s.writable && s.write('a'.repeat(4096))); }; s.on('drain', more); s.write('HTTP/1.1 200 OK\r\nX: '); more(); }, 'upstream'],
  'floods with 1xx': [(s) => { const more = () => { while (s.writable && s.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(10))); }; s.on('drain', more); more(); }, 'upstream'],
  'claims a body that is too long': [(s) => s.write('HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\nabc'), 'too_large'],
  'sends a body that is too long': [(s) => { const more = () => { while (s.writable && s.write('x'.repeat(65536))); }; s.on('drain', more); s.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'); more(); }, 'too_large'],
  'says nothing': [() => {}, 'timeout'],
  'stalls in the head': [(s) => s.write('HTTP/1.1 200'), 'timeout'],
  'stalls in the body': [(s) => s.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'), 'timeout'],
};

test('whatever an upstream lies, the run fails with the right code and the connection is not used again', async (t) => {
  const files = {};
  const servers = {};
  for (const [what, [say, code]] of Object.entries(lies)) {
    const name = what.replaceAll(' ', '-').toLowerCase();
    servers[name] = await saying(t, say);
    files[`${name}.yaml`] = calling(name, `{ url: "${servers[name].url}/", method: GET }`, code === 'timeout' ? 'timeout: 400ms' : 'timeout: 20s');
  }
  const w = await start(t, files);
  for (const [what, [, code]] of Object.entries(lies)) {
    const name = what.replaceAll(' ', '-').toLowerCase();
    for (const round of [1, 2]) {
      const r = await ask(w, `/${name}`);
      assert.equal(r.code, code, `${what}: ${JSON.stringify(r)}`);
      assert.ok(r.message.length > 0, what);
      await until(() => servers[name].sockets.size === 0, `${what}: the connection is closed (round ${round})`);
    }
  }
});

test('an upstream that refuses the connection is an error that says so', async (t) => {
  const gone = await tcp(t, () => {});
  const w = await start(t, { 'a.yaml': calling('a', '{ url: "http://127.0.0.1:1/", method: GET }'), 'b.yaml': calling('b', '{ url: "http://no-such-host.invalid/", method: GET }', 'timeout: 3s') });
  assert.ok(gone);
  const r = await ask(w, '/a');
  assert.equal(r.code, 'upstream');
  assert.match(r.message, /refused/i);
  assert.match((await ask(w, '/b')).code, /upstream|timeout/);
});

test('a gzip body that nobody asked for is unpacked, a bomb is refused, who asks unpacks it', async (t) => {
  const bodies = { '/small': gzipSync('{"a":1}'), '/bomb': gzipSync(Buffer.alloc(200 << 20)) };
  const up = await upstream(t, (q, r) => { r.setHeader('content-encoding', 'gzip'); r.setHeader('content-type', 'application/json'); r.end(bodies[q.url]); });
  const w = await start(t, {
    'a.yaml': calling('a', `{ url: "${up.url}/small", method: GET }`),
    'b.yaml': calling('b', `{ url: "${up.url}/bomb", method: GET }`),
    'c.yaml': calling('c', `{ url: "${up.url}/small", method: GET, headers: { Accept-Encoding: gzip }, parse: bytes }`),
  });
  const a = await ask(w, '/a');
  assert.deepEqual(a.body, { a: 1 }, JSON.stringify(a));
  assert.equal(up.requests.at(-1).headers['accept-encoding'], undefined);
  assert.equal((await ask(w, '/b')).code, 'too_large');
  const c = await ask(w, '/c');
  assert.equal(c.headers['content-encoding'], 'gzip');
  assert.equal(c.body, bodies['/small'].toString('base64'));
});

test('redirects are answers unless they are to be followed', async (t) => {
  const up = await upstream(t, (q, r) => {
    const to = { '/one': '/two', '/two': '/end', '/loop': '/loop' }[q.url];
    if (to) r.writeHead(302, { location: to });
    else r.setHeader('content-type', 'text/plain');
    r.end(to ? '' : `end of ${q.method}`);
  });
  const w = await start(t, {
    'off.yaml': calling('off', `{ url: "${up.url}/one", method: GET }`),
    'on.yaml': calling('on', `{ url: "${up.url}/one", method: GET, follow: true }`),
    'loop.yaml': calling('loop', `{ url: "${up.url}/loop", method: GET, follow: true, max_redirects: 3 }`),
  });
  const off = await ask(w, '/off');
  assert.equal(off.status, 302);
  assert.equal(off.headers.location, '/two');
  assert.equal((await ask(w, '/on')).body, 'end of GET');
  up.requests.length = 0;
  assert.match((await ask(w, '/loop')).message, /redirect/);
  assert.equal(up.requests.length, 4);
});

test('some interim answers are passed over', async (t) => {
  const up = await saying(t, (s) => s.write(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${ok('fine', 'Content-Type: text/plain\r\n')}`));
  const w = await start(t, { 'a.yaml': calling('a', `{ url: "${up.url}/", method: GET }`) });
  assert.equal((await ask(w, '/a')).body, 'fine');
});

test('one connection serves one request after the other', async (t) => {
  const up = await saying(t, (s) => s.write(ok('x')));
  const w = await start(t, { 'a.yaml': calling('a', `{ url: "${up.url}/", method: GET, parse: text }`) });
  for (let i = 0; i < 20; i++) assert.equal((await ask(w, '/a')).body, 'x');
  assert.equal(up.count, 1);
});

test('an idle connection that the upstream closed is noticed, and a stale one is tried once more', async (t) => {
  let served = 0;
  const up = await tcp(t, (s) => {
    let first = true;
    s.on('data', () => {
      if (!first) return s.resetAndDestroy(); // took the second request and went away
      first = false;
      served++;
      s.write(ok('x'));
    });
  });
  const w = await start(t, {
    'a.yaml': calling('a', `{ url: "${up.url}/", method: GET, parse: text }`),
    'b.yaml': calling('b', `{ url: "${up.url}/", method: POST, json: 1, parse: text }`),
  });
  for (let i = 0; i < 3; i++) assert.equal((await ask(w, '/a')).body, 'x');
  assert.equal(served, 3);
  assert.equal((await ask(w, '/b')).code, 'upstream', 'an unsafe request is not sent twice');
  for (const s of up.sockets) s.destroy();
  await until(() => up.sockets.size === 0, 'all are closed');
  assert.equal((await ask(w, '/b')).body, 'x', 'a closed connection is not taken');
});

test('bytes that nobody asked for end a pooled connection', async (t) => {
  const up = await tcp(t, (s) => s.on('data', () => { s.write(ok('x')); setImmediate(() => s.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')); }));
  const w = await start(t, { 'a.yaml': calling('a', `{ url: "${up.url}/", method: GET, parse: text }`) });
  for (let i = 0; i < 10; i++) assert.equal((await ask(w, '/a')).body, 'x');
});

test('a retry budget keeps retries from multiplying the load', async (t) => {
  const up = await upstream(t, (q, r) => { r.statusCode = 503; r.end(); });
  const w = await start(t, { 'a.yaml': calling('a', `{ url: "${up.url}/", method: GET }`, 'retry: { attempts: 5, initial: 1ms, max: 2ms }') });
  for (let i = 0; i < 50; i++) await ask(w, '/a');
  assert.ok(up.requests.length <= 75, `${up.requests.length} requests for 50 runs`);
  assert.ok(up.requests.length >= 55, `${up.requests.length} requests for 50 runs`);
  assert.equal(await metric(w, 'weir_retries_total', { node: 'call' }), up.requests.length - 50, 'those that were made are counted');
});

test('Retry-After of an upstream is waited for', async (t) => {
  const at = [];
  const up = await upstream(t, (q, r) => { at.push(performance.now()); if (at.length === 1) r.writeHead(503, { 'retry-after': '1' }); r.end(); });
  const w = await start(t, { 'a.yaml': calling('a', `{ url: "${up.url}/", method: GET }`, 'retry: { attempts: 2, initial: 1ms }') });
  assert.equal((await ask(w, '/a')).http, 200);
  assert.ok(at[1] - at[0] >= 990, 'not before the second is over');
});

test('an idempotent request carries one key for all attempts, an unsafe one none', async (t) => {
  let n = 0;
  const up = await upstream(t, (q, r) => { r.statusCode = ++n === 1 ? 500 : 200; r.end(); });
  const w = await start(t, {
    'a.yaml': calling('a', `{ url: "${up.url}/a", method: POST, json: {} }`, 'effect: idempotent\nretry: { attempts: 3, initial: 1ms }'),
    'b.yaml': calling('b', `{ url: "${up.url}/b", method: POST, json: {} }`),
  });
  assert.equal((await ask(w, '/a')).status, 200);
  const keys = up.requests.map((q) => q.headers['idempotency-key']);
  assert.equal(keys.length, 2);
  assert.match(keys[0], /^".+"$/);
  assert.equal(keys[0], keys[1]);
  await ask(w, '/b');
  assert.equal(up.requests.at(-1).headers['idempotency-key'], undefined);
});

test('fail_on makes errors of statuses, ok makes answers of errors', async (t) => {
  const up = await upstream(t, (q, r) => { r.statusCode = Number(q.url.slice(1)); r.end(); });
  const w = await start(t, {
    'a.yaml': calling('a', `{ url: "${up.url}/404", method: GET, fail_on: [4xx] }`),
    'b.yaml': calling('b', `{ url: "${up.url}/404", method: GET }`),
    'c.yaml': calling('c', `{ url: "${up.url}/503", method: GET, ok: [5xx] }`),
  });
  const a = await ask(w, '/a');
  assert.deepEqual([a.code, a.status], ['upstream', 404]);
  assert.equal((await ask(w, '/b')).status, 404);
  assert.equal((await ask(w, '/c')).status, 503);
});

// -- streams --

const streaming = (url) => `
name: s
trigger:
  webhook: { path: /s, methods: [GET] }
steps:
  - id: call
    http: { url: "${url}/", method: GET, stream: true }
  - reply: { body: "\${ steps.call.body }" }
finally:
  - metrics: { counter: stream_ends_total }
`;

test('a stream passes through piece by piece, and finally runs at its end', async (t) => {
  let socket;
  const up = await saying(t, (s) => { socket = s; s.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'); });
  const w = await start(t, { 's.yaml': streaming(up.url) });
  const c = connect(w.edgePort);
  await c.write('GET /s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await until(() => socket, 'the upstream is called');
  for (const piece of ['one', 'two', 'three']) {
    socket.write(`${piece.length}\r\n${piece}\r\n`);
    await c.until(new RegExp(piece));
  }
  assert.equal(await metric(w, 'stream_ends_total'), 0);
  socket.write('0\r\n\r\n');
  assert.match(await c.ended, /\r\n0\r\n\r\n$/);
  await until(() => metric(w, 'stream_ends_total'), 'finally ran');
});

test('a stream that breaks off breaks off for the caller too', async (t) => {
  const up = await saying(t, (s) => s.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'));
  const w = await start(t, { 's.yaml': streaming(up.url) });
  const c = connect(w.edgePort);
  await c.write('GET /s HTTP/1.1\r\nHost: x\r\n\r\n');
  const text = await c.ended;
  assert.ok(!/\r\n0\r\n\r\n$/.test(text), 'no end that never came');
  await until(() => metric(w, 'stream_ends_total'), 'finally ran');
});

test('a slow caller holds the upstream back, not the memory', async (t) => {
  let sent = 0;
  const up = await saying(t, (s) => {
    s.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
    const piece = Buffer.alloc(1 << 18);
    const more = () => { while (s.writable && sent < 256 << 20) { sent += piece.length; if (!s.write(piece)) return; } s.end(); };
    s.on('drain', more);
    more();
  });
  const w = await start(t, { 's.yaml': streaming(up.url) });
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${w.worker}/status`, 'utf8'))[1]) / 1024;
  const before = rss();
  const c = connect(w.edgePort);
  await c.write('GET /s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await c.until(/\r\n\r\n/);
  c.socket.pause();
  let last = -1;
  await until(async () => { const same = sent === last; last = sent; await new Promise((done) => setTimeout(done, 200)); return same && sent === last; }, 'the upstream is held back');
  assert.ok(sent < 64 << 20, `${sent} bytes were taken`);
  assert.ok(rss() - before < 16, `${rss() - before} MiB more`);
  c.end();
  await until(() => up.sockets.size === 0, 'the upstream is let go');
  await until(() => metric(w, 'stream_ends_total'), 'finally ran');
});

test('a caller that goes away closes the upstream', async (t) => {
  let socket;
  const up = await saying(t, (s) => { socket = s; s.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'); });
  const w = await start(t, { 's.yaml': streaming(up.url) });
  const c = connect(w.edgePort);
  await c.write('GET /s HTTP/1.1\r\nHost: x\r\n\r\n');
  await c.until(/abc/);
  c.end();
  await until(() => up.sockets.size === 0, 'the upstream is closed');
  assert.ok(socket);
});

// -- where requests may go --

test('a host from the event is called only if it is allowed and public, in any spelling', async (t) => {
  const up = await upstream(t, (q, r) => r.end('secret'));
  const w = await start(t, {
    'none.yaml': calling('none', '{ url: "http://${ request.query.host }/", method: GET }', 'timeout: 2s'),
    'some.yaml': calling('some', `{ url: "http://\${ request.query.host }/", method: GET, allow_hosts: ["127.0.0.1", localhost, "hooks.example", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"] }`, 'timeout: 2s'),
  });
  for (const host of ['hooks.example', `127.0.0.1:${up.port}`, 'evil.example'])
    assert.equal((await ask(w, `/none?host=${encodeURIComponent(host)}`)).code, 'forbidden', host);
  for (const host of ['127.0.0.1', 'localhost', '0x7f.1', '2130706433', '0177.0.0.1', '127.1', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '0.0.0.0', '169.254.169.254', '10.0.0.1', '192.168.1.1', '100.64.0.1', '224.0.0.1', '[fe80::1]', '[fd00::1]', '[64:ff9b::7f00:1]', 'evil.example', 'hooks.example@127.0.0.1', 'hooks.example#@127.0.0.1', '127.0.0.1/x?']) {
    const r = await ask(w, `/some?host=${encodeURIComponent(`${host}:${up.port}`)}`);
    // An old spelling of an address is a name that nobody has.
    assert.match(r.message ?? 'an answer', /no such name|allow|private|public|loopback|URL|host/, `${host}: ${JSON.stringify(r)}`);
  }
  assert.equal(up.requests.length, 0);
});

test('event data in a path stays one segment', async (t) => {
  const up = await upstream(t, (q, r) => r.end());
  const w = await start(t, { 'a.yaml': calling('a', `{ url: "${up.url}/users/\${ request.query.id }", method: GET }`) });
  await ask(w, `/a?id=${encodeURIComponent('a/b?c=d#e é')}`);
  assert.equal(up.requests[0].url, '/users/a%2Fb%3Fc%3Dd%23e%20%C3%A9');
  for (const id of ['..', '.', 'a\r\nX: y']) assert.equal((await ask(w, `/a?id=${encodeURIComponent(id)}`)).code, 'invalid', id);
  assert.equal(up.requests.length, 1);
});

// -- TLS --

/** A CA, and certificates of it and of nobody, below a folder. */
function certificates(t) {
  const dir = folder(t);
  const openssl = (...args) => { const r = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' }); assert.equal(r.status, 0, r.stderr); };
  const self = (name, ...more) => openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', '2', '-subj', `/CN=${name}`, ...more);
  self('ca');
  self('self', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost');
  const signed = (name, ...more) => {
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`, '-addext', `subjectAltName=${name === 'wrong' ? 'DNS:other.example' : 'IP:127.0.0.1,DNS:localhost'}`);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', `${name}.pem`, '-copy_extensions', 'copy', ...more);
  };
  signed('good', '-days', '2');
  signed('wrong', '-days', '2');
  signed('old', '-days', '-1');
  return dir;
}

test('certificates are verified: unknown, self-signed, expired and foreign ones are refused with their reason', async (t) => {
  if (spawnSync('openssl', ['version']).status !== 0) return t.skip('no openssl here');
  const dir = certificates(t);
  const files = {};
  for (const name of ['good', 'self', 'wrong', 'old']) {
    const server = https.createServer({ key: readFileSync(join(dir, `${name}.key`)), cert: readFileSync(join(dir, `${name}.pem`)) }, (q, r) => r.end('ok'));
    server.on('tlsClientError', () => {});
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    t.after(() => new Promise((done) => { server.closeAllConnections(); server.close(done); }));
    const url = `https://127.0.0.1:${server.address().port}/`;
    files[`${name}.yaml`] = calling(name, `{ url: "${url}", method: GET, parse: text, tls: { ca: "${dir}/ca.pem" } }`);
    files[`${name}-system.yaml`] = calling(`${name}-system`, `{ url: "${url}", method: GET }`);
    if (name === 'wrong') files['named.yaml'] = calling('named', `{ url: "${url}", method: GET, parse: text, tls: { ca: "${dir}/ca.pem", server_name: other.example } }`);
  }
  const plain = await upstream(t, (q, r) => r.end());
  files['plain.yaml'] = calling('plain', `{ url: "https://127.0.0.1:${plain.port}/", method: GET }`);
  // The first use of the system's certificates reads them all, which is no overload here.
  const w = await start(t, files);
  assert.equal((await ask(w, '/good')).body, 'ok');
  assert.equal((await ask(w, '/named')).body, 'ok');
  for (const [path, reason] of [['/good-system', /unknown authority/], ['/self', /self-signed/], ['/self-system', /self-signed/],
    ['/wrong', /127\.0\.0\.1/], ['/old', /expired/], ['/plain', /TLS/]]) {
    const r = await ask(w, path);
    assert.equal(r.code, 'upstream', `${path}: ${JSON.stringify(r)}`);
    assert.match(r.message, reason, path);
  }
});
