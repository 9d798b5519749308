// Where the edge and the admin API listen besides TCP: paths, behind proxies that say who calls, and to redirect.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder, metric, start, until, weir } from './lib/weir.mjs';
import { connect, exchange, parse } from './lib/net.mjs';
import { ask, certificates, startTls } from './lib/tls.mjs';

const who = `
name: who
trigger:
  webhook: { path: /who, methods: [GET, POST] }
steps:
  - reply: { json: { ip: "\${ request.client_ip }" } }
`;

/** One request to a socket of a path: { status, body }. */
const askPath = (socketPath, path, headers = {}) => new Promise((done, fail) => {
  http.get({ socketPath, path, headers, agent: false }, (r) => {
    let body = '';
    r.on('data', (d) => { body += d; });
    r.on('end', () => done({ status: r.statusCode, body }));
  }).on('error', fail);
});

test('the edge listens on a path with its mode, all shards take from it, and the file goes at the end', async (t) => {
  const dir = folder(t);
  const path = join(dir, 'edge.sock');
  const w = await start(t, { 'who.yaml': who }, { shards: 4, args: ['--set', `edge.listen=127.0.0.1:0,unix:${path}`, '--set', 'edge.socket_mode=0666'] });
  assert.equal(statSync(path).mode & 0o7777, 0o666);
  const answers = await Promise.all(Array.from({ length: 200 }, () => askPath(path, '/who')));
  for (const a of answers) assert.deepEqual(a, { status: 200, body: '{"ip":"unix"}' });
  assert.equal((await fetch(`${w.edge}/who`)).status, 200);
  assert.deepEqual(JSON.parse((await askPath(path, '/who', { 'x-forwarded-for': '203.0.113.9' })).body), { ip: 'unix' });
  await w.stop();
  assert.equal(existsSync(path), false);
});

test('who connects to a path is a proxy whose word counts if the settings say so', async (t) => {
  const path = join(folder(t), 'edge.sock');
  await start(t, { 'who.yaml': who }, { args: ['--set', `edge.listen=unix:${path}`, '--set', 'trusted_proxies=unix'] });
  assert.equal((await askPath(path, '/who', { 'x-forwarded-for': '203.0.113.9' })).body, '{"ip":"203.0.113.9"}');
  assert.equal((await askPath(path, '/who')).body, '{"ip":"unix"}');
});

test('a socket that a process left behind is replaced, and one that somebody listens on is not', async (t) => {
  const dir = folder(t, { 'p/who.yaml': who });
  const path = join(dir, 'edge.sock');
  const args = ['--set', `edge.listen=unix:${path}`];
  const first = await start(t, join(dir, 'p'), { args });
  const second = weir(['run', join(dir, 'p'), '--admin', '127.0.0.1:0', '--store', 'none', '--log', 'text', ...args]);
  assert.equal(second.code, 1);
  assert.match(second.out + second.err, /edge: can't listen on .*edge\.sock: somebody listens there/);
  first.killed = true;
  await first.kill();
  assert.ok(existsSync(path));
  await start(t, join(dir, 'p'), { args });
  assert.equal((await askPath(path, '/who')).status, 200);
  const file = join(dir, 'file');
  writeFileSync(file, 'mine');
  const third = weir(['run', join(dir, 'p'), '--admin', '127.0.0.1:0', '--store', 'none', '--log', 'text', '--set', `edge.listen=unix:${file}`]);
  assert.equal(third.code, 1);
  assert.match(third.out + third.err, /file is there already and is no socket/);
  assert.equal(existsSync(file), true);
});

test('commands reach the admin API on a path, which is its owner\'s and needs no token', async (t) => {
  const path = join(folder(t), 'admin.sock');
  await start(t, { 'who.yaml': who }, { args: ['--set', `admin.listen=unix:${path}`] });
  assert.equal(statSync(path).mode & 0o7777, 0o600);
  assert.equal((await askPath(path, '/readyz')).status, 200);
  const r = weir(['reload', '--admin', `unix:${path}`]);
  assert.equal(r.code, 0, r.err);
  assert.match(r.out, /generation 2/);
  assert.equal(weir(['reload', '--admin', `unix:${path}.no`]).code, 3);
});

// -- proxies that speak the PROXY protocol --

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const header2 = (command, family, body) => {
  const b = Buffer.alloc(4);
  b.writeUInt8(command, 0);
  b.writeUInt8(family, 1);
  b.writeUInt16BE(body.length, 2);
  return Buffer.concat([signature, b, body]);
};
const tcp4 = (ip) => Buffer.from([...ip.split('.').map(Number), 127, 0, 0, 1, 0x12, 0x67, 1, 0xbb]);
const tcp6 = Buffer.concat([Buffer.from('20010db8000000000000000000000007', 'hex'), Buffer.alloc(20)]);
const get = 'GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
const through = ['--set', 'edge.proxy_protocol=true', '--set', 'trusted_proxies=127.0.0.0/8,198.51.100.0/24'];

test('the caller is whom the PROXY header of a trusted proxy names', async (t) => {
  const w = await start(t, { 'who.yaml': who }, { args: through });
  const said = async (header, request = get) => JSON.parse(parse(await exchange(w.edgePort, header.toString('latin1') + request)).body).ip;
  assert.equal(await said(header2(0x21, 0x11, tcp4('203.0.113.7'))), '203.0.113.7');
  assert.equal(await said(header2(0x21, 0x21, tcp6)), '2001:db8::7');
  assert.equal(await said(header2(0x21, 0x11, Buffer.concat([tcp4('203.0.113.7'), Buffer.from('\x01\0\x02h2\x20\0\x05.....', 'latin1')]))), '203.0.113.7');
  assert.equal(await said(header2(0x20, 0, Buffer.alloc(0))), '127.0.0.1');
  assert.equal(await said(header2(0x21, 0x31, Buffer.alloc(216))), '127.0.0.1');
  assert.equal(await said(Buffer.from('PROXY TCP4 203.0.113.8 127.0.0.1 4711 80\r\n')), '203.0.113.8');
  assert.equal(await said(Buffer.from('PROXY UNKNOWN\r\n')), '127.0.0.1');
  // X-Forwarded-For counts as far as the caller that the header names is a trusted proxy itself.
  const forwarded = get.replace('Host', 'X-Forwarded-For: 192.0.2.1\r\nHost');
  assert.equal(await said(header2(0x21, 0x11, tcp4('203.0.113.7')), forwarded), '203.0.113.7');
  assert.equal(await said(header2(0x21, 0x11, tcp4('198.51.100.7')), forwarded), '192.0.2.1');
  // Nor does it of a caller whom the header does not name: nobody knows who has written it.
  for (const nobody of [Buffer.from('PROXY UNKNOWN\r\n'), header2(0x21, 0, Buffer.alloc(0)), header2(0x21, 0x12, tcp4('198.51.100.7')), header2(0x21, 0x31, Buffer.alloc(216))])
    assert.equal(await said(nobody, forwarded), '127.0.0.1');
  const slow = connect(w.edgePort);
  for (const byte of header2(0x21, 0x11, tcp4('203.0.113.9')).toString('latin1') + get) await slow.write(byte);
  assert.equal(JSON.parse(parse(await slow.ended).body).ip, '203.0.113.9');
  assert.equal(await metric(w, 'weir_edge_refused_total', { reason: 'proxy_protocol' }), 0);
});

test('a connection without a good PROXY header, or not from a trusted proxy, is closed unanswered', async (t) => {
  const w = await start(t, { 'who.yaml': who }, { args: [...through, '--set', 'edge.tls.handshake_timeout=1s'] });
  const bad = [get, header2(0x21, 0x11, tcp4('203.0.113.7').subarray(0, 5)).toString('latin1') + get, header2(0x41, 0x11, tcp4('203.0.113.7')).toString('latin1'),
    header2(0x21, 0x11, Buffer.alloc(60000)).toString('latin1'), `PROXY TCP4 nobody nowhere 1 2\r\n${get}`, 'PROXY UNKNOWN '.padEnd(300, 'x')];
  for (const bytes of bad) {
    const c = connect(w.edgePort);
    c.socket.write(Buffer.from(bytes, 'latin1'));
    assert.equal(await c.ended, '', bytes.slice(0, 30));
  }
  const late = connect(w.edgePort);
  await late.write(signature.toString('latin1'));
  assert.equal(await late.ended, '');
  assert.equal(await metric(w, 'weir_edge_refused_total', { reason: 'proxy_protocol' }), bad.length + 1);
  const strict = await start(t, { 'who.yaml': who }, { args: ['--set', 'edge.proxy_protocol=true', '--set', 'trusted_proxies=10.0.0.0/8'] });
  const c = connect(strict.edgePort);
  c.socket.write(Buffer.concat([header2(0x21, 0x11, tcp4('203.0.113.7')), Buffer.from(get)]));
  assert.equal(await c.ended, '');
  assert.equal(await metric(strict, 'weir_edge_refused_total', { reason: 'proxy_protocol' }), 1);
});

test('the PROXY header comes before TLS', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'who.yaml': who }, c, { args: through });
  const plain = net.connect(w.tlsPort, '127.0.0.1');
  plain.write(header2(0x21, 0x11, tcp4('203.0.113.7')));
  const s = tls.connect({ socket: plain, ca: c.ca, servername: 'localhost' });
  let text = '';
  s.on('data', (d) => { text += d; });
  s.write(get);
  await new Promise((done, fail) => { s.on('end', done).on('error', fail); });
  assert.equal(JSON.parse(parse(text).body).ip, '203.0.113.7');
  const curl = spawnSync('curl', ['-sS', '--haproxy-protocol', '--cacert', join(c.dir, 'ca.pem'), '--http1.1', `https://localhost:${w.tlsPort}/who`, '--connect-to', '::127.0.0.1:'], { encoding: 'utf8' });
  assert.equal(curl.stdout, '{"ip":"127.0.0.1"}', curl.stderr);
});

// -- redirects --

test('a listener that redirects sends every request to the same place over https', async (t) => {
  const c = certificates(t);
  const w = await startTls(t, { 'who.yaml': who }, c, { args: ['--set', 'edge.redirect_listen=127.0.0.1:0', '--set', 'edge.hsts=1d'] });
  const to = async (request) => parse(await exchange(w.redirectPort, request));
  const one = await to('GET /who%20/a?b=c&d HTTP/1.1\r\nHost: hooks.test:8080\r\nConnection: close\r\n\r\n');
  assert.equal(one.status, 308);
  assert.equal(one.headers.location, `https://hooks.test:${w.tlsPort}/who%20/a?b=c&d`);
  assert.equal(one.headers['strict-transport-security'], undefined);
  assert.equal((await to('DELETE / HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n')).headers.location, `https://[::1]:${w.tlsPort}/`);
  assert.equal((await to('GET http://hooks.test/x HTTP/1.1\r\nHost: hooks.test\r\nConnection: close\r\n\r\n')).headers.location, `https://hooks.test:${w.tlsPort}/x`);
  // It is the edge that answers: with its limits, and connections that go on.
  assert.equal((await to('GET / HTTP/1.0\r\n\r\n')).status, 400);
  assert.equal((await to('OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).status, 400);
  assert.equal((await to('GET / HTTP/1.1\r\nHost: a b\r\n\r\n')).status, 400);
  assert.equal((await to(`GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(9000)}\r\n\r\n`)).status, 431);
  assert.equal((await to('GET /../../etc HTTP/1.1\r\nHost: x\r\n\r\n')).headers.location?.includes('..') ?? false, false);
  const s = connect(w.redirectPort);
  await s.write('POST /one HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const both = await s.ended;
  assert.match(both, /\/one\r\n[^]*308[^]*\/two\r\n/);
  assert.equal((await ask(w.tlsPort, '/who', { ca: c.ca })).status, 200);
});

test('redirects lead to the public URL if there is one, which has to be one of https', async (t) => {
  const w = await start(t, { 'who.yaml': who }, { args: ['--set', 'edge.redirect_listen=127.0.0.1:0', '--set', 'edge.public_url=https://hooks.example.org/in/'] });
  const port = w.lines.find((l) => / is ready$/.test(l.msg)).redirect_port;
  const r = parse(await exchange(port, 'GET /a?b HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n'));
  assert.equal(r.headers.location, 'https://hooks.example.org/in/a?b');
  const wrong = weir(['run', w.dir, '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--store', 'none', '--log', 'text',
    '--set', 'edge.redirect_listen=127.0.0.1:0', '--set', 'edge.public_url=http://hooks.example.org']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.out + wrong.err, /edge\.redirect_listen sends everybody to edge\.public_url, which must begin with https/);
});

test('weir cert makes a certificate that the edge serves, and keeps what is there', async (t) => {
  const dir = folder(t);
  const made = weir(['cert', 'self-signed', '--out', dir, '--name', 'localhost', '--name', '127.0.0.1', '--days', '7', '--json']);
  assert.equal(made.code, 0, made.err);
  const { cert, key } = JSON.parse(made.out);
  assert.equal(statSync(key).mode & 0o777, 0o600);
  const again = weir(['cert', 'self-signed', '--out', dir]);
  assert.equal(again.code, 1);
  assert.match(again.err, /weir-cert\.pem is there already; --force replaces it/);
  const shown = JSON.parse(weir(['cert', 'show', cert, '--json']).out);
  assert.deepEqual([shown.length, shown[0].names], [1, 'localhost 127.0.0.1']);
  assert.ok(shown[0].days_left === 6 || shown[0].days_left === 7); // by whether a second has passed
  assert.equal(weir(['cert', 'self-signed', '--name', 'not a name', '--out', dir]).code, 2);
  assert.equal(weir(['cert', 'show', key]).code, 1);
  const w = await start(t, { 'who.yaml': who }, { args: ['--set', 'edge.tls.listen=127.0.0.1:0', '--set', `edge.tls.cert=${cert}`, '--set', `edge.tls.key=${key}`] });
  const port = w.lines.find((l) => / is ready$/.test(l.msg)).tls_port;
  assert.equal((await ask(port, '/who', { ca: readFileSync(cert) })).status, 200);
  await until(async () => (await metric(w, 'weir_tls_certificate_expires_timestamp_seconds', { name: 'localhost' })) > Date.now() / 1000 + 6 * 86400, 'it says when it expires');
});
