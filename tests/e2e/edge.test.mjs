// What the edge takes, what it refuses and how it says so: raw sockets against the real binary.
import test from 'node:test';
import assert from 'node:assert/strict';
import { start, metric } from './lib/weir.mjs';
import { connect, exchange, parse, upstream } from './lib/net.mjs';
import { answers, count, pipelines, post } from './lib/edge.mjs';

test('a connection is kept for the next request', async (t) => {
  const w = await start(t, pipelines);
  const c = connect(w.edgePort);
  for (const n of [1, 2, 3]) {
    await c.write(`GET /fixed/${n} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await c.until(new RegExp(`n=${n}$`));
  }
  assert.equal(count(c.text), 3);
  assert.equal(c.closed, false);
  c.end();
});

test('pipelined requests are answered in their order', async (t) => {
  const w = await start(t, {
    ...pipelines,
    'late.yaml': 'name: late\ntrigger: { webhook: { path: /late, methods: [GET] } }\nsteps:\n  - delay: 100ms\n  - reply: { text: late }\n',
  });
  const requests = Array.from({ length: 50 }, (_, i) => `GET ${i % 10 === 0 ? '/late' : `/fixed/${i}`} HTTP/1.1\r\nHost: x\r\n${i === 49 ? 'Connection: close\r\n' : ''}\r\n`);
  const all = answers(await exchange(w.edgePort, requests.join('')));
  assert.deepEqual(all.map((a) => a.body), Array.from({ length: 50 }, (_, i) => (i % 10 === 0 ? 'late' : `n=${i}`)));
});

test('a request in pieces of one byte is the same request', async (t) => {
  const w = await start(t, pipelines);
  const c = connect(w.edgePort);
  for (const byte of post('/echo', '{"a":1}', 'Content-Type: application/json\r\n')) await c.write(byte);
  assert.deepEqual(JSON.parse(parse(await c.ended).body).body, { a: 1 });
});

test('a chunked request is put together, extensions and trailers aside', async (t) => {
  const w = await start(t, pipelines);
  const text = await exchange(w.edgePort, 'POST /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n'
    + '5;a=b\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\nX-Trailer: y\r\n\r\n');
  const a = parse(text);
  assert.equal(a.status, 200);
  assert.equal(a.body, 'hello 0123456789');
});

test('a chunked body and what is pipelined behind it are told apart', async (t) => {
  const w = await start(t, pipelines);
  const text = await exchange(w.edgePort, 'POST /large HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
    + 'GET /fixed/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.deepEqual(answers(text).map((a) => a.body), ['abc', 'n=2']);
});

test('who expects 100 Continue gets it before the body, or a refusal in its place', async (t) => {
  const w = await start(t, pipelines);
  const c = connect(w.edgePort);
  await c.write('POST /size HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  await c.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  await c.write('12345');
  assert.match(await c.ended, /\r\n\r\nHTTP\/1\.1 200 [^]*\r\n\r\n5$/);
  const refused = await exchange(w.edgePort, 'POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n');
  assert.equal(parse(refused).status, 413);
  assert.equal(count(refused), 1);
  assert.equal(parse(await exchange(w.edgePort, 'POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: miracles\r\n\r\n')).status, 417);
});

test('HEAD is GET without the body', async (t) => {
  const w = await start(t, pipelines);
  const a = parse(await exchange(w.edgePort, 'HEAD /fixed/77 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
  assert.equal(a.status, 200);
  assert.equal(a.headers['content-length'], '4');
  assert.equal(a.body, '');
});

test('HTTP/1.0 is answered and closed, unless it asks to be kept', async (t) => {
  const w = await start(t, pipelines);
  assert.equal(parse(await exchange(w.edgePort, 'GET /fixed/1 HTTP/1.0\r\n\r\n')).body, 'n=1');
  const c = connect(w.edgePort);
  await c.write('GET /fixed/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  assert.match((await c.until(/n=1$/)).toLowerCase(), /connection: keep-alive/);
  await c.write('GET /fixed/2 HTTP/1.0\r\n\r\n');
  assert.match(await c.ended, /n=2$/);
});

test('OPTIONS * is about the server, an absolute target about its path', async (t) => {
  const w = await start(t, pipelines);
  assert.equal(parse(await exchange(w.edgePort, 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).status, 204);
  assert.equal(parse(await exchange(w.edgePort, 'GET http://x/fixed/3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).body, 'n=3');
  assert.equal(parse(await exchange(w.edgePort, '\r\nGET /fixed/4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).body, 'n=4');
});

// -- limits --

/** A head of exactly SIZE bytes with lines well below their limit. */
function head(size) {
  let text = 'GET /fixed/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n';
  for (let i = 0; size - text.length - 2 > 7000; i++) text += `X-${i}: `.padEnd(5000, 'a') + '\r\n';
  const rest = size - text.length - 2;
  return `${text}X-Last: ${'b'.repeat(rest - 10)}\r\n\r\n`;
}

test('a head of 32 KiB is taken and one byte more is not', async (t) => {
  const w = await start(t, pipelines);
  for (const [size, status] of [[32767, 200], [32768, 200], [32769, 431]]) {
    assert.equal(head(size).length, size);
    assert.equal(parse(await exchange(w.edgePort, head(size))).status, status, `${size} bytes`);
  }
  assert.equal(await metric(w, 'weir_edge_refused_total', { reason: 'header_size' }), 1);
});

test('a header line of 8 KiB is taken and one byte more is not', async (t) => {
  const w = await start(t, pipelines);
  for (const [size, status] of [[8191, 200], [8192, 200], [8193, 431]])
    assert.equal(parse(await exchange(w.edgePort, `GET /fixed/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${'X: '.padEnd(size, 'a')}\r\n\r\n`)).status, status, `${size} bytes`);
});

test('100 header fields are taken and one more is not', async (t) => {
  const w = await start(t, pipelines);
  for (const [n, status] of [[99, 200], [100, 200], [101, 431]]) {
    const more = Array.from({ length: n - 2 }, (_, i) => `X-${i}: ${i}\r\n`).join('');
    assert.equal(parse(await exchange(w.edgePort, `GET /fixed/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n`)).status, status, `${n} fields`);
  }
});

test('a target of 8 KiB is taken and one byte more is not', async (t) => {
  const w = await start(t, pipelines);
  for (const [size, status] of [[8191, 200], [8192, 200], [8193, 414]])
    assert.equal(parse(await exchange(w.edgePort, `GET ${'/fixed/1?q='.padEnd(size, 'a')} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).status, status, `${size} bytes`);
});

test('a body of 1 MiB is taken and one byte more is not, chunked or not', async (t) => {
  const w = await start(t, pipelines);
  const MiB = 1 << 20;
  for (const [size, status] of [[MiB - 1, 200], [MiB, 200], [MiB + 1, 413]]) {
    const a = parse(await exchange(w.edgePort, post('/size', 'x'.repeat(size))));
    assert.equal(a.status, status, `${size} bytes`);
    if (status === 200) assert.equal(a.body, String(size));
    const chunked = 'POST /size HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n'
      + `${(size - 5).toString(16)}\r\n${'x'.repeat(size - 5)}\r\n5\r\n12345\r\n0\r\n\r\n`;
    assert.equal(parse(await exchange(w.edgePort, chunked)).status, status, `${size} bytes chunked`);
  }
  assert.equal(await metric(w, 'weir_edge_refused_total', { reason: 'body_size' }), 2);
});

test('a route may have a limit of its own', async (t) => {
  const w = await start(t, pipelines);
  for (const [size, status] of [[999, 200], [1000, 200], [1001, 413]])
    assert.equal(parse(await exchange(w.edgePort, post('/small', 'x'.repeat(size)))).status, status, `${size} bytes`);
});

test('a body that is too long by its Content-Length is refused before it comes', async (t) => {
  const w = await start(t, pipelines);
  const c = connect(w.edgePort);
  await c.write('POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n');
  assert.equal(parse(await c.until(/\r\n\r\n/)).status, 413);
  await c.ended;
});

// -- malformed --

const get = (line = '', target = '/fixed/1') => `GET ${target} HTTP/1.1\r\nHost: x\r\n${line}\r\n`;
const chunk = (body, line = 'Transfer-Encoding: chunked\r\n') => `POST /size HTTP/1.1\r\nHost: x\r\n${line}\r\n${body}`;
const tail = 'GET /fixed/2 HTTP/1.1\r\nHost: x\r\n\r\n';
const malformed = [
  ['Content-Length beside Transfer-Encoding', chunk(`0\r\n\r\n${tail}`, 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n')],
  ['Transfer-Encoding before Content-Length', chunk(`0\r\n\r\n${tail}`, 'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n')],
  ['two lengths that differ', chunk('abcd', 'Content-Length: 3\r\nContent-Length: 4\r\n')],
  ['two lengths that agree', chunk('abcd', 'Content-Length: 4\r\nContent-Length: 4\r\n')],
  ['a list of lengths', chunk('abcd', 'Content-Length: 4, 4\r\n')],
  ['a length with a plus', chunk('abcd', 'Content-Length: +4\r\n')],
  ['a negative length', chunk('abcd', 'Content-Length: -4\r\n')],
  ['a hexadecimal length', chunk('abcd', 'Content-Length: 0x4\r\n')],
  ['a length with a blank inside', chunk('abcd', 'Content-Length: 1 0\r\n')],
  ['an empty length', chunk('abcd', 'Content-Length: \r\n')],
  ['a length beyond 64 bits', chunk('abcd', 'Content-Length: 18446744073709551620\r\n')],
  ['a length that is a fraction', chunk('abcd', 'Content-Length: 4.0\r\n')],
  ['two Transfer-Encodings', chunk('0\r\n\r\n', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n')],
  ['chunked twice', chunk('0\r\n\r\n', 'Transfer-Encoding: chunked, chunked\r\n')],
  ['chunked not last', chunk('0\r\n\r\n', 'Transfer-Encoding: chunked, identity\r\n')],
  ['Transfer-Encoding with a vertical tab', chunk('0\r\n\r\n', 'Transfer-Encoding: \x0bchunked\r\n')],
  ['Transfer-Encoding in HTTP/1.0', 'POST /size HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a blank before the colon', chunk('0\r\n\r\n', 'Transfer-Encoding : chunked\r\n')],
  ['a tab before the colon', get('X-A\t: b\r\n')],
  ['an underscore in a name', get('Content_Length: 4\r\n')],
  ['an empty name', get(': b\r\n')],
  ['a line without a colon', get('nonsense\r\n')],
  ['a name with a control byte', get('X\x01A: b\r\n')],
  ['a name with a byte above 127', get('X\xe4: b\r\n')],
  ['a name with a blank', get('X A: b\r\n')],
  ['a folded line', get('X-A: b\r\n c\r\n')],
  ['a line folded with a tab', get('X-A: b\r\n\tc\r\n')],
  ['a blank before the first name', 'GET /fixed/1 HTTP/1.1\r\n Host: x\r\n\r\n'],
  ['bare LF for all line ends', 'GET /fixed/1 HTTP/1.1\nHost: x\n\n'],
  ['a bare LF behind a field', 'GET /fixed/1 HTTP/1.1\r\nHost: x\nX: y\r\n\r\n'],
  ['a bare LF behind the request line', 'GET /fixed/1 HTTP/1.1\nHost: x\r\n\r\n'],
  ['a bare LF at the end of the head', 'GET /fixed/1 HTTP/1.1\r\nHost: x\r\n\n'],
  ['a bare CR in a value', get('X-A: b\rc\r\n')],
  ['a bare CR as line end', get('X-A: b\rX-B: c\r\n')],
  ['two CR before LF', get('X-A: b\r\r\n')],
  ['a NUL in a value', get('X-A: b\0c\r\n')],
  ['a NUL in a name', get('X\0A: b\r\n')],
  ['a NUL in the target', get('', '/fixed/\0')],
  ['a DEL in a value', get('X-A: b\x7fc\r\n')],
  ['no Host', 'GET /fixed/1 HTTP/1.1\r\n\r\n'],
  ['two Hosts', get('Host: y\r\n')],
  ['the same Host twice', get('Host: x\r\n')],
  ['a Host with a path', 'GET /fixed/1 HTTP/1.1\r\nHost: x/y\r\n\r\n'],
  ['a Host with a user', 'GET /fixed/1 HTTP/1.1\r\nHost: u@x\r\n\r\n'],
  ['a Host with a blank', 'GET /fixed/1 HTTP/1.1\r\nHost: x y\r\n\r\n'],
  ['two blanks in the request line', 'GET  /fixed/1 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a tab in the request line', 'GET\t/fixed/1 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a blank at the end of the request line', 'GET /fixed/1 HTTP/1.1 \r\nHost: x\r\n\r\n'],
  ['a blank before the method', ' GET /fixed/1 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['no target', 'GET HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['no version', 'GET /fixed/1\r\nHost: x\r\n\r\n'],
  ['a version in small letters', 'GET /fixed/1 http/1.1\r\nHost: x\r\n\r\n'],
  ['a version of another name', 'GET /fixed/1 HTTPS/1.1\r\nHost: x\r\n\r\n'],
  ['a version with two digits', 'GET /fixed/1 HTTP/1.10\r\nHost: x\r\n\r\n'],
  ['a method with a colon', 'GE:T /fixed/1 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.padEnd(600, '\x00')],
  ['an encoded slash', get('', '/fixed/a%2fb')],
  ['an encoded slash in capitals', get('', '/fixed/a%2Fb')],
  ['an encoded backslash', get('', '/fixed/a%5cb')],
  ['a backslash', get('', '/fixed/a\\b')],
  ['an encoded NUL', get('', '/fixed/a%00')],
  ['an encoded line end', get('', '/fixed/a%0d%0aX:%20y')],
  ['two dots', get('', '/fixed/../echo')],
  ['two encoded dots', get('', '/fixed/%2e%2e/echo')],
  ['a dot and an encoded dot', get('', '/fixed/.%2E/echo')],
  ['two dots with a parameter', get('', '/fixed/..;x=y/echo')],
  ['a single dot', get('', '/./fixed/1')],
  ['a percent without digits', get('', '/fixed/%')],
  ['a percent with one digit', get('', '/fixed/%4')],
  ['a percent with letters that are no digits', get('', '/fixed/%zz')],
  ['an overlong slash', get('', '/fixed/%c0%af')],
  ['half a surrogate', get('', '/fixed/%ed%a0%80')],
  ['a blank in the target', get('', '/fixed/a b')],
  ['a fragment in the target', get('', '/fixed/a#b')],
  ['a target without a slash', get('', 'fixed/1')],
  ['a * for GET', get('', '*')],
  ['a chunk size that is no number', chunk('zz\r\nabc\r\n0\r\n\r\n')],
  ['a chunk size with 0x', chunk('0x3\r\nabc\r\n0\r\n\r\n')],
  ['a negative chunk size', chunk('-3\r\nabc\r\n0\r\n\r\n')],
  ['a chunk size with a plus', chunk('+3\r\nabc\r\n0\r\n\r\n')],
  ['an empty chunk size', chunk('\r\nabc\r\n0\r\n\r\n')],
  ['a chunk size beyond 64 bits', chunk('10000000000000003\r\nabc\r\n0\r\n\r\n')],
  ['a blank before a chunk size', chunk(' 3\r\nabc\r\n0\r\n\r\n')],
  ['a chunk that is longer than its size', chunk('3\r\nabcd\r\n0\r\n\r\n')],
  ['a chunk that is shorter than its size', chunk('4\r\nabc\r\n0\r\n\r\n')],
  ['a chunk size that ends in a bare LF', chunk('3\nabc\r\n0\r\n\r\n')],
  ['a chunk that ends in a bare LF', chunk('3\r\nabc\n0\r\n\r\n')],
  ['a chunk size that ends in a bare CR', chunk('3\rabc\r\n0\r\n\r\n')],
  ['a bare LF in a chunk extension', chunk('3;a\nb\r\nabc\r\n0\r\n\r\n')],
  ['a NUL in a trailer', chunk('3\r\nabc\r\n0\r\nX: \0\r\n\r\n')],
  ['a trailer that ends in a bare LF', chunk('3\r\nabc\r\n0\r\nX: y\n\r\n')],
];
// Paths are refused behind a head that is sound: nothing about the next request is in doubt.
const soundHead = /slash|dot|percent|encoded|backslash|surrogate|^a \* for/;

test('malformed requests are refused with 400 and, where the next one is in doubt, closed', async (t) => {
  const w = await start(t, pipelines);
  const wrong = [];
  for (const [what, text] of malformed) {
    const c = connect(w.edgePort);
    await c.write(text);
    const answer = await c.until(/\r\n\r\n/).catch((e) => e.message);
    const { status, headers } = parse(answer);
    const closes = headers.connection === 'close';
    if (status !== 400) wrong.push(`${what}: ${status}`);
    else if (!closes && !soundHead.test(what)) wrong.push(`${what}: not closed`);
    if (closes) await c.ended; else c.end();
    if (count(c.text) !== 1) wrong.push(`${what}: ${count(c.text)} answers`);
  }
  assert.deepEqual(wrong, []);
  assert.equal((await fetch(`${w.edge}/fixed/1`)).status, 200);
});

test('what is well formed but not known has a status of its own', async (t) => {
  const w = await start(t, pipelines);
  const status = async (text) => parse(await exchange(w.edgePort, text)).status;
  assert.equal(await status('GET /fixed/1 HTTP/2.0\r\nHost: x\r\n\r\n'), 505);
  assert.equal(await status(chunk('', 'Transfer-Encoding: gzip, chunked\r\nConnection: close\r\n')), 501);
  assert.equal(await status('BREW /fixed/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), 501);
  assert.equal(await status('DELETE /fixed/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), 405);
  assert.equal(await status('GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), 404);
});

// -- bodies --

test('bodies are what their content type says', async (t) => {
  const w = await start(t, { 'body.yaml': `
name: body
trigger:
  webhook: { path: /body, methods: [POST] }
steps:
  - reply: { json: { type: "\${ type(request.body) }", body: "\${ request.body }" } }
` });
  const send = async (type, body) => {
    const a = parse(await exchange(w.edgePort, post('/body', body, type ? `Content-Type: ${type}\r\n` : '')));
    return { status: a.status, ...JSON.parse(Buffer.from(a.body, 'latin1').toString()) };
  };
  assert.deepEqual((await send('application/json', '{"a":[1,2.5,"x",null]}')).body, { a: [1, 2.5, 'x', null] });
  assert.deepEqual((await send('application/vnd.x+json; charset=utf-8', '[true]')).body, [true]);
  assert.deepEqual((await send('application/x-www-form-urlencoded', 'a=1&b=x+y%21&a=2&c')).body, { a: ['1', '2'], b: 'x y!', c: '' });
  assert.equal((await send('text/plain', 'gr\xc3\xbc\xc3\x9fe')).body, 'grüße');
  assert.equal((await send('text/plain; charset=iso-8859-1', 'gr\xfc\xdfe')).body, 'grüße');
  assert.deepEqual(await send('application/octet-stream', '\x00\xff'), { status: 200, type: 'bytes', body: 'AP8=' });
  assert.deepEqual(await send('', '\x00\xff'), { status: 200, type: 'bytes', body: 'AP8=' });
  assert.equal((await send('application/json', '')).body, null);
  const multipart = '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n'
    + '--B\r\nContent-Disposition: form-data; name="f"; filename="x.bin"\r\nContent-Type: image/png\r\n\r\n\x00\x01\r\n--\r\n'
    + '--B--\r\n';
  assert.deepEqual((await send('multipart/form-data; boundary=B', multipart)).body,
    { a: 'one', f: { filename: 'x.bin', content_type: 'image/png', data: Buffer.from('\x00\x01\r\n--', 'latin1').toString('base64') } });
  for (const [type, body] of [['application/json', '{"a":'], ['application/json', '{"a":1}x'], ['application/json', '"\xff"'],
    ['multipart/form-data; boundary=B', '--B\r\nnonsense'], ['text/plain; charset=utf-8', '\xff']]) {
    const r = await send(type, body);
    assert.equal(r.status, 400, `${type} ${JSON.stringify(body)}`);
    assert.equal(r.type, 'urn:weir:problem:invalid');
  }
});

test('a body that is no JSON matters only to who reads it', async (t) => {
  const w = await start(t, pipelines);
  assert.equal(parse(await exchange(w.edgePort, post('/size', '{bad', 'Content-Type: application/json\r\n'))).status, 200);
  assert.equal(parse(await exchange(w.edgePort, post('/echo', '{bad', 'Content-Type: application/json\r\n'))).status, 400);
});

// -- headers --

test('a preflight is answered without a run, and answers allow the origin', async (t) => {
  const w = await start(t, { 'c.yaml': `
name: c
trigger:
  webhook: { path: /c, methods: [POST], cors: { origins: ["https://app.example"], headers: [Content-Type, X-Key], max_age: 1m } }
steps:
  - reply: { text: ok }
` });
  const ask = (origin, method = 'POST', headers = 'x-key') => fetch(`${w.edge}/c`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': headers } });
  const yes = await ask('https://app.example');
  assert.equal(yes.status, 204);
  assert.equal(yes.headers.get('access-control-allow-origin'), 'https://app.example');
  assert.match(yes.headers.get('access-control-allow-methods'), /POST/);
  assert.match(yes.headers.get('access-control-allow-headers').toLowerCase(), /x-key/);
  assert.equal(yes.headers.get('access-control-max-age'), '60');
  assert.match(yes.headers.get('vary'), /origin/i);
  const no = await ask('https://evil.example');
  assert.equal(no.status, 403);
  assert.equal(no.headers.get('access-control-allow-origin'), null);
  assert.equal(await metric(w, 'weir_runs_total', { pipeline: 'c' }), 0);
  const real = await fetch(`${w.edge}/c`, { method: 'POST', headers: { origin: 'https://app.example' }, body: 'x' });
  assert.equal(real.headers.get('access-control-allow-origin'), 'https://app.example');
  const other = await fetch(`${w.edge}/c`, { method: 'POST', headers: { origin: 'https://evil.example' }, body: 'x' });
  assert.equal(other.status, 200);
  assert.equal(other.headers.get('access-control-allow-origin'), null);
});

test('sites below a domain are those of its hosts, and nothing that only ends like them', async (t) => {
  const w = await start(t, {
    'c.yaml': 'name: c\ntrigger: { webhook: { path: /c, cors: { origins: ["https://*.app.example"], credentials: true } } }\nsteps:\n  - reply: { text: ok }\n',
    'w.yaml': 'name: w\ntrigger: { websocket: { path: /w, origins: ["https://*.app.example"] } }\nsteps:\n  - reply: { body: "${ input }" }\n',
    'all.yaml': 'name: all\ntrigger: { websocket: { path: /all, origins: ["*"] } }\nsteps:\n  - reply: { body: "${ input }" }\n',
  });
  const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const socket = async (path, origin) => {
    const c = connect(w.edgePort);
    c.socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${upgrade}Origin: ${origin}\r\n\r\n`);
    await c.until(/\r\n\r\n/);
    c.socket.destroy();
    return Number(c.text.slice(9, 12));
  };
  for (const [origin, fits] of [['https://a.app.example', true], ['https://a.b-c_d.APP.example', true], ['https://app.example', false], ['https://.app.example', false],
    ['https://evil.test/.app.example', false], ['https://evil.test?.app.example', false], ['https://evil.test#.app.example', false], ['https://evil.test\\.app.example', false],
    ['https://me@.app.example', false], ['https://a..app.example', false], ['https://a.app.example:81', false], ['null', false]]) {
    const text = await exchange(w.edgePort, `POST /c HTTP/1.1\r\nHost: x\r\nOrigin: ${origin}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    assert.equal(/\r\naccess-control-allow-origin: /i.test(text), fits, origin);
    assert.equal(await socket('/w', origin), fits ? 101 : 403, origin);
    assert.equal(await socket('/all', origin), 101, origin);
  }
});

test('X-Forwarded-For counts only from a trusted proxy, from the right', async (t) => {
  const ask = async (w, forwarded) => (await (await fetch(`${w.edge}/echo`, { headers: { 'x-forwarded-for': forwarded } })).json()).ip;
  const plain = await start(t, pipelines);
  assert.equal(await ask(plain, '203.0.113.9'), '127.0.0.1');
  const trusting = await start(t, pipelines, { args: ['--set', 'trusted_proxies=127.0.0.1/32,10.0.0.0/8'] });
  assert.equal(await ask(trusting, '203.0.113.9'), '203.0.113.9');
  assert.equal(await ask(trusting, '6.6.6.6, 203.0.113.9, 10.1.2.3'), '203.0.113.9');
  assert.equal(await ask(trusting, '2001:db8::1'), '2001:db8::1');
  assert.equal(await ask(trusting, 'nonsense'), '127.0.0.1');
});

test('X-Request-ID is kept if it is sound and made if not', async (t) => {
  const w = await start(t, pipelines);
  const ask = async (id) => {
    const r = await fetch(`${w.edge}/echo`, { headers: id === undefined ? {} : { 'x-request-id': id } });
    const { id: seen } = await r.json();
    assert.equal(r.headers.get('x-request-id'), seen);
    return seen;
  };
  assert.equal(await ask('order-7.a_B'), 'order-7.a_B');
  assert.equal(await ask('x'.repeat(128)), 'x'.repeat(128));
  for (const bad of [undefined, '', 'a b', 'x'.repeat(129), '<script>']) {
    const made = await ask(bad);
    assert.notEqual(made, bad);
    assert.match(made, /^[A-Za-z0-9._-]{1,128}$/);
  }
  assert.notEqual(await ask(), await ask());
});

test('a trace is kept or begun, and passed on to the upstream', async (t) => {
  const up = await upstream(t, (q, r) => r.end('ok'));
  const w = await start(t, { 'p.yaml': `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - http: { url: "${up.url}/" }\n` });
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const call = async (headers) => { await (await fetch(`${w.edge}/p`, { headers })).text(); return up.requests.at(-1).headers; };
  const kept = await call({ traceparent: `00-${trace}-00f067aa0ba902b7-01`, tracestate: 'a=1,b=2', 'x-request-id': 'my-id' });
  assert.match(kept.traceparent, new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  assert.doesNotMatch(kept.traceparent, /00f067aa0ba902b7/);
  assert.equal(kept.tracestate, 'a=1,b=2');
  assert.equal(kept['x-request-id'], 'my-id');
  for (const flags of ['00', '01', '02', '03']) {
    const { traceparent } = await call({ traceparent: `00-${trace}-00f067aa0ba902b7-${flags}` });
    assert.match(traceparent, new RegExp(`^00-${trace}-[0-9a-f]{16}-${flags}$`));
  }
  for (const bad of [undefined, 'nonsense', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `ff-${trace}-00f067aa0ba902b7-01`, `00-${trace}-${'0'.repeat(16)}-01`, `00-${trace.toUpperCase()}-00f067aa0ba902b7-01`]) {
    const made = (await call(bad === undefined ? {} : { traceparent: bad })).traceparent;
    assert.match(made, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[23]$/, String(bad)); // the random flag of level 2
    assert.ok(!made.includes(trace), String(bad));
  }
  const line = await w.log((l) => l.msg === 'request' && l.trace_id === trace);
  assert.equal(line.request_id, 'my-id');
});
