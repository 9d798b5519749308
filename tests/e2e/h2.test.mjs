// HTTP/2 means what HTTP/1.1 means: node's client, curl, nghttp and h2load against the real binary.
import test from 'node:test';
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { start, metric, rss, until, slow } from './lib/weir.mjs';
import { connect, exchange, parse, upstream } from './lib/net.mjs';
import { certificates, startTls } from './lib/tls.mjs';
import * as frames from './lib/h2.mjs';

const pipelines = {
  'echo.yaml': `
name: echo
trigger:
  webhook: { path: "/echo/{rest*}", methods: [GET, POST, PUT, DELETE] }
steps:
  - reply:
      json: { method: "\${ request.method }", path: "\${ request.path }", query: "\${ request.query }", headers: "\${ request.headers }", body: "\${ request.body }", ip: "\${ request.client_ip }", id: "\${ request.id }" }
      headers: { X-Upper-Case: "As Sent" }
`,
  'none.yaml': `
name: none
trigger:
  webhook: { path: /none, methods: [POST] }
steps:
  - reply: { status: 204 }
`,
  'mirror.yaml': `
name: mirror
trigger:
  webhook: { path: /mirror, methods: [POST], max_body: 20MiB }
steps:
  - reply: { body: "\${ request.raw }" }
`,
  'small.yaml': `
name: small
trigger:
  webhook: { path: /small, methods: [POST], max_body: 1000 }
steps:
  - reply: { text: "\${ string(size(request.raw)) }" }
`,
};
const h2c = { args: ['--set', 'edge.h2c=true', '--store', 'none'] };
const tool = (name) => spawnSync(name, ['--version']).error === undefined;

/** A session of node's client that goes with the test. */
function session(t, origin, options) {
  const s = http2.connect(origin, { maxSessionMemory: 100, ...options }); // node's own limit is 10 MB
  s.on('error', () => {});
  t.after(() => s.destroy());
  return s;
}

/** One request: { status, headers, body, trailers }, or the error that its stream ended with. */
function ask(s, headers, body) {
  return new Promise((done) => {
    const r = s.request(headers, { endStream: body === undefined });
    const answer = { status: 0, headers: {}, body: '', informed: [] };
    const pieces = [];
    r.on('headers', (h) => answer.informed.push(h[':status']));
    r.on('response', (h) => { answer.status = h[':status']; answer.headers = h; });
    r.on('data', (d) => pieces.push(d));
    r.on('error', (e) => { answer.error = e.code ?? String(e); });
    r.on('close', () => { answer.raw = Buffer.concat(pieces); answer.body = answer.raw.toString(); answer.code = r.rstCode; done(answer); });
    if (body !== undefined) r.end(body);
  });
}
const json = async (s, headers, body) => { const a = await ask(s, headers, body); assert.equal(a.status, 200, a.body || a.error); return JSON.parse(a.body); };
const post = (path, more) => ({ ':method': 'POST', ':path': path, ...more });

test('without edge.h2c the preface of HTTP/2 is a malformed request', async (t) => {
  const w = await start(t, pipelines);
  const text = await exchange(w.edgePort, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  assert.equal(parse(text).status, 505);
});

test('with edge.h2c a caller may begin with HTTP/2, or go on with HTTP/1.1', async (t) => {
  const w = await start(t, pipelines, h2c);
  const s = session(t, w.edge);
  const a = await json(s, { ':path': '/echo/a%2Db?x=1&x=2', 'X-Mixed': 'kept', cookie: ['a=1', 'b=2'] });
  assert.equal(a.method, 'GET');
  assert.equal(a.path, '/echo/a-b');
  assert.equal(a.headers.host, `127.0.0.1:${w.edgePort}`);
  assert.equal(a.headers['x-mixed'], 'kept');
  assert.equal(a.headers.cookie, 'a=1; b=2');
  assert.equal(a.ip, '127.0.0.1');
  assert.equal((await fetch(`${w.edge}/echo/x`)).status, 200);
  const c = connect(w.edgePort);
  await c.write('PRI * HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal(parse(await c.until(/\r\n\r\n/)).status, 400);
  c.end();
  const line = await w.log((l) => l.msg === 'request' && l.protocol === 'HTTP/2');
  assert.equal(line.path, '/echo/a-b');
  assert.equal(line.status, 200);
  await w.log((l) => l.msg === 'request' && l.protocol === 'HTTP/1.1' && l.status === 200);
  assert.equal(await metric(w, 'http_server_request_duration_seconds_count', { http_route: '/echo/{rest*}', http_response_status_code: '200' }), 2);
});

test('the preface may come in pieces', async (t) => {
  const w = await start(t, pipelines, h2c);
  const c = connect(w.edgePort);
  for (const piece of ['P', 'RI * HTTP/2.0\r\n', '\r\n', 'SM\r', '\n\r\n', '\0\0\0\x04', '\0\0\0\0\0']) {
    await c.write(piece);
    await new Promise((done) => setImmediate(done));
  }
  await c.until(/^[^]{3}\x04\0/); // SETTINGS
  c.end();
});

test('a hundred requests at once on one connection are answered, each with its own id', async (t) => {
  const w = await start(t, pipelines, h2c);
  const s = session(t, w.edge);
  const bodies = Array.from({ length: 100 }, (_, n) => JSON.stringify({ n, pad: 'x'.repeat(n * 50) }));
  const answers = await Promise.all(bodies.map((b, n) => json(s, post(`/echo/${n}`, { 'content-type': 'application/json' }), b)));
  answers.forEach((a, n) => { assert.equal(a.body.n, n); assert.equal(a.path, `/echo/${n}`); });
  assert.equal(new Set(answers.map((a) => a.id)).size, 100);
  assert.equal(await metric(w, 'http_server_active_requests'), 0);
  assert.equal(await metric(w, 'weir_edge_connections'), 1);
});

test('names of answers are in lower case, and nothing speaks of the connection', async (t) => {
  const w = await start(t, pipelines, h2c);
  const s = session(t, w.edge);
  const a = await ask(s, { ':path': '/echo/x', 'x-request-id': 'my-own' });
  assert.equal(a.headers['x-upper-case'], 'As Sent');
  assert.equal(a.headers['x-request-id'], 'my-own');
  assert.ok(Date.parse(a.headers.date) > 0);
  assert.equal(Number(a.headers['content-length']), a.raw.length);
  for (const name of ['connection', 'keep-alive', 'transfer-encoding']) assert.equal(a.headers[name], undefined, name);
});

test('HEAD and 204 have no body', async (t) => {
  const w = await start(t, pipelines, h2c);
  const s = session(t, w.edge);
  const get = await ask(s, { ':path': '/echo/x', 'x-request-id': 'same' });
  const head = await ask(s, { ':method': 'HEAD', ':path': '/echo/x', 'x-request-id': 'same' });
  assert.equal(head.status, 200);
  assert.equal(head.body, '');
  assert.ok(Number(head.headers['content-length']) >= get.raw.length);
  const none = await ask(s, post('/none'), 'body');
  assert.equal(none.status, 204);
  assert.equal(none.body, '');
  assert.equal(none.headers['content-length'], undefined);
});

test('what the edge refuses over HTTP/1.1 it refuses over HTTP/2', async (t) => {
  const w = await start(t, pipelines, h2c);
  const s = session(t, w.edge);
  const status = async (headers, body) => (await ask(s, headers, body)).status;
  assert.equal(await status({ ':path': '/nowhere' }), 404);
  const wrong = await ask(s, { ':path': '/none' });
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.allow, 'POST');
  for (const path of ['/echo/../x', '/echo/%2e%2e/x', '/echo/a%2fb', '/echo/%00', '/echo/%zz', '/echo/\\x']) assert.equal(await status({ ':path': path }), 400, path);
  assert.equal(await status({ ':path': `/echo/${'x'.repeat(9000)}` }), 414);
  assert.equal(await status({ ':path': '/echo/x', 'x-long': 'x'.repeat(9000) }), 431);
  assert.equal(await status({ ':path': '/echo/x', ...Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`x-${n}`, 'v'])) }), 431);
  assert.equal(await status({ ':path': '/echo/x', ...Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`x-${n}`, 'v'.repeat(5000)])) }), 431);
  assert.equal(await status({ ':path': '/echo/x', x_y: '1' }), 400);
  assert.equal(await status(post('/echo/x', { expect: 'wonders' }), 'x'), 417);
  assert.equal(await status({ ':path': '/echo/x' }), 200, 'the connection goes on');
});

test('a body above the limit is refused, and its stream alone ends', async (t) => {
  const w = await start(t, pipelines, h2c);
  const s = session(t, w.edge);
  const told = await ask(s, post('/small', { 'content-length': 2000 }), Buffer.alloc(2000));
  assert.equal(told.status, 413);
  const found = await ask(s, post('/small'), Buffer.alloc(2000));
  assert.equal(found.status, 413);
  // It never ends: the answer comes all the same, and then the reset without an error.
  const r = s.request(post('/small'), { endStream: false });
  r.on('error', () => {});
  r.write(Buffer.alloc(100_000));
  const [headers] = await once(r, 'response');
  assert.equal(headers[':status'], 413);
  r.resume();
  await once(r, 'close');
  assert.equal(r.rstCode, http2.constants.NGHTTP2_NO_ERROR);
  assert.equal((await ask(s, post('/small'), Buffer.alloc(1000))).body, '1000');
  assert.equal(await metric(w, 'weir_edge_refused_total', { reason: 'body_size' }), 3);
});

test('large bodies pass both ways, many at once', async (t) => {
  const w = await start(t, pipelines, h2c);
  const s = session(t, w.edge);
  await Promise.all([1, 2, 3, 4].map(async (n) => {
    const body = randomBytes(n * 1_000_000 + n);
    const a = await ask(s, post('/mirror'), body);
    assert.equal(a.status, 200);
    assert.equal(createHash('sha256').update(a.raw).digest('hex'), createHash('sha256').update(body).digest('hex'));
  }));
});

test('Expect: 100-continue is answered before the body comes', async (t) => {
  const w = await start(t, pipelines, h2c);
  const s = session(t, w.edge);
  const r = s.request(post('/small', { expect: '100-continue' }), { endStream: false });
  await once(r, 'continue');
  r.end('12345');
  const [headers] = await once(r, 'response');
  assert.equal(headers[':status'], 200);
  const refused = s.request(post('/nowhere', { expect: '100-continue' }), { endStream: false });
  refused.on('continue', () => assert.fail('a body that nobody wants was asked for'));
  const [no] = await once(refused, 'response');
  assert.equal(no[':status'], 404);
});

test('trailers are taken and dropped', async (t) => {
  const w = await start(t, pipelines, h2c);
  const s = session(t, w.edge);
  const r = s.request(post('/echo/x', { 'content-type': 'text/plain' }), { endStream: false, waitForTrailers: true });
  r.on('wantTrailers', () => r.sendTrailers({ 'x-checksum': 'abc' }));
  r.end('body');
  let text = '';
  r.setEncoding('utf8').on('data', (d) => { text += d; });
  await once(r, 'close');
  assert.equal(JSON.parse(text).body, 'body');
  assert.equal(JSON.parse(text).headers['x-checksum'], undefined);
});

/** A pipeline that passes on what the upstream at URL sends. */
const passing = (url) => ({ ...pipelines, 'pass.yaml': `
name: pass
trigger:
  webhook: { path: "/pass/{n}", methods: [GET] }
steps:
  - id: get
    http: { url: "${url}/\${ request.params.n }", stream: true }
  - reply: { status: "\${ steps.get.status }", body: "\${ steps.get.body }" }
` });

test('a streamed answer passes piece by piece', async (t) => {
  let response;
  const up = await upstream(t, (request, r) => { response = r; r.writeHead(200, { 'content-type': 'text/event-stream' }); r.write('data: 1\n\n'); });
  const w = await start(t, passing(up.url), h2c);
  const s = session(t, w.edge);
  const r = s.request({ ':path': '/pass/1' });
  let text = '';
  r.setEncoding('utf8').on('data', (d) => { text += d; });
  await until(() => text === 'data: 1\n\n', 'the first piece');
  response.write('data: 2\n\n');
  await until(() => text === 'data: 1\n\ndata: 2\n\n', 'the second piece');
  response.end('data: 3\n\n');
  await once(r, 'close');
  assert.equal(text, 'data: 1\n\ndata: 2\n\ndata: 3\n\n');
  assert.equal(r.rstCode, 0);
});

test('a streamed answer that breaks off is reset, and the connection goes on', async (t) => {
  let response;
  const up = await upstream(t, (request, r) => { response = r; r.writeHead(200, { 'content-length': 1000 }); r.write('some'); });
  const w = await start(t, passing(up.url), h2c);
  const s = session(t, w.edge);
  const r = s.request({ ':path': '/pass/1' });
  r.on('error', () => {});
  const closed = new Promise((done) => r.on('close', done));
  await once(r, 'data');
  response.destroy();
  await closed;
  assert.equal(r.rstCode, http2.constants.NGHTTP2_INTERNAL_ERROR);
  assert.equal((await ask(s, { ':path': '/echo/x' })).status, 200);
});

test('a slow reader holds the source back, and other streams go on', async (t) => {
  const piece = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  const total = 64 * 1024 * 1024;
  const up = await upstream(t, (request, response) => {
    const more = () => {
      while (sent < total) { sent += piece.length; if (!response.write(piece)) { response.once('drain', more); return; } }
      response.end();
    };
    more();
  });
  const w = await start(t, passing(up.url), h2c);
  const s = session(t, w.edge);
  const r = s.request({ ':path': '/pass/1' });
  await once(r, 'response');
  let got = 0;
  // One piece is read, and then nothing: the windows close.
  await once(r, 'readable');
  let before = -1;
  await until(async () => { const stands = sent === before && sent > 0; before = sent; if (!stands) await new Promise((done) => setTimeout(done, 300)); return stands; }, 'the source stands');
  assert.ok(sent < total / 2, `the source gave ${sent} bytes that nobody read`);
  for (let n = 0; n < 20; n++) assert.equal((await ask(s, { ':path': '/echo/x' })).status, 200);
  r.on('data', (d) => { got += d.length; });
  await once(r, 'close');
  assert.equal(got, total);
});

test('a caller who resets a request is gone, and its run is told', async (t) => {
  let aborted = false;
  const up = await upstream(t, (request) => { request.socket.on('close', () => { aborted = true; }); });
  const w = await start(t, passing(up.url), h2c);
  const s = session(t, w.edge);
  const r = s.request({ ':path': '/pass/1' });
  r.on('error', () => {});
  await until(() => up.requests.length === 1, 'the request is at work');
  r.close(http2.constants.NGHTTP2_CANCEL);
  await until(() => aborted, 'the upstream is left');
  const line = await w.log((l) => l.msg === 'request' && l.path === '/pass/1');
  assert.equal(line.status, 499);
  assert.equal((await ask(s, { ':path': '/echo/x' })).status, 200);
});

test('behind edge.max_requests the caller is told to go, and all that it sent is answered', async (t) => {
  const w = await start(t, pipelines, { args: [...h2c.args, '--set', 'edge.max_requests=5'] });
  const s = session(t, w.edge);
  const left = once(s, 'goaway');
  for (let n = 0; n < 4; n++) assert.equal((await ask(s, { ':path': '/echo/x' })).status, 200);
  const last = await Promise.all([1, 2, 3].map(() => ask(s, { ':path': '/echo/x' })));
  assert.deepEqual(last.map((a) => a.status), [200, 200, 200]);
  assert.equal((await left)[0], http2.constants.NGHTTP2_NO_ERROR);
  if (!s.closed) await once(s, 'close');
});

test('a drain says GOAWAY, and answers what is at work', async (t) => {
  let response;
  const up = await upstream(t, (request, r) => { response = r; });
  const w = await start(t, passing(up.url), h2c);
  const busy = session(t, w.edge);
  const idle = session(t, w.edge);
  assert.equal((await ask(idle, { ':path': '/echo/x' })).status, 200);
  const gone = once(idle, 'goaway');
  const answer = ask(busy, { ':path': '/pass/1' });
  await until(() => response, 'the request is at work');
  const told = once(busy, 'goaway');
  w.child.kill('SIGTERM');
  assert.equal((await gone)[0], http2.constants.NGHTTP2_NO_ERROR);
  assert.equal((await told)[0], http2.constants.NGHTTP2_NO_ERROR);
  response.end('late');
  assert.equal((await answer).body, 'late');
  assert.equal((await w.ended).code, 0);
});

test('an idle connection is closed after edge.idle_timeout, with GOAWAY', async (t) => {
  const w = await start(t, pipelines, { args: [...h2c.args, '--set', 'edge.idle_timeout=1s'] });
  const s = session(t, w.edge);
  assert.equal((await ask(s, { ':path': '/echo/x' })).status, 200);
  assert.equal((await once(s, 'goaway'))[0], http2.constants.NGHTTP2_NO_ERROR);
  await until(async () => await metric(w, 'weir_edge_connections') === 0, 'it is closed');
});

test('sessions that have rested gave memory back, and serve as before', async (t) => {
  const w = await start(t, pipelines, h2c);
  const all = Array.from({ length: 100 }, () => session(t, w.edge));
  const use = (s, n) => Promise.all(Array.from({ length: 3 }, async (_, i) => {
    const body = Buffer.alloc(40_000, `${n} ${i} `);
    const a = await ask(s, post('/mirror', { 'x-n': `${n}` }), body);
    assert.ok(a.raw.equals(body), `${n} ${i}: ${a.status} ${a.raw.length} ${a.error}`);
  }));
  for (let round = 0; round < 3; round++) {
    for (const [n, s] of all.entries()) await use(s, n);
    const before = rss(w.worker);
    await until(() => rss(w.worker) <= before - 100 * 6, `100 times 6 KiB less than ${before}`);
  }
});

test('over TLS the protocol is agreed on by ALPN', async (t) => {
  const c = certificates(t);
  for (const on of [true, false]) {
    const w = await startTls(t, pipelines, c, { args: ['--store', 'none', '--set', `edge.h2=${on}`] });
    const origin = `https://localhost:${w.tlsPort}`;
    const get = (version) => spawnSync('curl', ['-sk', version, '-o', '/dev/null', '-w', '%{http_version} %{http_code}', `${origin}/echo/x`], { encoding: 'utf8' }).stdout;
    assert.equal(get('--http2'), on ? '2 200' : '1.1 200');
    assert.equal(get('--http1.1'), '1.1 200');
    if (!on) continue;
    const s = session(t, origin, { ca: c.ca });
    await Promise.all(Array.from({ length: 20 }, async (_, n) => {
      const body = randomBytes(100_000 * n);
      const a = await ask(s, post('/mirror'), body);
      assert.ok(a.raw.equals(body), `${n}: ${a.status} ${a.raw.length} ${a.error}`);
    }));
  }
});

test('curl, nghttp and h2load find nothing wrong', { skip: !tool('h2load') || !tool('nghttp') }, async (t) => {
  const w = await start(t, pipelines, h2c);
  const run = (command, args) => new Promise((done) => {
    const child = spawn(command, args);
    let out = '';
    child.stdout.on('data', (d) => { out += d; });
    child.stderr.on('data', (d) => { out += d; });
    child.on('close', (code) => done({ code, out }));
  });
  const curl = await run('curl', ['-s', '--http2-prior-knowledge', '-d', '{"a":1}', '-H', 'content-type: application/json', `${w.edge}/echo/x`]);
  assert.deepEqual(JSON.parse(curl.out).body, { a: 1 });
  const many = await run('nghttp', ['-nv', ...Array.from({ length: 20 }, (_, n) => `${w.edge}/echo/${n}`)]);
  assert.equal((many.out.match(/:status: 200/g) ?? []).length, 20, many.out.slice(-2000));
  const n = slow ? 2000 : 20_000;
  const load = await run('h2load', ['-n', String(n), '-c', '4', '-m', '50', `${w.edge}/echo/x`]);
  assert.match(load.out, new RegExp(`${n} succeeded, 0 failed, 0 errored, 0 timeout`));
});

test('trailers behind an answer that did not wait for them do not end the connection', async (t) => {
  const late = 'name: late\ntrigger: { webhook: { path: /late, methods: [GET] } }\nsteps:\n  - delay: 3s\n  - reply: { text: late }\n';
  const w = await start(t, { 'late.yaml': late }, { args: ['--store', 'none', '--set', 'edge.h2c=true', '--set', 'edge.header_timeout=1s'] });
  const c = await frames.open(w.edgePort);
  await c.write(frames.headers(1, frames.request('/nowhere', 'POST'), frames.flag.END_HEADERS));
  assert.equal((await c.answer(1)).status, 404);
  await c.until((f) => f.type === frames.type.RST_STREAM && f.stream === 1);
  await c.write(frames.headers(3, frames.request('/late')), frames.data(1, 'x'), frames.headers(1, [['x', 'y']]));
  assert.deepEqual(await c.answer(3), { status: 200, body: 'late' });
  c.end();
});
