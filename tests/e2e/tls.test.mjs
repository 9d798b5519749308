// TLS of the edge: versions, names, tickets, reloads, callers' certificates, and those who do it wrong.
import test from 'node:test';
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binary, metric, start, until, weir, sanitized } from './lib/weir.mjs';
import { connect, exchange, parse } from './lib/net.mjs';
import { ask, certificate, certificates, dial, openssl, startTls } from './lib/tls.mjs';

const echo = `
name: echo
trigger:
  webhook: { path: /echo, methods: [GET, POST] }
steps:
  - reply: { body: "\${ request.raw ?? 'nothing' }" }
`;

const refused = (w, reason) => metric(w, 'weir_edge_refused_total', { reason });

/** What s_client says of a connection, with the handshake's outcome in it. */
const client = (w, ...args) => openssl(['s_client', '-connect', `127.0.0.1:${w.tlsPort}`, '-servername', 'localhost', ...args]);

/** Collects what comes on a socket: { text, until(regex), ended }. */
function collect(socket) {
  const c = { text: '' };
  socket.setEncoding('latin1').on('data', (d) => { c.text += d; }).on('error', () => {});
  c.ended = once(socket, 'close').then(() => c.text);
  c.until = (regex) => until(() => regex.test(c.text), `${regex} in ${c.text.slice(0, 300)}`);
  return c;
}

test('TLS 1.2 and 1.3 serve requests with bodies of any size, and older versions are refused', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c, { args: ['--set', 'edge.max_body=8MiB'] });
  const large = Buffer.alloc(5_000_000, 'weir ');
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const versions = { minVersion: version, maxVersion: version, ca: c.ca };
    assert.equal((await ask(w.tlsPort, '/echo', versions)).body.toString(), 'nothing');
    const r = await ask(w.tlsPort, '/echo', { ...versions, body: large });
    assert.equal(r.status, 200);
    assert.ok(r.body.equals(large), version);
    assert.equal(r.protocol, version);
  }
  const before = await refused(w, 'tls_handshake');
  for (const old of ['-tls1', '-tls1_1']) {
    const r = client(w, old, '-cipher', 'ALL:@SECLEVEL=0');
    assert.match(r.err + r.out, /alert protocol version|unsupported protocol/, old);
    assert.match(r.out, /Cipher is \(NONE\)/);
  }
  await until(async () => (await refused(w, 'tls_handshake')) === before + 2, 'they are counted');
  assert.equal(await metric(w, 'weir_edge_tls_handshakes_total', { version: '1.2' }), 2);
  assert.equal(await metric(w, 'weir_edge_tls_handshakes_total', { version: '1.3' }), 2);
});

test('only suites with forward secrecy and authenticated encryption are spoken, and nothing is negotiated anew', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c);
  for (const bad of ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384', 'AES128-GCM-SHA256', 'DHE-RSA-AES128-GCM-SHA256', 'aNULL'])
    assert.match(client(w, '-tls1_2', '-cipher', `${bad}:@SECLEVEL=0`).out, /Cipher is \(NONE\)/, bad);
  const good = client(w, '-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256');
  assert.match(good.out, /Cipher is ECDHE-ECDSA-AES128-GCM-SHA256/); // the server's order
  assert.match(good.out, /Secure Renegotiation IS supported/);
  assert.match(good.out, /Compression: NONE/);
  assert.match(client(w, '-groups', 'P-521').out, /Cipher is \(NONE\)/);
  const again = openssl(['s_client', '-connect', `127.0.0.1:${w.tlsPort}`, '-tls1_2', '-nocommands'], 'R\n');
  assert.match(again.out, /Cipher is ECDHE/);
});

test('the name that a caller asks for chooses the certificate', async (t) => {
  const c = certificates(t, { first: 'DNS:localhost', second: 'DNS:Hooks.example.org,DNS:b.test', wild: 'DNS:*.weir.test' });
  const w = await startTls(t, { 'echo.yaml': echo }, c);
  const shown = async (servername) => {
    const s = await dial(w.tlsPort, { servername, ca: c.ca, checkServerIdentity: () => undefined });
    const name = s.getPeerCertificate().subject.CN;
    s.destroy();
    return name;
  };
  assert.equal(await shown('localhost'), 'first');
  assert.equal(await shown('hooks.EXAMPLE.org'), 'second');
  assert.equal(await shown('b.test'), 'second');
  assert.equal(await shown('a.weir.test'), 'wild');
  assert.equal(await shown('a.b.weir.test'), 'first'); // a star is one label
  assert.equal(await shown('weir.test'), 'first');
  assert.equal(await shown('unknown.test'), 'first');
  assert.equal(await shown(''), 'first');
  assert.equal(await metric(w, 'weir_tls_certificate_expires_timestamp_seconds', { name: '*.weir.test' }) > Date.now() / 1000, true);
});

test('of protocols HTTP/1.1 is chosen, and who speaks none that is known is told so', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c);
  const s = await dial(w.tlsPort, { ca: c.ca, ALPNProtocols: ['acme', 'http/1.1'] });
  assert.equal(s.alpnProtocol, 'http/1.1');
  s.destroy();
  await assert.rejects(dial(w.tlsPort, { ca: c.ca, ALPNProtocols: ['acme-tls/1'] }), /no application protocol/);
});

test('certificates are replaced under load without a failed request, and a bad one changes nothing', async (t) => {
  const c = certificates(t, { localhost: 'DNS:localhost' });
  const w = await startTls(t, { 'echo.yaml': echo }, c, { shards: 2, args: ['--set', 'log.access=false'] });
  const seen = { good: 0, bad: [] };
  let going = true;
  const agents = [new https.Agent({ keepAlive: true, maxSockets: 1, ca: c.ca }), new https.Agent({ keepAlive: false, ca: c.ca })];
  const clients = [0, 0, 1, 1].map(async (i) => {
    while (going)
      await ask(w.tlsPort, '/echo', { agent: agents[i] }).then((r) => { if (r.status === 200) seen.good++; else seen.bad.push(r.status); }, (e) => seen.bad.push(e.message));
  });
  t.after(() => { going = false; return Promise.all(clients); });
  const serial = async () => {
    const s = await dial(w.tlsPort, { ca: c.ca });
    const { serialNumber } = s.getPeerCertificate();
    s.destroy();
    return serialNumber;
  };
  const old = await dial(w.tlsPort, { ca: c.ca });
  const kept = collect(old);
  let last = await serial();
  for (let n = 1; n <= 5; n++) {
    certificate(c.dir, 'localhost', { names: 'DNS:localhost', ca: 'ca' });
    const before = seen.good;
    assert.equal((await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' })).status, 200);
    const now = await serial();
    assert.notEqual(now, last);
    last = now;
    await until(() => seen.good > before + 4, 'requests go on');
  }
  old.write('GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await kept.until(/nothing/); // a connection from before the first of them
  old.destroy();
  copyFileSync(join(c.dir, 'ca.key'), join(c.dir, 'localhost.key'));
  const r = await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
  assert.equal(r.status, 422);
  assert.match(await r.text(), /localhost\.key: it does not belong to its certificate/);
  process.kill(w.pid, 'SIGHUP');
  await w.log((l) => l.level === 'error' && /edge\.tls.*does not belong to its certificate/.test(l.msg));
  assert.equal(await serial(), last);
  going = false;
  await Promise.all(clients);
  assert.deepEqual(seen.bad, []);
});

test('a certificate that was replaced on the disk is used without being asked to', async (t) => {
  const c = certificates(t, { localhost: 'DNS:localhost' });
  const w = await startTls(t, { 'echo.yaml': echo }, c);
  const both = certificate(c.dir, 'next', { names: 'DNS:localhost', ca: 'ca', subject: '/CN=next' });
  writeFileSync(join(c.dir, 'localhost.pem.new'), both.pem);
  renameSync(join(c.dir, 'localhost.pem.new'), join(c.dir, 'localhost.pem'));
  await w.log((l) => /files have changed and can't be used, those before stay in use/.test(l.msg));
  writeFileSync(join(c.dir, 'localhost.key'), both.key);
  await until(async () => {
    const s = await dial(w.tlsPort, { ca: c.ca });
    const { CN } = s.getPeerCertificate().subject;
    s.destroy();
    return CN === 'next';
  }, 'the new certificate is shown');
});

test('a session is resumed by its ticket on every shard', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c, { shards: 4 });
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const options = { ca: c.ca, minVersion: version, maxVersion: version };
    const first = tls.connect({ port: w.tlsPort, host: '127.0.0.1', servername: 'localhost', ...options });
    const [session] = await once(first, 'session');
    first.destroy();
    for (let n = 0; n < 12; n++) {
      assert.equal((await ask(w.tlsPort, '/echo', { ...options, session })).reused, true, `${version} ${n}`);
    }
    const labels = { version: version.slice(4), resumed: 'true' };
    await until(async () => (await metric(w, 'weir_edge_tls_handshakes_total', labels)) === 12, `12 are counted: ${version}`);
  }
});

test('callers show a certificate of a known authority where one is required', async (t) => {
  const c = certificates(t);
  const known = certificate(c.dir, 'caller', { ca: 'ca', subject: '/O=Acme/CN=caller' });
  certificate(c.dir, 'other', { isCa: true });
  const stranger = certificate(c.dir, 'stranger', { ca: 'other' });
  const args = (how) => ['--set', `edge.tls.client_auth=${how}`, '--set', `edge.tls.client_ca=${join(c.dir, 'ca.pem')}`];
  const shown = (cert) => ({ ca: c.ca, cert: cert.pem, key: cert.key });
  const required = await startTls(t, { 'echo.yaml': echo }, c, { args: args('required') });
  assert.equal((await ask(required.tlsPort, '/echo', shown(known))).status, 200);
  await assert.rejects(ask(required.tlsPort, '/echo', { ca: c.ca }), /certificate required/);
  await assert.rejects(ask(required.tlsPort, '/echo', shown(stranger)), /unknown ca/);
  const optional = await startTls(t, { 'echo.yaml': echo }, c, { args: args('optional') });
  assert.equal((await ask(optional.tlsPort, '/echo', shown(known))).status, 200);
  assert.equal((await ask(optional.tlsPort, '/echo', { ca: c.ca })).status, 200);
  await assert.rejects(ask(optional.tlsPort, '/echo', shown(stranger)), /unknown ca/);
  assert.equal(await refused(optional, 'tls_handshake'), 1);
});

test('over TLS every answer says how long to come back over TLS, also those of the edge itself', async (t) => {
  const c = certificates(t);
  const own = echo.replaceAll('echo', 'own').replace('reply: {', 'reply: { headers: { strict-transport-security: max-age=1 },');
  const w = await startTls(t, { 'echo.yaml': echo, 'own.yaml': own }, c,
    { args: ['--set', 'edge.hsts=365d', '--set', 'edge.hsts_subdomains=true', '--set', 'edge.hsts_preload=true'] });
  const want = 'max-age=31536000; includeSubDomains; preload';
  assert.equal((await ask(w.tlsPort, '/echo', { ca: c.ca })).headers['strict-transport-security'], want);
  assert.equal((await ask(w.tlsPort, '/nothing', { ca: c.ca })).headers['strict-transport-security'], want);
  assert.equal((await ask(w.tlsPort, '/own', { ca: c.ca })).headers['strict-transport-security'], 'max-age=1');
  const s = await dial(w.tlsPort, { ca: c.ca });
  const got = collect(s);
  s.write('GET / HTTP/1.1\r\n\r\n');
  assert.match(await got.ended, /^HTTP\/1\.1 400 [^]*Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\n/);
  assert.equal((await fetch(`${w.edge}/echo`)).headers.get('strict-transport-security'), null);
});

test('who sends nothing, or half a greeting, is cut off at the deadline of the handshake', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c, { args: ['--set', 'edge.tls.handshake_timeout=1s'] });
  const hello = await new Promise((done) => {
    const server = net.createServer((s) => s.once('data', (d) => { done(d); s.destroy(); server.close(); })).listen(0, '127.0.0.1', () => {
      tls.connect({ port: server.address().port, host: '127.0.0.1', servername: 'localhost' }).on('error', () => {});
    });
  });
  const ends = ['', hello.subarray(0, 3), hello.subarray(0, hello.length - 1), hello].map(async (bytes) => {
    const s = connect(w.tlsPort);
    await s.write(bytes.toString('latin1'));
    await s.ended;
  });
  await Promise.all(ends);
  assert.equal(await refused(w, 'tls_deadline'), 4);
  // One that sends a byte at a time, and forever, has no more of it than others.
  const s = connect(w.tlsPort);
  for (let i = 0; !s.closed && i < hello.length - 1; i++) {
    await s.write(hello.subarray(i, i + 1).toString('latin1'));
    await new Promise((done) => setTimeout(done, 20));
  }
  await s.ended;
  assert.equal(await refused(w, 'tls_deadline'), 5);
  assert.equal((await ask(w.tlsPort, '/echo', { ca: c.ca })).status, 200);
});

test('callers who never shake hands take no more than the places there are, and give them back', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c, { args: ['--set', 'edge.tls.handshake_timeout=1s', '--set', 'edge.max_connections=8'] });
  const silent = Array.from({ length: 24 }, () => connect(w.tlsPort));
  await until(async () => (await metric(w, 'weir_edge_connections')) === 8, 'all places are taken');
  assert.equal((await ask(w.tlsPort, '/echo', { ca: c.ca })).status, 200);
  await Promise.all(silent.map((s) => s.ended));
// Some at their deadline, some since others waited for their places.
  assert.ok((await refused(w, 'tls_deadline')) > 0);
  await until(async () => (await metric(w, 'weir_edge_connections')) === 0, 'all places are free');
});

test('garbage ends the connection, HTTP without TLS is answered, and the log stays quiet', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c);
  const lines = w.lines.length;
  const record = (type, bytes) => String.fromCharCode(type, 3, 1, bytes.length >> 8, bytes.length & 255) + bytes;
  const garbage = ['\0'.repeat(500), '\x80\x2e\x01\0\x02'.padEnd(48, '\0'), record(22, 'x'.repeat(300)), record(23, 'early data'), record(21, '\x02\x28'),
    '\x16\x03\x01\xff\xff'.padEnd(20000, 'z'), 'SSH-2.0-weir'.toLowerCase()];
  for (const bytes of garbage) await exchange(w.tlsPort, bytes);
  const told = parse(await exchange(w.tlsPort, 'PATCH /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello'));
  assert.equal(told.status, 400);
  assert.equal(told.body, 'This port speaks HTTPS: the URL has to begin with https://\n');
  await until(async () => (await refused(w, 'tls_handshake')) === garbage.length + 1, 'each is counted once');
  const idle = connect(w.tlsPort); // one that looks whether somebody is here is nobody's fault
  await once(idle.socket, 'connect');
  idle.socket.end();
  await idle.ended;
  assert.equal((await ask(w.tlsPort, '/echo', { ca: c.ca })).status, 200);
  assert.equal(await refused(w, 'tls_handshake'), garbage.length + 1);
  assert.deepEqual(w.lines.slice(lines).filter((l) => l.msg !== 'request'), []);
});

test('requests that come in one record, in many, or behind one another are all answered', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c);
  const post = (text) => `POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
  const s = await dial(w.tlsPort, { ca: c.ca });
  const got = collect(s);
  s.write(Array.from({ length: 200 }, (_, n) => post(`one ${n}.`)).join(''));
  await got.until(/one 199\./);
  for (let n = 0; n < 200; n++) assert.ok(got.text.includes(`one ${n}.`), `${n}`);
  for (const byte of post('many records')) s.write(byte);
  await got.until(/many records/);
  s.write(post('z'.repeat(300_000)));
  await got.until(/\r\n\r\nz{300000}/); // from its beginning: without, each look is quadratic
  s.write('POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n');
  await got.until(/HTTP\/1\.1 100 Continue\r\n\r\n$/);
  s.write('continued');
  await got.until(/continued$/);
  s.write('GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  assert.match(await got.ended, /Connection: close[^]*nothing$/);
});

test('an answer ends with close_notify, and a caller that leaves without one harms nobody', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c);
  const r = openssl(['s_client', '-connect', `127.0.0.1:${w.tlsPort}`, '-quiet', '-ign_eof', '-CAfile', join(c.dir, 'ca.pem')],
    'GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  assert.equal(r.code, 0, r.err);
  assert.match(r.out, /nothing$/);
  assert.doesNotMatch(r.err, /unexpected eof/);
  const s = await dial(w.tlsPort, { ca: c.ca });
  s.write('POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf');
  await new Promise((done) => setImmediate(done));
  s.destroy();
  assert.equal((await ask(w.tlsPort, '/echo', { ca: c.ca })).status, 200);
  assert.equal(await refused(w, 'tls_handshake'), 0);
});

test('one who does not read its answer over TLS is cut off', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c, { args: ['--set', 'edge.max_body=64MiB', '--set', 'edge.write_timeout=1s'] });
  const s = await dial(w.tlsPort, { ca: c.ca });
  s.on('error', () => {});
  const body = Buffer.alloc(40 << 20, 'x');
  s.write(`POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`);
  s.write(body);
  s.pause();
  await until(async () => (await refused(w, 'slow_reader')) === 1, 'it is cut off');
  s.destroy();
});

test('who sends messages of TLS and nothing else is cut off', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c);
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${w.tlsPort}`, '-tls1_3', '-CAfile', join(c.dir, 'ca.pem')]);
  t.after(() => child.kill());
  child.stdin.on('error', () => {});
  let out = '';
  child.stdout.on('data', (d) => { out += d; });
  await until(() => /Verify return code/.test(out), 'hands are shaken');
  let ended = false;
  child.once('exit', () => { ended = true; });
  for (let n = 0; n < 200 && !ended; n++) {
    child.stdin.write('k\n'); // an update of keys
    await new Promise((done) => setTimeout(done, 5));
  }
  await until(() => ended, 'the connection ends');
  assert.equal(await refused(w, 'flood'), 1);
});

/** Sends BODY over HTTP/2: { protocol, headers, body }. */
async function ask2(t, port, ca, body) {
  const session = http2.connect(`https://127.0.0.1:${port}`, { ca, servername: 'localhost', settings: { initialWindowSize: 4 << 20 } });
  t.after(() => session.destroy());
  const r = session.request({ ':method': 'POST', ':path': '/echo' });
  r.end(body);
  const [headers] = await once(r, 'response');
  const pieces = [];
  for await (const p of r) {
    pieces.push(p);
    await new Promise((done) => setImmediate(done)); // a reader that takes its time: records wait for the kernel
  }
  return { protocol: session.alpnProtocol, headers, body: Buffer.concat(pieces) };
}

test('HTTP/2 is chosen where both speak it, with the same answers', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c, { args: ['--set', 'edge.hsts=1d', '--set', 'edge.max_body=4MiB'] });
  for (const length of [1, 300_000, 3_000_000]) {
    const body = Buffer.from(Array.from({ length }, (_, i) => i % 251));
    const r = await ask2(t, w.tlsPort, c.ca, body);
    assert.equal(r.protocol, 'h2');
    assert.equal(r.headers[':status'], 200);
    assert.equal(r.headers['strict-transport-security'], 'max-age=86400');
    assert.ok(r.body.equals(body), `${length}`);
  }
});

test('with reads and writes of one byte TLS works all the same', { skip: !sanitized && 'faults are not compiled in' }, async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'echo.yaml': echo }, c, { env: { WEIR_FAULT: 'READ_ONE_BYTE,WRITE_ONE_BYTE' } });
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const r = await ask(w.tlsPort, '/echo', { ca: c.ca, minVersion: version, maxVersion: version, body: Buffer.alloc(20_000, 'y') });
    assert.ok(r.body.equals(Buffer.alloc(20_000, 'y')));
  }
  assert.ok((await ask2(t, w.tlsPort, c.ca, Buffer.alloc(20_000, 'z'))).body.equals(Buffer.alloc(20_000, 'z')));
});

test('what is wrong with the settings of TLS is said at the start', (t) => {
  const c = certificates(t, { a: 'DNS:a.test', b: 'DNS:b.test' });
  writeFileSync(join(c.dir, 'echo.yaml'), echo);
  const says = (pattern, ...set) => {
    const r = weir(['run', join(c.dir, 'echo.yaml'), '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--store', 'none', '--log', 'text', ...set.flatMap((s) => ['--set', s])], { cwd: c.dir });
    assert.equal(r.code, 1, r.out + r.err);
    assert.match(r.out + r.err, pattern);
  };
  const listen = 'edge.tls.listen=127.0.0.1:0';
  says(/edge\.tls\.listen needs a certificate/, listen);
  says(/must name as many files; edge\.tls\.cert has one more/, listen, 'edge.tls.cert=a.pem,b.pem', 'edge.tls.key=a.key');
  says(/certificate missing\.pem: No such file/, listen, 'edge.tls.cert=missing.pem', 'edge.tls.key=a.key');
  says(/key b\.key: it does not belong to its certificate/, listen, 'edge.tls.cert=a.pem', 'edge.tls.key=b.key');
  says(/key a\.pem: there is no private key/, listen, 'edge.tls.cert=a.pem', 'edge.tls.key=a.pem');
  says(/client_auth: required needs edge\.tls\.client_ca/, listen, 'edge.tls.cert=a.pem', 'edge.tls.key=a.key', 'edge.tls.client_auth=required');
  says(/edge\.hsts_preload needs/, 'edge.hsts=1d', 'edge.hsts_preload=true');
  assert.ok(openssl(['ec', '-in', join(c.dir, 'a.key'), '-aes128', '-passout', 'pass:secret', '-out', join(c.dir, 'locked.key')]).code === 0);
  says(/locked\.key: it is locked with a password/, listen, 'edge.tls.cert=a.pem', 'edge.tls.key=locked.key');
});

test('requests behind a slow one that came in one record are all answered', async (t) => {
  const c = certificates(t);
  const step = (name, path, more, reply) => `name: ${name}\ntrigger: { webhook: { path: "${path}", methods: [GET] } }\nsteps:\n${more}  - reply: { text: "${reply}" }\n`;
  const pipelines = { 'late.yaml': step('late', '/late', '  - delay: 300ms\n', 'late'), 'quick.yaml': step('quick', '/quick/{n}', '', 'n=${ request.params.n };') };
  const w = await startTls(t, pipelines, c, { args: ['--set', 'edge.header_timeout=2s'] });
  const s = await dial(w.tlsPort, { ca: c.ca });
  const { text, ended } = collectAll(s);
  const head = (path) => `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Pad: ${'p'.repeat(40)}\r\n\r\n`;
  const record = head('/late') + Array.from({ length: 150 }, (_, n) => head(`/quick/${n}`)).join('');
  assert.ok(record.length > 12_000 && record.length < 16_384, 'it is one record, and more than the buffer of one who waits');
  s.write(record);
  await Promise.race([ended, until(() => text().includes('n=149;'), 'the last answer')]);
  assert.equal(text().match(/HTTP\/1\.1 200/g).length, 151);
  s.destroy();
});

test('the admin speaks TLS, and the commands with it', async (t) => {
  const c = certificates(t, { localhost: 'DNS:localhost,IP:127.0.0.1', other: 'DNS:other.example' });
  const at = (name) => join(c.dir, name);
  copyFileSync(at('localhost.pem'), at('admin.pem'));
  copyFileSync(at('localhost.key'), at('admin.key'));
  const w = await start(t, { 'echo.yaml': echo }, { env: { WEIR_ADMIN_TOKEN: 'operate-token' }, args: ['--set', 'store.url=none', '--set', 'admin.tls.listen=127.0.0.1:0', '--set', `admin.tls.cert=${at('admin.pem')}`, '--set', `admin.tls.key=${at('admin.key')}`] });
  const port = w.lines.find((l) => / is ready$/.test(l.msg)).admin_tls_port;
  assert.equal((await ask(port, '/livez', { ca: c.ca })).status, 200);
  assert.equal((await ask(port, '/api/v1/info', { ca: c.ca })).status, 401);
  assert.equal((await ask(port, '/metrics', { ca: c.ca, headers: { authorization: 'Bearer operate-token' } })).status, 200);
  const cli = (args, env = {}) => weir(args, { cwd: c.dir, env: { WEIR_ADMIN_TOKEN: 'operate-token', ...env } });
  const good = (...args) => { const r = cli(...args); assert.equal(r.code, 0, r.err); return r; };
  const bad = (why, ...args) => { const r = cli(...args); assert.notEqual(r.code, 0); assert.match(r.err, why); };
  good(['reload', '--admin', `https://localhost:${port}`, '--ca', at('ca.pem')]);
  good(['reload', '--admin', `https://127.0.0.1:${port}/`, '--ca', at('localhost.pem')]); // the certificate itself
  good(['reload', '--admin', `https://localhost:${port}`, '--insecure']);
  good(['reload', '--admin', `http://127.0.0.1:${w.adminPort}`]);
  good(['reload'], { WEIR_ADMIN_LISTEN: '', WEIR_ADMIN_TLS_LISTEN: `127.0.0.1:${port}`, WEIR_ADMIN_TLS_CA: at('ca.pem') });
  bad(/signed by an unknown authority/, ['reload', '--admin', `https://localhost:${port}`]);
  bad(/no weir answers at https:\/\/no-such-host\.invalid/, ['reload', '--admin', 'https://no-such-host.invalid:1']);
  bad(/write https:\/\/HOST:PORT/, ['reload', '--admin', `https://localhost:${port}/api`]);
  bad(/gone\.pem/, ['reload', '--admin', `https://localhost:${port}`, '--ca', at('gone.pem')]);
  bad(/answered 400/, ['reload', '--admin', `127.0.0.1:${port}`]);
  // What is streamed arrives as it happens.
  const tail = spawn(binary, ['tail', '--json', '--admin', `https://localhost:${port}`, '--ca', at('ca.pem')], { cwd: c.dir, env: { ...process.env, WEIR_ADMIN_TOKEN: 'operate-token' }, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => tail.kill());
  const seen = collectAll(tail.stdout);
  await until(async () => { await fetch(`${w.edge}/echo`); return /"pipeline": ?"echo"/.test(seen.text()); }, 'tail shows a run');
  tail.kill();
  // Another certificate is taken at a reload, and the commands see that it is for another name.
  copyFileSync(at('other.pem'), at('admin.pem'));
  copyFileSync(at('other.key'), at('admin.key'));
  good(['reload', '--admin', `https://localhost:${port}`, '--insecure']);
  bad(/localhost/, ['reload', '--admin', `https://localhost:${port}`, '--ca', at('ca.pem')]);
  writeFileSync(at('admin.key'), 'no key');
  const refused = cli(['reload', '--admin', `https://localhost:${port}`, '--insecure']);
  assert.notEqual(refused.code, 0);
  assert.match(refused.err + refused.out, /admin\.tls: .*admin\.key/);
  const metrics = (await ask(port, '/metrics', { ca: c.ca, servername: 'other.example', headers: { authorization: 'Bearer operate-token' } })).body.toString();
  assert.match(metrics, /weir_tls_certificate_expires_timestamp_seconds\{name="other\.example",at="admin"\}/);
  const says = (why, ...set) => { const r = weir(['run', w.dir, '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--set', 'store.url=none', ...set.flatMap((x) => ['--set', x])], { cwd: c.dir }); assert.match(r.err + r.out, why); };
  says(/admin\.tls\.listen needs a certificate: admin\.tls\.cert and admin\.tls\.key/, 'admin.tls.listen=127.0.0.1:0');
  says(/not a loopback one: set admin\.token/, 'admin.tls.listen=0.0.0.0:0', 'admin.tls.cert=other.pem', 'admin.tls.key=other.key');
});

/** What has come on a socket so far, and its end. */
function collectAll(s) {
  let all = '';
  s.setEncoding('latin1').on('data', (d) => { all += d; });
  return { text: () => all, ended: once(s, 'close') };
}
