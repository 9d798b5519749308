// HTTP/2 frame by frame: what is malformed, and what is not (RFC 9113, RFC 7541).
import test from 'node:test';
import assert from 'node:assert/strict';
import { start, metric, until } from './lib/weir.mjs';
import { open, frame, fields, request, headers, data, rst, ping, window, settings, integer, preface, type, flag, error, setting } from './lib/h2.mjs';
import { begin, get, pipelines, post, refused, serves, size, whole } from './lib/h2_stage.mjs';

test('malformed requests are refused, and their connection goes on', async (t) => {
  const w = await begin(t);
  const c = await open(w.edgePort);
  const plain = [['x', 'y']];
  const without = (name) => get().filter(([n]) => n !== name);
  const swapped = (name, value) => get().map(([n, v]) => [n, n === name ? value : v]);
  const cases = {
    'a name in upper case': [...get(), ['X-a', 'b']],
    'a name with a blank': [...get(), ['x a', 'b']],
    'a name with a colon': [...get(), ['x:a', 'b']],
    'an empty name': [...get(), ['', 'b']],
    'a name with CR LF': [...get(), ['x\r\ny', 'b']],
    'a name that is not ASCII': [...get(), ['x\xe4', 'b']],
    'a name with an underscore': [...get(), ['x_a', 'b']],
    'a value with CR LF': [...get(), ['x', 'a\r\ny: b']],
    'a value with LF': [...get(), ['x', 'a\nb']],
    'a value with NUL': [...get(), ['x', 'a\0b']],
    'a value that begins with a blank': [...get(), ['x', ' a']],
    'a value that ends with a tab': [...get(), ['x', 'a\t']],
    'connection': [...get(), ['connection', 'close']],
    'keep-alive': [...get(), ['keep-alive', 'timeout=5']],
    'proxy-connection': [...get(), ['proxy-connection', 'close']],
    'transfer-encoding': [...get(), ['transfer-encoding', 'chunked']],
    'upgrade': [...get(), ['upgrade', 'h2c']],
    'te other than trailers': [...get(), ['te', 'gzip']],
    'te with more than trailers': [...get(), ['te', 'trailers, gzip']],
    'no :method': without(':method'),
    'no :scheme': without(':scheme'),
    'no :path': without(':path'),
    'no authority and no host': without(':authority'),
    'an empty :path': swapped(':path', ''),
    'a :path that is no path': swapped(':path', 'any/x'),
    'a :path with a blank': swapped(':path', '/any/x HTTP/1.1'),
    'a :path with CR LF': swapped(':path', '/any/x HTTP/1.1\r\nhost: b\r\n'),
    'a :path with dots': swapped(':path', '/any/../x'),
    'a :path with an encoded slash': swapped(':path', '/any/%2f'),
    'a :path with a fragment': swapped(':path', '/any/x#y'),
    'a :path * of GET': swapped(':path', '*'),
    'a :method with a blank': swapped(':method', 'GET '),
    'a :method with CR LF': swapped(':method', 'GET / HTTP/1.1\r\nx: y\r\n'),
    'an empty :method': swapped(':method', ''),
    'a :method that is too long': swapped(':method', 'A'.repeat(40)),
    'a :scheme that is not HTTP': swapped(':scheme', 'ftp'),
    'an :authority with a user': swapped(':authority', 'u@a'),
    'an :authority with a slash': swapped(':authority', 'a/b'),
    'an :authority with a wrong port': swapped(':authority', 'a:70000'),
    'an empty :authority': swapped(':authority', ''),
    'another host than :authority': [...get(), ['host', 'b']],
    'two hosts': [...get(), ['host', 'a'], ['host', 'b']],
    ':method twice': [[':method', 'GET'], ...get()],
    ':path twice': [...get(), [':path', '/any/y']],
    'a pseudo field behind another field': [...plain, ...get()],
    'an unknown pseudo field': [...get(), [':x', 'y']],
    'a pseudo field of answers': [...get(), [':status', '200']],
    ':protocol, which was not offered': [...swapped(':method', 'CONNECT'), [':protocol', 'websocket']],
    'content-length that is no number': [...get(), ['content-length', 'x']],
    'content-length twice': [...get(), ['content-length', '0'], ['content-length', '0']],
    'content-length without a body': [...get(), ['content-length', '5']],
    'an expectation that cannot be met': [...get(), ['expect', 'wonders']],
  };
  let id = 1;
  for (const [name, list] of Object.entries(cases)) {
    await c.write(headers(id, list));
    const a = await c.answer(id);
    assert.ok(a.reset === error.PROTOCOL_ERROR || [400, 417].includes(a.status), `${name}: ${JSON.stringify(a)}`);
    id += 2;
  }
  await c.write(headers(id, [[':method', 'CONNECT'], [':authority', 'a:80']]));
  const refusedConnect = await c.answer(id);
  assert.ok(refusedConnect.status === 501 || refusedConnect.reset === error.PROTOCOL_ERROR);
  await serves(c, id + 2);
  assert.ok(await refused(w, 'malformed') + await refused(w, 'target') >= Object.keys(cases).length - 1);
  c.end();
});

test('unusual requests that are not malformed are served', async (t) => {
  const w = await begin(t);
  const c = await open(w.edgePort);
  const cases = [
    [...get(), ['te', 'trailers']],
    [...get(), ['host', 'A']],
    [...get().filter(([n]) => n !== ':authority'), ['host', 'a']],
    [...get(), ['cookie', 'a=1'], ['x', 'y'], ['cookie', 'b=2'], ['cookie', 'c=3']],
    [...get(), ['x', '']],
    get().toReversed?.() ?? [...get()].reverse(),
    get().map(([n, v]) => [n, n === ':scheme' ? 'https' : v]),
  ];
  for (const [n, list] of cases.entries()) {
    await c.write(headers(2 * n + 1, list));
    const a = await c.answer(2 * n + 1);
    assert.equal(a.status, 200, JSON.stringify(list));
    const got = JSON.parse(a.body).headers;
    assert.equal(got.host.toLowerCase(), 'a');
    if (n === 3) assert.equal(got.cookie, 'a=1; b=2; c=3');
  }
  const id = 2 * cases.length + 1;
  await c.write(headers(id, [[':method', 'OPTIONS'], [':scheme', 'http'], [':path', '*'], [':authority', 'a']]));
  assert.equal((await c.answer(id)).status, 204);
  // Padding, a priority, a header block in pieces down to single bytes.
  const block = fields(post());
  await c.write(frame(type.HEADERS, flag.PADDED | flag.PRIORITY, id + 2, Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 15]), block.subarray(0, 5), Buffer.alloc(3)])));
  await c.write(frame(type.CONTINUATION, 0, id + 2, block.subarray(5, 6)), frame(type.CONTINUATION, 0, id + 2), frame(type.CONTINUATION, flag.END_HEADERS, id + 2, block.subarray(6)));
  await c.write(frame(type.DATA, flag.PADDED, id + 2, Buffer.concat([Buffer.from([9]), Buffer.from('body'), Buffer.alloc(9)])), data(id + 2, '', flag.END_STREAM));
  assert.deepEqual(await c.answer(id + 2), { status: 200, body: '4' });
  c.end();
});

test('bytes may come one by one, and go one by one', async (t) => {
  const w = await start(t, pipelines, { args: ['--store', 'none', '--set', 'edge.h2c=true'], env: { WEIR_FAULT: 'READ_ONE_BYTE,WRITE_ONE_BYTE' } });
  const c = await open(w.edgePort, [], { manners: false });
  const block = fields(post());
  const all = Buffer.concat([headers(1, block.subarray(0, 1), 0), ...[1, 2, 3, 4, 5].map((n) => frame(type.CONTINUATION, 0, 1, block.subarray(n, n + 1))),
    frame(type.CONTINUATION, flag.END_HEADERS, 1, block.subarray(6)), data(1, 'abc', flag.END_STREAM), frame(type.PRIORITY, 0, 3, Buffer.from([0, 0, 0, 1, 1])), headers(5, get('/large'))]);
  for (const byte of all) await c.write(Buffer.from([byte]));
  assert.deepEqual(await c.answer(1), { status: 200, body: '3' });
  await c.write(window(0, size), window(5, size));
  assert.equal((await c.answer(5)).body.length, size);
  c.end();
});

test('DATA has to be as long as content-length says', async (t) => {
  const w = await begin(t);
  const c = await open(w.edgePort);
  const sized = (id, n) => headers(id, [...post(), ['content-length', String(n)]], flag.END_HEADERS);
  await c.write(sized(1, 5), data(1, '1234', flag.END_STREAM), sized(3, 5), data(3, '123456'), sized(5, 5), data(5, '123'), data(5, '45', flag.END_STREAM));
  assert.equal((await c.answer(1)).reset, error.PROTOCOL_ERROR);
  assert.equal((await c.answer(3)).reset, error.PROTOCOL_ERROR);
  assert.deepEqual(await c.answer(5), { status: 200, body: '5' });
  c.end();
});

test('trailers are held to the rules of HTTP/1.1', async (t) => {
  const w = await begin(t);
  const c = await open(w.edgePort);
  const trailed = (id, list, flags = whole) => [headers(id, post(), flag.END_HEADERS), data(id, 'body'), headers(id, list, flags)];
  await c.write(...trailed(1, [['x', 'y']]), ...trailed(3, [['content-length', '4']]), ...trailed(5, [['authorization', 'x']]), ...trailed(7, [[':path', '/']]),
    ...trailed(9, Array.from({ length: 5 }, (_, n) => [`x-${n}`, 'y'.repeat(2500)])), ...trailed(11, [['x', 'y']], flag.END_HEADERS));
  assert.equal((await c.answer(1)).body, '4');
  const four = async (id) => { const a = await c.answer(id); return a.status === 400 || a.reset === error.PROTOCOL_ERROR; };
  for (const id of [3, 5, 7, 11]) assert.ok(await four(id), `stream ${id}`);
  assert.equal((await c.answer(9)).status, 200);
  // Head and trailers together have the limits of a head: 32 KiB, 8 KiB a line, 100 fields.
  const many = async (id, n, size) => {
    const block = fields(Array.from({ length: n }, (_, i) => [`x-${i}`, 'y'.repeat(size)]));
    await c.write(headers(id, post(), flag.END_HEADERS), data(id, 'body'), frame(type.HEADERS, flag.END_STREAM, id, block.subarray(0, 16000)), frame(type.CONTINUATION, flag.END_HEADERS, id, block.subarray(16000)));
    return (await c.answer(id)).status;
  };
  assert.deepEqual([await many(13, 4, 8000), await many(15, 95, 1), await many(17, 5, 8000), await many(19, 1, 8200), await many(21, 101, 1)], [200, 200, 431, 431, 431]);
  c.end();
});

test('a header that is too large is 431, whatever it is made of', async (t) => {
  const w = await begin(t);
  const c = await open(w.edgePort);
  const three = (n, size) => [...get(), ...Array.from({ length: n }, (_, i) => [`x-${i}`, 'v'.repeat(size)])];
  const split = (id, list) => {
    const block = fields(list);
    const pieces = [];
    for (let at = 0; at < block.length; at += 16000) pieces.push(block.subarray(at, at + 16000));
    return pieces.map((p, n) => frame(n === 0 ? type.HEADERS : type.CONTINUATION, (n === 0 ? flag.END_STREAM : 0) | (n === pieces.length - 1 ? flag.END_HEADERS : 0), id, p));
  };
  await c.write(...split(1, three(101, 1)), ...split(3, three(1, 8200)), ...split(5, three(5, 8000)), ...split(7, [...get(), ...Array.from({ length: 9 }, () => ['cookie', 'c'.repeat(1000)])]), ...split(9, three(3, 8000)));
  for (const id of [1, 3, 5, 7]) assert.equal((await c.answer(id)).status, 431, `stream ${id}`);
  assert.equal((await c.answer(9)).status, 200);
  // An entry of the table that is named again and again (HPACK bomb), 64 KiB of input, 64 MiB of fields, is not worth an answer.
  await c.write(frame(type.HEADERS, flag.END_STREAM, 11, Buffer.concat([fields(get()), fields([['x', 'y'.repeat(4000)]], true), Buffer.alloc(12_000, 0xbe)])),
    ...Array.from({ length: 3 }, (_, n) => frame(type.CONTINUATION, n === 2 ? flag.END_HEADERS : 0, 11, Buffer.alloc(16_000, 0xbe))));
  assert.equal((await c.answer(11)).reset, error.INTERNAL_ERROR);
  assert.equal(await refused(w, 'header_size'), 5);
  await serves(c, 13);
  c.end();
});

test('faults of the connection end it with the code of RFC 9113', async (t) => {
  const w = await begin(t);
  const open100 = [headers(1, post(), flag.END_HEADERS)];
  const cases = {
    'a preface that ends otherwise': [error.PROTOCOL_ERROR, null],
    'no SETTINGS first': [error.PROTOCOL_ERROR, [preface, ping()]],
    'a frame that is too large': [error.FRAME_SIZE_ERROR, [...open100, frame(type.DATA, 0, 1, Buffer.alloc(16385))]],
    'DATA on stream 0': [error.PROTOCOL_ERROR, [data(0, 'x')]],
    'HEADERS on stream 0': [error.PROTOCOL_ERROR, [headers(0, get())]],
    'HEADERS on an even stream': [error.PROTOCOL_ERROR, [headers(2, get())]],
    'DATA on a stream that is idle': [error.PROTOCOL_ERROR, [data(1, 'x')]],
    'RST_STREAM on a stream that is idle': [error.PROTOCOL_ERROR, [rst(1)]],
    'WINDOW_UPDATE on a stream that is idle': [error.PROTOCOL_ERROR, [window(1, 1)]],
    'a stream behind a higher one': [error.PROTOCOL_ERROR, [headers(5, get()), headers(3, get())]],
    'a stream twice': [error.STREAM_CLOSED, [headers(1, get()), headers(1, get())]],
    'PUSH_PROMISE': [error.PROTOCOL_ERROR, [...open100, frame(type.PUSH_PROMISE, flag.END_HEADERS, 1, Buffer.concat([Buffer.from([0, 0, 0, 2]), fields(get())]))]],
    'a PRIORITY of stream 0': [error.PROTOCOL_ERROR, [frame(type.PRIORITY, 0, 0, Buffer.from([0, 0, 0, 1, 1]))]],
    'a PRIORITY on itself': [error.PROTOCOL_ERROR, [frame(type.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 1, 1]))]],
    'SETTINGS of a wrong length': [error.FRAME_SIZE_ERROR, [frame(type.SETTINGS, 0, 0, 'abc')]],
    'SETTINGS on a stream': [error.PROTOCOL_ERROR, [frame(type.SETTINGS, 0, 1)]],
    'an acknowledgement with a payload': [error.FRAME_SIZE_ERROR, [frame(type.SETTINGS, flag.ACK, 0, '123456')]],
    'ENABLE_PUSH of 2': [error.PROTOCOL_ERROR, [settings([[setting.ENABLE_PUSH, 2]])]],
    'a window of 2^31': [error.FLOW_CONTROL_ERROR, [settings([[setting.INITIAL_WINDOW_SIZE, 2 ** 31]])]],
    'frames of 2^24': [error.PROTOCOL_ERROR, [settings([[setting.MAX_FRAME_SIZE, 2 ** 24]])]],
    'a PING of a wrong length': [error.FRAME_SIZE_ERROR, [frame(type.PING, 0, 0, '1234')]],
    'a PING on a stream': [error.PROTOCOL_ERROR, [frame(type.PING, 0, 1, '12345678')]],
    'GOAWAY on a stream': [error.PROTOCOL_ERROR, [frame(type.GOAWAY, 0, 1, Buffer.alloc(8))]],
    'WINDOW_UPDATE by nothing': [error.PROTOCOL_ERROR, [window(0, 0)]],
    'WINDOW_UPDATE beyond 2^31': [error.FLOW_CONTROL_ERROR, [window(0, 2 ** 31 - 1)]],
    'a CONTINUATION of nothing': [error.PROTOCOL_ERROR, [frame(type.CONTINUATION, flag.END_HEADERS, 1, fields(get()))]],
    'DATA within a header block': [error.PROTOCOL_ERROR, [headers(1, get(), 0), data(1, 'x')]],
    'a CONTINUATION of another stream': [error.PROTOCOL_ERROR, [headers(1, get(), 0), frame(type.CONTINUATION, flag.END_HEADERS, 3)]],
    'padding longer than the frame': [error.PROTOCOL_ERROR, [...open100, frame(type.DATA, flag.PADDED, 1, Buffer.from([9, 0]))]],
    'an index beyond the table': [error.COMPRESSION_ERROR, [headers(1, Buffer.from([0xff, 0x80, 0x01]))]],
    'index 0': [error.COMPRESSION_ERROR, [headers(1, Buffer.from([0x80]))]],
    'an integer without an end': [error.COMPRESSION_ERROR, [headers(1, Buffer.from([0xff, ...Array(20).fill(0xff)]))]],
    'a string longer than the block': [error.COMPRESSION_ERROR, [headers(1, Buffer.concat([Buffer.from([0]), integer(0, 7, 100), Buffer.from('x')]))]],
    'a table larger than allowed': [error.COMPRESSION_ERROR, [headers(1, Buffer.concat([integer(0x20, 5, 5000), fields(get())]))]],
    'the size of the table behind a field': [error.COMPRESSION_ERROR, [headers(1, Buffer.concat([fields(get()), integer(0x20, 5, 0)]))]],
    'Huffman with EOS': [error.COMPRESSION_ERROR, [headers(1, Buffer.concat([Buffer.from([0, 1]), Buffer.from('x'), Buffer.from([0x84, 0xff, 0xff, 0xff, 0xff])]))]],
    'Huffman padded with zeros': [error.COMPRESSION_ERROR, [headers(1, Buffer.concat([Buffer.from([0, 1]), Buffer.from('x'), Buffer.from([0x81, 0x00])]))]],
  };
  for (const [name, [code, frames]] of Object.entries(cases)) {
    const greet = frames !== null && frames[0] !== preface;
    const c = await open(w.edgePort, [], { greet });
    await c.write(...(frames ?? [preface.slice(0, -1), 'x', settings()]));
    const got = await c.goaway();
    if (frames === null) assert.ok(c.closed, name); // it is taken for HTTP/1.1
    else assert.equal(got, code, name);
  }
  const c = await open(w.edgePort);
  await serves(c, 1);
  c.end();
  await until(async () => await metric(w, 'weir_edge_connections') === 0, 'all are closed');
});

test('frames of a stream that is over are STREAM_CLOSED, unless it was reset by weir', async (t) => {
  const w = await begin(t);
  for (const late of [data(1, 'x', flag.END_STREAM), headers(1, [['x', 'y']])]) {
    const c = await open(w.edgePort);
    await c.write(headers(1, get()));
    await c.answer(1);
    await c.write(late);
    assert.equal(await c.goaway(), error.STREAM_CLOSED);
    const d = await open(w.edgePort);
    await d.write(headers(1, post(), flag.END_HEADERS), rst(1), late);
    assert.equal(await d.goaway(), error.STREAM_CLOSED);
  }
  const c = await open(w.edgePort);
  await c.write(headers(1, [...post(), ['content-length', '2000000']], flag.END_HEADERS));
  await c.until((f) => f.type === type.RST_STREAM && f.stream === 1); // 413
  await c.write(data(1, 'x'), data(1, 'y', flag.END_STREAM));
  await serves(c, 3);
  c.end();
});

test('a body that comes behind its answer is thrown away, and said to be unwanted only if it goes on', async (t) => {
  const w = await begin(t);
  const c = await open(w.edgePort);
  await c.write(headers(1, request('/nowhere', 'POST'), flag.END_HEADERS));
  assert.equal((await c.answer(1)).status, 404);
  await c.write(data(1, 'x'), data(1, 'y', flag.END_STREAM));
  await serves(c, 3);
  assert.ok(!c.frames.some((f) => f.type === type.RST_STREAM));
  await c.write(headers(5, request('/nowhere', 'POST'), flag.END_HEADERS));
  await c.until((f) => f.type === type.RST_STREAM && f.stream === 5);
  await serves(c, 7);
  c.end();
});
