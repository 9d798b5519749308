// WebSockets in pipelines: who may enter, what runs, rooms over shards, slow readers, reload, the end.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import WebSocket from 'ws';
import { start, metric, until, write, folder } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';
import { redis } from './lib/redis.mjs';
import { open, frame, name, PONG } from './lib/ws.mjs';

/** A browser's client: { socket, messages, next(), closed, opened }. */
const client = (w, path, protocols, options) => {
  const socket = new WebSocket(`${w.edge.replace('http', 'ws')}${path}`, protocols, options);
  const c = { socket, messages: [], taken: 0, waiting: [] };
  const look = () => { while (c.waiting.length && c.messages.length > c.taken) c.waiting.shift()(c.messages[c.taken++]); };
  socket.on('message', (data, binary) => { c.messages.push(binary ? data : data.toString()); look(); });
  c.opened = new Promise((done, fail) => { socket.on('open', () => done(c)); socket.on('error', fail); });
  c.opened.catch(() => {});
  c.closed = new Promise((done) => socket.on('close', (code, reason) => done({ code, reason: reason.toString() })));
  c.next = () => new Promise((done, fail) => { c.waiting.push(done); look(); c.closed.then(() => fail(new Error('closed'))); });
  c.json = async () => JSON.parse(await c.next());
  return c;
};

const chat = `
name: chat
trigger:
  - websocket: { path: "/chat/{room}", rooms: ["chat/{room}"], on: [open, message, close], json: true }
  - webhook: { path: "/chat/{room}/say" }
steps:
  - switch: \${ request.connection?.event ?? 'say' }
    cases:
      open:
        - ws.send: { message: { you: "\${ request.connection.id }" } }
      close:
        - ws.broadcast: { room: "chat/\${ request.params.room }", message: { left: "\${ request.connection.id }", code: "\${ request.connection.code }", reason: "\${ request.connection.reason }" } }
    default:
      - ws.broadcast:
          room: chat/\${ request.params.room }
          message: { text: "\${ input.text }" }
          except: \${ request.connection?.id ?? '' }
`;

test('what one says is heard by all in the room, on all shards, and by nobody else', async (t) => {
  const w = await start(t, { 'chat.yaml': chat }, { shards: 4 });
  const all = [];
  for (let i = 0; i < 24; i++) all.push(client(w, '/chat/a'));
  const other = client(w, '/chat/b');
  const ids = [];
  for (const c of [...all, other]) { await c.opened; ids.push((await c.json()).you); }
  assert.equal(new Set(ids).size, 25);
  assert.ok(new Set(ids.map((id) => id.slice(0, 2))).size > 1, 'the connections are spread over shards');
  all[0].socket.send('{"text":"hello"}');
  for (const c of all.slice(1)) assert.deepEqual(await c.json(), { text: 'hello' });
  const r = await fetch(`${w.edge}/chat/a/say`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":"by http"}' });
  assert.equal(r.status, 200);
  for (const c of all) assert.deepEqual(await c.json(), { text: 'by http' }, 'whoever said the first one hears the second one first');
  all[5].socket.close(4001, 'enough');
  assert.deepEqual(await all[5].closed, { code: 4001, reason: '' });
  for (const c of [...all.slice(0, 5), ...all.slice(6)]) assert.deepEqual(await c.json(), { left: ids[5], code: 4001, reason: 'enough' });
  assert.equal(other.messages.length, 1);
  assert.equal(await metric(w, 'weir_websocket_connections'), 24);
});

test('messages of a connection run one after the other, in their order', async (t) => {
  const w = await start(t, { 'slow.yaml': `
name: slow
trigger: { websocket: { path: /slow, json: true } }
steps:
  - delay: \${ string(input.ms) + 'ms' }
  - reply: { json: { n: "\${ input.n }" } }
` });
  const c = client(w, '/slow');
  await c.opened;
  for (let n = 0; n < 40; n++) c.socket.send(JSON.stringify({ n, ms: n % 2 ? 0 : 5 }));
  for (let n = 0; n < 40; n++) assert.deepEqual(await c.json(), { n });
});

test('the run of open refuses, or sends the first message', async (t) => {
  const w = await start(t, { 'door.yaml': `
name: door
trigger: { websocket: { path: /door, on: [open, message], subprotocols: [v2, v1] } }
steps:
  - if: \${ request.connection.event == 'open' }
    switch:
    cases:
      - when: \${ request.query.token == 'good' }
        do: [ reply: { headers: { set-cookie: "seen=1" }, text: "you are in, \${ request.connection.protocol }" } ]
    default: [ reply: { status: 401, json: { error: who are you } } ]
  - reply: { body: "\${ input }" }
` });
  const bad = client(w, '/door?token=bad');
  await assert.rejects(bad.opened, /401/);
  const plain = await open(w.edgePort, '/door?token=bad');
  assert.equal(plain.status, 401);
  await until(() => plain.body().includes('who are you'), 'the answer of the run');
  plain.end();
  const good = client(w, '/door?token=good', ['v1', 'v2']);
  await good.opened;
  assert.equal(good.socket.protocol, 'v1', 'of those that the caller names the first');
  assert.equal(await good.next(), 'you are in, v1');
  good.socket.send('x');
  assert.equal(await good.next(), 'x');
  assert.equal(await metric(w, 'weir_websocket_connections'), 1);
});

test('a page of another site may not connect, unless it is listed', async (t) => {
  const pipeline = (name, more) => `
name: ${name}
trigger: { websocket: { path: /${name}${more} } }
steps: [ reply: { body: "\${ input }" } ]
`;
  const w = await start(t, { 'own.yaml': pipeline('own', ''), 'listed.yaml': pipeline('listed', ', origins: ["https://*.example", "null"]'), 'any.yaml': pipeline('any', ', origins: ["*"]') });
  const status = async (path, origin) => {
    const c = await open(w.edgePort, path, { more: origin ? `Origin: ${origin}\r\n` : '' });
    c.end();
    return c.status;
  };
  assert.equal(await status('/own'), 101);
  assert.equal(await status('/own', 'https://gateway.example'), 101);
  assert.equal(await status('/own', 'https://GATEWAY.example'), 101);
  for (const origin of ['https://evil.example', 'https://gateway.example.evil', 'https://gateway.example:8443', 'null', 'gateway.example'])
    assert.equal(await status('/own', origin), 403, origin);
  assert.equal(await status('/listed', 'https://app.example'), 101);
  assert.equal(await status('/listed', 'null'), 101);
  for (const origin of ['https://app.example.evil', 'http://app.example', 'https://gateway.evil']) assert.equal(await status('/listed', origin), 403, origin);
  assert.equal(await status('/any', 'https://evil.example'), 101);
  assert.equal(await metric(w, 'weir_websocket_refused_total', { reason: 'origin' }), 8);
});

test('ws.send, ws.join, ws.leave and ws.close reach a connection on any shard', async (t) => {
  const w = await start(t, { 'in.yaml': `
name: in
trigger: { websocket: { path: /in, on: [open], max_rooms: 2 } }
steps: [ ws.send: "\${ request.connection.id }" ]
`, 'do.yaml': `
name: do
trigger: { webhook: { path: /do } }
steps:
  - switch: \${ input.what }
    cases:
      send: [ ws.send: { to: "\${ input.to }", message: "\${ input.text }" } ]
      join: [ ws.join: { to: "\${ input.to }", room: "\${ input.room }" } ]
      leave: [ ws.leave: { to: "\${ input.to }", room: "\${ input.room }" } ]
      all: [ ws.broadcast: { room: "\${ input.room }", message: "\${ input.text }" } ]
    default: [ ws.close: { to: "\${ input.to }", code: 4000, reason: "\${ input.text }" } ]
  - reply: { json: null }
` }, { shards: 3 });
  const order = async (body) => {
    const r = await fetch(`${w.edge}/do`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    assert.equal(r.status, 200, await r.text());
  };
  const all = Array.from({ length: 6 }, () => client(w, '/in'));
  for (const c of all) { await c.opened; c.id = await c.next(); }
  for (const c of all) {
    await order({ what: 'send', to: c.id, text: 'only you' });
    assert.equal(await c.next(), 'only you');
    await order({ what: 'join', to: c.id, room: 'r' });
    await order({ what: 'send', to: c.id, text: 'joined' });
    assert.equal(await c.next(), 'joined');
  }
  await order({ what: 'all', room: 'r', text: 'to all' });
  for (const c of all) assert.equal(await c.next(), 'to all');
  for (const c of all.slice(0, 3)) {
    await order({ what: 'leave', to: c.id, room: 'r' });
    await order({ what: 'send', to: c.id, text: 'left' });
    assert.equal(await c.next(), 'left');
  }
  await order({ what: 'all', room: 'r', text: 'to the others' });
  for (const c of all.slice(3)) assert.equal(await c.next(), 'to the others');
  for (const c of all.slice(0, 3)) assert.equal(c.messages.length, 5);
  for (const c of all) {
    await order({ what: 'close', to: c.id, text: 'go' });
    assert.deepEqual(await c.closed, { code: 4000, reason: 'go' });
  }
  await order({ what: 'send', to: all[0].id, text: 'nobody' });
  await order({ what: 'send', to: 'nonsense', text: 'nobody' });
});

test('one that does not read is dropped, and the others go on', async (t) => {
  const w = await start(t, { 'chat.yaml': chat.replace('json: true', 'json: true, max_queue: 64KiB') });
  const sleeper = await open(w.edgePort, '/chat/a');
  await sleeper.next();
  const reader = client(w, '/chat/a');
  await reader.opened;
  await reader.next();
  sleeper.socket.pause();
  const text = 'x'.repeat(32 * 1024);
  let said = 0;
  await until(async () => {
    await fetch(`${w.edge}/chat/a/say`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text }) });
    said++;
    return await metric(w, 'weir_edge_refused_total', { reason: 'slow_reader' }) === 1;
  }, 'the one that does not read is dropped');
  await until(() => reader.messages.filter((m) => m.includes('"text"')).length === said, 'the other one has heard all');
  assert.ok(reader.messages.some((m) => m.includes('"left"')), 'and that it is gone');
  assert.equal(await metric(w, 'weir_websocket_connections'), 1);
  sleeper.end();
});

test('silence is answered by a ping, and no pong by the end', async (t) => {
  const w = await start(t, { 'quiet.yaml': `
name: quiet
trigger: { websocket: { path: /quiet, ping: 1s } }
steps: [ reply: { body: "\${ input }" } ]
` });
  const c = await open(w.edgePort, '/quiet');
  for (let i = 0; i < 2; i++) {
    assert.equal(name(await c.next()), 'ping');
    c.send(frame(PONG));
  }
  assert.equal(name(await c.next()), 'ping');
  assert.equal(await c.next(), null, 'without a pong it is cut');
  await until(async () => await metric(w, 'weir_websocket_closed_total', { code: '1006' }) === 1, 'it is counted');
});

test('one that says nothing for long, or too much at once, is closed', async (t) => {
  const w = await start(t, { 'idle.yaml': `
name: idle
trigger: { websocket: { path: /idle, idle_timeout: 300ms } }
steps: [ reply: { body: "\${ input }" } ]
`, 'fast.yaml': `
name: fast
trigger: { websocket: { path: /fast, rate: 3/60s } }
steps: [ reply: { body: "\${ input }" } ]
` });
  const idle = client(w, '/idle');
  assert.equal((await idle.closed).code, 1001);
  const fast = client(w, '/fast');
  await fast.opened;
  for (let i = 0; i < 4; i++) fast.socket.send(`${i}`);
  assert.equal((await fast.closed).code, 1008);
  assert.deepEqual(fast.messages, ['0', '1', '2']);
});

test('a reload leaves connections open, and the new pipeline takes their messages', async (t) => {
  const say = (text) => `
name: say
trigger: { websocket: { path: /say } }
steps: [ reply: { text: "${text}" } ]
`;
  const w = await start(t, { 'say.yaml': say('old'), 'gone.yaml': say('x').replace('name: say', 'name: gone').replace('/say', '/gone') });
  const c = client(w, '/say');
  const gone = client(w, '/gone');
  await c.opened;
  await gone.opened;
  c.socket.send('?');
  assert.equal(await c.next(), 'old');
  write(w.dir, { 'say.yaml': say('new'), 'gone.yaml': say('x').replace('name: say', 'name: gone').replace('/say', '/elsewhere') });
  process.kill(w.pid, 'SIGHUP');
  assert.equal((await gone.closed).code, 1001, 'whose path is gone is closed');
  c.socket.send('?');
  assert.equal(await c.next(), 'new');
});

test('a server that ends says 1001', async (t) => {
  const w = await start(t, { 'chat.yaml': chat }, { shards: 2 });
  const all = Array.from({ length: 6 }, () => client(w, '/chat/a'));
  for (const c of all) await c.opened;
  const ended = w.stop();
  for (const c of all) assert.deepEqual(await c.closed, { code: 1001, reason: 'this server is shutting down' });
  assert.equal((await ended).code, 0);
});

test('a failure is answered with its problem, and a body that is no JSON is refused without a run', async (t) => {
  const w = await start(t, { 'strict.yaml': `
name: strict
trigger: { websocket: { path: /strict, json: true } }
steps:
  - validate: { schema: { type: object, required: [text] } }
  - reply: { json: { ok: true } }
` });
  const c = client(w, '/strict');
  await c.opened;
  c.socket.send('{"tex":1}');
  const problem = await c.json();
  assert.equal(problem.status, 422);
  assert.equal(problem.type, 'urn:weir:problem:invalid');
  c.socket.send('{"text"');
  assert.equal((await c.json()).status, 400);
  c.socket.send('{"text":"x"}');
  assert.deepEqual(await c.json(), { ok: true });
  assert.equal(await metric(w, 'weir_runs_total', { pipeline: 'strict' }), 2);
});

test('a streamed answer goes out piece by piece, as text with whole characters, or as bytes', async (t) => {
  let go;
  const up = await upstream(t, (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (request.url === '/bytes') return response.end(Buffer.from([1, 2, 255]));
    if (request.url === '/cut') { response.write('some'); return go = () => response.destroy(); }
    response.write('data: one\n\n');
    go = (text) => (text ? response.write(text) : response.end());
  });
  const w = await start(t, { 'llm.yaml': `
name: llm
trigger: { websocket: { path: /llm } }
steps:
  - id: ask
    http: { url: "${up.url}/\${ input }", stream: true }
  - reply: { body: "\${ steps.ask.body }" }
` });
  const c = client(w, '/llm');
  await c.opened;
  c.socket.send('text');
  assert.equal(await c.next(), 'data: one\n\n');
  const euro = Buffer.from('€');
  go(Buffer.concat([Buffer.from('data: 5'), euro.subarray(0, 1)]));
  assert.equal(await c.next(), 'data: 5');
  go(Buffer.concat([euro.subarray(1), Buffer.from('\n\n')]));
  assert.equal(await c.next(), '€\n\n');
  const pong = new Promise((done) => c.socket.once('pong', done));
  c.socket.ping();
  await pong; // also while a stream is under way
  go();
  c.socket.send('bytes');
  assert.deepEqual(await c.next(), Buffer.from([1, 2, 255]));
  c.socket.send('cut');
  assert.equal(await c.next(), 'some');
  go();
  assert.equal((await c.closed).code, 1011);
});

test('all of it goes over TLS, with messages of megabytes in both directions at once', async (t) => {
  const dir = folder(t);
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-keyout', `${dir}/key.pem`, '-out', `${dir}/cert.pem`, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  const w = await start(t, { 'echo.yaml': `
name: echo
trigger: { websocket: { path: /echo, max_message: 16MiB } }
steps: [ reply: { body: "\${ input }" } ]
` }, { args: ['--set', 'edge.tls.listen=127.0.0.1:0', '--set', `edge.tls.cert=${dir}/cert.pem`, '--set', `edge.tls.key=${dir}/key.pem`] });
  const port = (await w.log((l) => / is ready$/.test(l.msg))).tls_port;
  const c = client({ edge: `https://localhost:${port}` }, '/echo', [], { ca: readFileSync(`${dir}/cert.pem`) });
  await c.opened;
  const sizes = [1, 100, 16384, 16385, 65536, 3_000_000, 1, 4_000_000, 5];
  for (const [i, n] of sizes.entries()) c.socket.send(Buffer.alloc(n, i));
  for (const [i, n] of sizes.entries()) {
    const got = await c.next();
    assert.equal(got.length, n);
    assert.ok(got.every((b) => b === i));
    c.socket.ping();
  }
  c.socket.close(1000);
  assert.equal((await c.closed).code, 1000);
});

test('rooms and connections reach over gateways through Redis, also after it was away', async (t) => {
  const r = await redis(t);
  const pipelines = { 'chat.yaml': chat, 'do.yaml': `
name: do
trigger: { webhook: { path: /do } }
steps:
  - switch: \${ input.what }
    cases:
      send: [ ws.send: { to: "\${ input.to }", message: "\${ input.text }" } ]
    default: [ ws.close: { to: "\${ input.to }", code: 4000, reason: "\${ input.text }" } ]
` };
  const post = async (w, path, body) => {
    const answer = await fetch(`${w.edge}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    assert.equal(answer.status, 200, await answer.text());
  };
  const env = { WEIR_WS_REDIS: r.url };
  const [a, b] = [await start(t, pipelines, { shards: 2, env }), await start(t, pipelines, { shards: 2, env })];
  const numSub = async () => Number((await r.command('PUBSUB', 'NUMSUB', 'weir:ws'))[1]);
  await until(async () => await numSub() === 4, 'all shards listen');
  const here = client(a, '/chat/a'), there = client(b, '/chat/a');
  const ids = [];
  for (const c of [here, there]) { await c.opened; ids.push((await c.json()).you); }
  await post(a, '/chat/a/say', { text: 'from a: "ä€😀"' });
  for (const c of [here, there]) assert.deepEqual(await c.json(), { text: 'from a: "ä€😀"' });
  there.socket.send('{"text":"from b"}');
  assert.deepEqual(await here.json(), { text: 'from b' }, 'except its sender, once each');
  await post(a, '/do', { what: 'send', to: ids[1], text: 'only you' });
  assert.equal(await there.next(), 'only you');
  await r.stop();
  await post(a, '/chat/a/say', { text: 'alone' });
  assert.deepEqual(await here.json(), { text: 'alone' });
  await r.start();
  await until(async () => await numSub() === 4, 'all shards listen again');
  await until(async () => { await post(a, '/chat/a/say', { text: 'again' }); return there.messages.length > 3; }, 'the other one hears again');
  assert.deepEqual(await there.json(), { text: 'again' });
  await post(a, '/do', { what: 'close', to: ids[1], text: 'from far away' });
  assert.deepEqual(await there.closed, { code: 4000, reason: 'from far away' });
});
