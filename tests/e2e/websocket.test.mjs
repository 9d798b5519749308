// WebSockets: the handshake, every kind of frame (after the sections of the Autobahn test suite), and limits.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { start, metric, until, sanitized, rss } from './lib/weir.mjs';
import { parse, exchange, upstream } from './lib/net.mjs';
import { open, frame, closing, handshake, acceptOf, all, name, TEXT, BINARY, CLOSE, PING, PONG, CONT } from './lib/ws.mjs';

const MiB = 1024 * 1024;

const echo = `
name: echo
trigger:
  websocket: { path: /echo, max_message: 16MiB, ping: 10m }
steps:
  - reply: { body: "\${ input }" }
`;

const server = async (t, pipelines = { 'echo.yaml': echo }, options) => start(t, pipelines, options);

/** Sends PARTS on a connection of its own, and gives the frames that came, by name. CLOSES: with a close frame behind. */
const say = async (w, parts, closes = true) => {
  const c = await open(w.edgePort, '/echo');
  assert.equal(c.status, 101);
  for (const part of parts) c.send(part);
  if (closes) c.send(frame(CLOSE, closing(1000)));
  return all(c);
};

test('a handshake is answered by its key, and what is none is refused', async (t) => {
  const w = await server(t);
  const good = await open(w.edgePort, '/echo');
  assert.equal(good.status, 101);
  assert.match(good.head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(good.head, /\r\nUpgrade: websocket\r\n/i);
  assert.match(good.head, /\r\nConnection: Upgrade\r\n/i);
  assert.ok(good.head.includes(`Sec-WebSocket-Accept: ${acceptOf('dGhlIHNhbXBsZSBub25jZQ==')}\r\n`));
  assert.ok(good.head.includes('s3pPLMBiTxaQ9kYGzzhZRbK+xOo='), 'the example of RFC 6455 1.3');
  assert.doesNotMatch(good.head, /content-length|transfer-encoding|sec-websocket-(protocol|extensions)/i);
  good.end();

  const wrong = [
    ['another version', { version: '8' }, 426],
    ['no version', { version: '' }, 426],
    ['no key', { key: '' }, 400],
    ['a short key', { key: 'c2hvcnQ=' }, 400],
    ['a key that is no base64', { key: '!!!!!!!!!!!!!!!!!!!!!!==' }, 400],
    ['no Upgrade', { upgrade: '' }, 426],
    ['another protocol', { upgrade: 'h2c' }, 426],
    ['no Connection: Upgrade', { connection: 'close' }, 400],
    ['HTTP/1.0', { http: '1.0' }, 426],
    ['another method', { method: 'POST', more: 'Content-Length: 0\r\n' }, 405],
    ['a body', { more: 'Content-Length: 2\r\n\r\nhi' }, 400],
  ];
  for (const [what, options, status] of wrong) {
    const answer = parse(await exchange(w.edgePort, handshake('/echo', { ...options, connection: options.connection ?? 'Upgrade, close' })));
    assert.equal(answer.status, status, what);
    if (what === 'another version') assert.equal(answer.headers['sec-websocket-version'], '13');
    if (status === 426) assert.equal(answer.headers.upgrade, 'websocket', what);
  }
  const loose = await open(w.edgePort, '/echo', { upgrade: 'WebSocket', connection: 'keep-alive, upgrade' });
  assert.equal(loose.status, 101, 'tokens are compared in any case, and may stand in a list');
  loose.end();
  assert.ok(await metric(w, 'weir_websocket_refused_total', { pipeline: 'echo', reason: 'handshake' }) >= 8);
});

test('frames that come together with the handshake are read', async (t) => {
  const w = await server(t);
  const c = await open(w.edgePort, '/echo', { early: Buffer.concat([frame(TEXT, 'early'), frame(CLOSE, closing(1000))]) });
  assert.deepEqual(await all(c), ['text early', 'close 1000']);
});

test('sections 1 and 2: messages of every size come back, and pings are answered', async (t) => {
  const w = await server(t);
  for (const n of [0, 125, 126, 127, 128, 65535, 65536])
    for (const kind of [TEXT, BINARY]) {
      const c = await open(w.edgePort, '/echo');
      c.send(frame(kind, Buffer.alloc(n, '*')), frame(CLOSE, closing(1000)));
      const f = await c.next();
      assert.equal(f.opcode, kind);
      assert.equal(f.payload.length, n);
      assert.deepEqual(await all(c), ['close 1000']);
    }
  const chopped = await open(w.edgePort, '/echo');
  const bytes = frame(TEXT, Buffer.alloc(65536, '*'));
  for (let i = 0; i < bytes.length; i += 997) chopped.send(bytes.subarray(i, i + 997));
  assert.equal((await chopped.next()).payload.length, 65536);
  chopped.end();

  assert.deepEqual(await say(w, [frame(PING)]), ['pong', 'close 1000']);
  assert.deepEqual(await say(w, [frame(PING, 'Hello, world!')]), ['pong Hello, world!', 'close 1000']);
  assert.deepEqual(await say(w, [frame(PING, Buffer.alloc(125, 0xfe))]), ['pong of 125', 'close 1000']);
  assert.deepEqual(await say(w, [frame(PING, Buffer.alloc(126, 0xfe))], false), ['close 1002']);
  assert.deepEqual(await say(w, [frame(PONG), frame(PONG, 'unasked'), frame(PING, 'x')]), ['pong x', 'close 1000']);
  const ten = Array.from({ length: 10 }, (_, i) => frame(PING, `ping ${i}`));
  assert.deepEqual(await say(w, [Buffer.concat(ten)]), [...ten.map((_, i) => `pong ping ${i}`), 'close 1000']);
  const bytewise = await open(w.edgePort, '/echo');
  for (const b of Buffer.concat(ten)) bytewise.send(Buffer.from([b]));
  for (let i = 0; i < 10; i++) assert.equal(name(await bytewise.next()), `pong ping ${i}`);
  bytewise.end();
});

test('sections 3 and 4: reserved bits and opcodes end the connection with 1002', async (t) => {
  const w = await server(t);
  for (let rsv = 1; rsv < 8; rsv++) {
    assert.deepEqual(await say(w, [frame(TEXT, 'good'), frame(TEXT, 'bad', { rsv }), frame(PING)], false), ['text good', 'close 1002'], `rsv ${rsv}`);
    assert.deepEqual(await say(w, [frame(PING, 'bad', { rsv })], false), ['close 1002']);
    assert.deepEqual(await say(w, [frame(CLOSE, closing(1000), { rsv })], false), ['close 1002']);
  }
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    assert.deepEqual(await say(w, [frame(opcode)], false), ['close 1002'], `opcode ${opcode}`);
    assert.deepEqual(await say(w, [frame(TEXT, 'good'), frame(opcode, 'bad'), frame(PING)], false), ['text good', 'close 1002'], `opcode ${opcode}`);
  }
  assert.deepEqual(await say(w, [frame(TEXT, 'open', { mask: false })], false), ['close 1002'], 'a client has to mask');
});

test('lengths that are longer than they need to be are refused', async (t) => {
  const w = await server(t);
  const key = [0, 0, 0, 0];
  assert.deepEqual(await say(w, [Buffer.from([0x81, 0x80 | 126, 0, 5, ...key, 1, 2, 3, 4, 5])], false), ['close 1002']);
  assert.deepEqual(await say(w, [Buffer.from([0x81, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 5, ...key, 1, 2, 3, 4, 5])], false), ['close 1002']);
  assert.deepEqual(await say(w, [Buffer.from([0x81, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 5, ...key, 1, 2, 3, 4, 5])], false), ['close 1002']);
});

test('section 5: fragments are put together, with control frames between them', async (t) => {
  const w = await server(t);
  const part = (opcode, text, fin) => frame(opcode, text, { fin });
  assert.deepEqual(await say(w, [part(PING, 'f', false), part(CONT, 'g', true)], false), ['close 1002']);
  assert.deepEqual(await say(w, [part(PONG, 'f', false), part(CONT, 'g', true)], false), ['close 1002']);
  assert.deepEqual(await say(w, [part(TEXT, 'frag', false), part(CONT, 'ment', true)]), ['text fragment', 'close 1000']);
  assert.deepEqual(await say(w, [part(TEXT, 'frag', false), frame(PING, 'p'), part(CONT, 'ment', true)]), ['pong p', 'text fragment', 'close 1000']);
  assert.deepEqual(await say(w, [part(TEXT, '', false), part(CONT, '', false), part(CONT, '', true)]), ['text', 'close 1000']);
  assert.deepEqual(await say(w, [part(TEXT, '', false), part(CONT, 'middle', false), part(CONT, '', true)]), ['text middle', 'close 1000']);
  for (const fin of [true, false]) {
    assert.deepEqual(await say(w, [part(CONT, 'stray', fin), frame(TEXT, 'x')], false), ['close 1002']);
    assert.deepEqual(await say(w, [frame(TEXT, 'whole'), part(CONT, 'stray', fin)], false), ['text whole', 'close 1002']);
  }
  assert.deepEqual(await say(w, [part(TEXT, 'a', false), part(CONT, 'b', true), part(CONT, 'c', false), part(TEXT, 'd', true)], false), ['text ab', 'close 1002']);
  assert.deepEqual(await say(w, [part(TEXT, 'a', false), part(TEXT, 'b', true)], false), ['close 1002']);
  assert.deepEqual(await say(w, [part(TEXT, '1', false), part(CONT, '2', false), frame(PING, 'one'), part(CONT, '3', false), part(CONT, '4', false), frame(PING, 'two'), part(CONT, '5', true)]),
    ['pong one', 'pong two', 'text 12345', 'close 1000']);
});

const valid = ['κόσμε', 'Hello-µ@ßöäüàá-UTF-8!!', '\u0000', '\u007f', '\u0080', '\u07ff', '\u0800', '\uffff', '\ud7ff', '\ue000', '\ufffd', '\u{10000}', '\u{10ffff}', '\ufffe', '\u{1fffe}'].map((s) => Buffer.from(s));
const invalid = ['cebae1bdb9cf83cebcceb5eda080656469746564', '80', 'bf', '80bf', '8080808080', 'c0', 'c3', 'c020', 'e020', 'f020', 'f820', 'fc20', 'e0a0', 'ed9f', 'f09f98', 'fe', 'ff', 'fefeffff',
  'c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af', 'c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'c080', 'e08080', 'f0808080', 'eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbfbf',
  'eda080edb080', 'f4908080', 'f7bfbfbf', 'f888808080', 'fc8480808080'].map((h) => Buffer.from(h, 'hex'));

test('section 6: text is UTF-8, however it is cut', async (t) => {
  const w = await server(t);
  for (const text of valid) {
    const c = await open(w.edgePort, '/echo');
    c.send(frame(TEXT, text));
    assert.deepEqual((await c.next()).payload, text);
    const pieces = [...text].map((b, i) => frame(i ? CONT : TEXT, Buffer.from([b]), { fin: false }));
    c.send(...pieces, frame(CONT, ''));
    assert.deepEqual((await c.next()).payload, text, `${text.toString('hex')} in fragments of a byte`);
    c.end();
  }
  for (const text of invalid) {
    assert.deepEqual(await say(w, [frame(TEXT, text)], false), ['close 1007'], text.toString('hex'));
    const pieces = [...text].map((b, i) => frame(i ? CONT : TEXT, Buffer.from([b]), { fin: i === text.length - 1 }));
    assert.deepEqual(await say(w, pieces, false), ['close 1007'], `${text.toString('hex')} in fragments`);
  }
  assert.deepEqual(await say(w, [frame(BINARY, Buffer.from([0xff, 0xfe]))]).then((n) => n.at(-1)), 'close 1000', 'bytes may be anything');
});

test('section 6.4: text that is not UTF-8 is refused at the byte that shows it', async (t) => {
  const w = await server(t);
  const start = Buffer.from('cebae1bdb9cf83cebcceb5', 'hex');
  // Of the message more is to come: the server does not wait for it.
  const inFragment = await open(w.edgePort, '/echo');
  inFragment.send(frame(TEXT, start, { fin: false }), frame(CONT, Buffer.from('f490', 'hex'), { fin: false }));
  assert.deepEqual(await all(inFragment), ['close 1007']);
  const inFrame = await open(w.edgePort, '/echo');
  const bytes = frame(TEXT, Buffer.concat([start, Buffer.from('f4908080656469746564', 'hex')]));
  inFrame.send(bytes.subarray(0, 6 + start.length + 1));
  inFrame.send(bytes.subarray(6 + start.length + 1, 6 + start.length + 2));
  assert.deepEqual(await all(inFrame), ['close 1007']);
});

test('section 7: a close frame is answered with its code, and a wrong one with 1002 or 1007', async (t) => {
  const w = await server(t);
  assert.deepEqual(await say(w, [frame(TEXT, 'hello')]), ['text hello', 'close 1000']);
  assert.deepEqual(await say(w, [frame(CLOSE, closing(1000)), frame(CLOSE, closing(1000))], false), ['close 1000']);
  assert.deepEqual(await say(w, [frame(CLOSE, closing(1000)), frame(PING, 'late'), frame(TEXT, 'later')], false), ['close 1000']);
  assert.deepEqual(await say(w, [frame(TEXT, 'part', { fin: false }), frame(CLOSE, closing(1000)), frame(CONT, 'rest')], false), ['close 1000']);
  assert.deepEqual(await say(w, [frame(TEXT, Buffer.alloc(256 * 1024, 'x')), frame(CLOSE, closing(1000)), frame(PING)], false), ['text of 262144', 'close 1000']);
  assert.deepEqual(await say(w, [frame(CLOSE)], false), ['close'], 'no code, none back');
  assert.deepEqual(await say(w, [frame(CLOSE, Buffer.from([3]))], false), ['close 1002'], 'half a code');
  assert.deepEqual(await say(w, [frame(CLOSE, closing(1000, 'Hello World!'))], false), ['close 1000']);
  assert.deepEqual(await say(w, [frame(CLOSE, closing(1000, '*'.repeat(123)))], false), ['close 1000']);
  assert.deepEqual(await say(w, [frame(CLOSE, closing(1000, '*'.repeat(124)))], false), ['close 1002']);
  assert.deepEqual(await say(w, [frame(CLOSE, Buffer.concat([closing(1000), Buffer.from('cebae1bdb9eda080', 'hex')]))], false), ['close 1007']);
  for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])
    assert.deepEqual(await say(w, [frame(CLOSE, closing(code))], false), [`close ${code}`]);
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
    assert.deepEqual(await say(w, [frame(CLOSE, closing(code))], false), ['close 1002'], String(code));
});

test('sections 9 and 10: messages of megabytes come back, whole and in fragments', async (t) => {
  const w = await server(t);
  for (const [kind, size, piece] of [[TEXT, 4 * MiB, 0], [BINARY, 16 * MiB, 0], [TEXT, MiB, 64], [BINARY, 4 * MiB, 4096], [TEXT, 65536, 1300]]) {
    const c = await open(w.edgePort, '/echo');
    const body = Buffer.alloc(size, 'BAsd7&jh23');
    const frames = [];
    for (let at = 0; piece && at < size; at += piece)
      frames.push(frame(at ? CONT : kind, body.subarray(at, at + piece), { fin: at + piece >= size }));
    c.send(...(piece ? frames : [frame(kind, body)]));
    const f = await c.next();
    assert.equal(f.opcode, kind);
    assert.ok(f.payload.equals(body), `${size} in pieces of ${piece}`);
    c.send(frame(CLOSE, closing(1000)));
    assert.deepEqual(await all(c), ['close 1000']);
  }
  const c = await open(w.edgePort, '/echo');
  for (let i = 0; i < 500; i++) c.send(frame(i % 2 ? TEXT : BINARY, `message ${i}`));
  for (let i = 0; i < 500; i++) assert.equal((await c.next()).payload.toString(), `message ${i}`);
  c.end();
});

test('a message that is too large is refused before it comes', async (t) => {
  const w = await server(t, { 'small.yaml': echo.replace('16MiB', '1KiB') });
  assert.deepEqual(await say(w, [frame(TEXT, 'x'.repeat(1024))]), ['text of 1024', 'close 1000']);
  assert.deepEqual(await say(w, [frame(TEXT, 'x', { length: 1025 })], false), ['close 1009']);
  assert.deepEqual(await say(w, [frame(TEXT, '', { length: 1025 })], false), ['close 1009'], 'by the head alone');
  assert.deepEqual(await say(w, [frame(TEXT, 'x'.repeat(1000), { fin: false }), frame(CONT, 'x', { length: 25 })], false), ['close 1009']);
  assert.equal(await metric(w, 'weir_websocket_closed_total', { code: '1009' }), 3);
});

test('a message of a great many small fragments is refused', async (t) => {
  const w = await server(t);
  const c = await open(w.edgePort, '/echo');
  c.send(frame(TEXT, '', { fin: false }), ...Array.from({ length: 1100 }, () => frame(CONT, '', { fin: false })));
  assert.deepEqual(await all(c), ['close 1008']);
});

test('a flood of pings costs no memory that grows, and the last one is answered', async (t) => {
  const w = await server(t);
  const c = await open(w.edgePort, '/echo');
  c.socket.pause();
  for (let i = 0; i < 20; i++) c.send(...Array.from({ length: 1000 }, () => frame(PING, 'x'.repeat(100))));
  c.send(frame(PING, 'last'));
  c.socket.resume();
  for (let f; name(f = await c.next()) !== 'pong last';) assert.ok(f, 'it ended before');
  assert.ok(c.frames.length <= 20_001);
  c.end();
});

test('callers that send without end keep nobody from an answer', async (t) => {
  const hello = 'name: hello\ntrigger: { webhook: { path: /hello, methods: [GET] } }\nsteps:\n  - reply: { text: hello }\n';
  const w = await server(t, { 'echo.yaml': echo, 'hello.yaml': hello });
  const pongs = Buffer.concat(Array.from({ length: 1000 }, () => frame(PONG, 'x')));
  const many = Buffer.concat(Array.from({ length: 300 }, () => pongs));
  const floods = await Promise.all(Array.from({ length: 4 }, () => open(w.edgePort, '/echo')));
  let over = false;
  const flood = (c) => c.socket.write(many, () => { if (!over) flood(c); });
  for (const c of floods) { flood(c); flood(c); } // so that there is always something
  for (let i = 0; i < 10; i++) assert.equal((await fetch(`${w.edge}/hello`, { signal: AbortSignal.timeout(20_000) })).status, 200);
  over = true;
  for (const c of floods) c.end();
});

test('small messages that wait for their reader cost no more than max_queue says', { skip: sanitized && 'figures of a release build' }, async (t) => {
  const w = await server(t, { 'echo.yaml': echo.replace('max_message: 16MiB', 'max_queue: 4MiB') });
  const c = await open(w.edgePort, '/echo');
  c.socket.pause();
  const before = rss(w.worker);
  const block = Buffer.concat(Array.from({ length: 10_000 }, () => frame(TEXT, 'x'.repeat(16))));
  let seen = -1;
  await until(async () => {
    while (c.socket.writableLength < MiB) c.send(block);
    const last = seen;
    seen = await metric(w, 'weir_websocket_messages_total');
    return seen === last;
  }, 'no further message is taken');
  const grown = rss(w.worker) - before;
  assert.ok(grown < 20 * 1024, `${grown} KiB more`);
  c.end();
});

/** Seconds of the processor that a process has had. */
const worked = (pid) => readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '').split(' ').slice(11, 13).reduce((sum, ticks) => sum + Number(ticks) / 100, 0);

test('behind the close frame of the server comes nothing, and nothing is done until the end', async (t) => {
  const silent = 'name: silent\ntrigger: { websocket: { path: /silent, idle_timeout: 1500ms, ping: 1s } }\nsteps:\n  - reply: { body: "${ input }" }\n';
  const w = await server(t, { 'silent.yaml': silent });
  const c = await open(w.edgePort, '/silent');
  let f;
  while ((f = await c.next()).opcode === PING) c.send(frame(PONG, f.payload));
  assert.equal(name(f), 'close 1001');
  const before = worked(w.worker);
  assert.deepEqual(await all(c), []);
  assert.ok(worked(w.worker) - before < 1, 'five seconds of waiting cost no second of work');
});

test('a message that had to wait for a stream does not go out behind the close frame that drops it', async (t) => {
  let dropped;
  const up = await upstream(t, (request, response) => { dropped = once(response, 'close'); response.write('never read'); });
  const w = await server(t, { 'streams.yaml': `
name: streams
trigger: { websocket: { path: /streams, max_queue: 64MiB, max_message: 16MiB } }
steps:
  - switch: "\${ size(input) > 1000 ? 'large' : 'small' }"
    cases:
      small:
        - reply: { text: small }
      large:
        - ws.send: { message: "\${ input }" }
        - id: ask
          http: { url: "${up.url}/", stream: true }
        - log: asked
        - reply: { body: "\${ steps.ask.body }" }
` });
  const c = await open(w.edgePort, '/streams');
  c.socket.pause(); // so that the stream stands behind what is not read
  c.send(frame(TEXT, 'x'.repeat(8 * MiB)), frame(TEXT, 'y'));
  await w.log((l) => l.msg === 'asked');
  c.send(frame(CLOSE, closing(1000)));
  await dropped;
  c.socket.resume();
  assert.deepEqual(await all(c), [`text of ${8 * MiB}`, 'close 1000']);
});

test('a connection of which nothing more is read for now ends in good order, too', async (t) => {
  const w = await server(t, { 'busy.yaml': 'name: busy\ntrigger: { websocket: { path: /busy, idle_timeout: 1500ms } }\nsteps:\n  - delay: 20s\n' });
  const c = await open(w.edgePort, '/busy');
  c.send(...Array.from({ length: 100 }, (_, n) => frame(TEXT, `${n}`.repeat(100))));
  assert.equal(name(await c.next()), 'close 1001');
  c.send(frame(CLOSE, closing(1001)));
  await c.ended;
  assert.equal(c.error, null, 'it is not reset');
});

test('at the last step of memory a message closes its connection with 1013', { skip: sanitized && 'figures of a release build' }, async (t) => {
  const limit = 64 * 1024; // KiB
  const hold = 'name: hold\ntrigger: { webhook: { path: /hold, max_body: 4MiB } }\nsteps:\n  - delay: 60s\n';
  const leap = 'name: leap\ntrigger: { webhook: { path: /leap } }\nsteps:\n  - lua: |\n      local parts = {}\n'
    + "      for i = 1, 13 do parts[i] = string.rep('x', 1 << 20) end\n      ctx.sleep('60s')\n      return #parts\n";
  const w = await start(t, { 'echo.yaml': echo, 'hold.yaml': hold, 'leap.yaml': leap }, { args: ['--set', 'memory.limit=64MiB', '--set', 'drain_timeout=1s'] });
  const c = await open(w.edgePort, '/echo');
  assert.equal(c.status, 101);
  const ended = all(c);
  let over = false;
  ended.finally(() => { over = true; });
  // Bodies come whole, one by one, and stay, to just below the first step: from there one run goes over all three at once.
  const held = [];
  const ask = (path, body) => held.push(fetch(w.edge + path, { method: 'POST', body }).then((r) => r.text()).catch(() => null));
  const stays = async () => { // what is given back when it is looked at next does not count
    let least = Infinity;
    for (let look = 0; look < 60 && least > 0.78 * limit; look++) {
      least = Math.min(least, rss(w.worker));
      await sleep(20);
    }
    return least;
  };
  while (await stays() < 0.78 * limit) {
    ask('/hold', 'x'.repeat(MiB));
    await until(async () => await metric(w, 'weir_delay_waiting') === held.length, 'the body is there');
  }
  ask('/leap', '');
  await until(() => {
    if (!over) c.send(frame(TEXT, 'hello'));
    return over;
  }, 'it is closed');
  assert.match(JSON.stringify((await ended).at(-1)), /1013/);
  assert.ok(await metric(w, 'weir_edge_refused_total', { reason: 'memory' }) > 0);
  await w.stop();
  await Promise.all(held);
});
