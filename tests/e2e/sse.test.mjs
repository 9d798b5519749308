// Event streams in pipelines: who may open one, what it hears, rooms over shards and gateways, the end.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import http2 from 'node:http2';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import WebSocket from 'ws';
import { start, metric, until, write, folder } from './lib/weir.mjs';
import { redis } from './lib/redis.mjs';

/** Reads an event stream as WHATWG HTML 9.2.6 says: parser(onEvent, onComment) takes text. */
const parser = (event, comment) => {
  let rest = '', data = '', type = '', id = '', retry;
  const line = (text) => {
    if (text === '') {
      if (data !== '') event({ type: type || 'message', data: data.slice(0, -1), id, retry });
      data = type = '';
      return;
    }
    const [, name, value] = /^([^:]*):? ?([^]*)$/.exec(text);
    if (name === '' && text[0] === ':') return comment(value);
    if (name === 'event') type = value;
    if (name === 'data') data += `${value}\n`;
    if (name === 'id' && !value.includes('\0')) id = value;
    if (name === 'retry' && /^\d+$/.test(value)) retry = Number(value);
  };
  return (text) => {
    rest += text;
    for (let m; (m = /\r\n|\n|\r(?!$)/.exec(rest));) {
      const one = rest.slice(0, m.index);
      rest = rest.slice(m.index + m[0].length);
      line(one);
    }
  };
};

/** What a client of an event stream has: { status, headers, next(), events, comments, ended }. */
const reader = () => {
  const c = { events: [], comments: [], taken: 0, waiting: [], bytes: 0 };
  const look = () => { while (c.waiting.length && c.events.length > c.taken) c.waiting.shift()(c.events[c.taken++]); };
  const take = parser((e) => { c.events.push(e); look(); }, (text) => c.comments.push(text));
  c.take = (text) => { c.bytes += text.length; take(text); };
  c.next = () => new Promise((done, fail) => { c.waiting.push(done); look(); c.ended.then(() => fail(new Error('ended'))); });
  return c;
};

/** Opens one over HTTP/1.1. */
const listen = (w, path, headers = {}) => new Promise((done, fail) => {
  const c = reader();
  const request = http.get(`${w.edge}${path}`, { headers, agent: false }, (response) => {
    c.status = response.statusCode;
    c.headers = response.headers;
    c.response = response;
    response.setEncoding('utf8').on('data', c.take);
    c.ended = new Promise((over) => response.on('close', () => over(response.complete)));
    done(c);
  });
  c.stop = () => request.destroy();
  request.on('error', fail);
});

const post = async (w, path, body) => {
  const r = await fetch(`${w.edge}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  assert.equal(r.status, 200, await r.text());
};

const news = (more = '') => `
name: news
trigger:
  - sse: { path: "/news/{room}", rooms: ["news/{room}"]${more} }
  - websocket: { path: "/ws/{room}", rooms: ["news/{room}"] }
  - webhook: { path: "/say/{room}" }
steps:
  - ws.broadcast:
      room: news/\${ request.params.room }
      message: \${ input.text }
      event: \${ input.event ?? '' }
      id: \${ input.id ?? '' }
  - reply: { json: null }
`;

test('what is said in a room is heard by event streams and WebSockets, on all shards', async (t) => {
  const w = await start(t, { 'news.yaml': news(', retry: 1500ms') }, { shards: 4 });
  const all = await Promise.all(Array.from({ length: 16 }, () => listen(w, '/news/a')));
  const other = await listen(w, '/news/b');
  const socket = new WebSocket(`${w.edge.replace('http', 'ws')}/ws/a`);
  await new Promise((done) => socket.on('open', done));
  const heard = [];
  socket.on('message', (data) => heard.push(data.toString()));
  assert.equal(all[0].status, 200);
  assert.equal(all[0].headers['content-type'], 'text/event-stream');
  assert.equal(all[0].headers['cache-control'], 'no-store');
  const texts = ['one', 'two\nlines', 'a\r\nb\rc\n', '', ' a blank: first', 'zero\0byte', '😀'];
  for (const [i, text] of texts.entries()) await post(w, '/say/a', { text, event: i % 2 ? 'odd' : '', id: i });
  for (const c of all)
    for (const [i, text] of texts.entries())
      assert.deepEqual(await c.next(), { type: i % 2 ? 'odd' : 'message', data: text.replace(/\r\n?/g, '\n'), id: `${i}`, retry: 1500 });
  await until(() => heard.length === texts.length, 'the WebSocket has heard all');
  assert.deepEqual(heard, texts);
  assert.equal(other.events.length, 0);
  await post(w, '/say/a', { text: { json: [1] } });
  assert.equal((await all[3].next()).data, '{"json":[1]}');
  assert.equal(await metric(w, 'weir_sse_connections'), 17);
  for (const c of all) c.stop();
  await until(async () => await metric(w, 'weir_sse_connections') === 1, 'those that went are not counted');
  assert.equal(await metric(w, 'weir_sse_closed_total', { code: '1006' }), 16);
  socket.close();
});

test('the run of open refuses, or is the first event; it knows the last one that was heard, and close comes at the end', async (t) => {
  const w = await start(t, { 'door.yaml': `
name: door
trigger:
  - sse: { path: /door, on: [open, close], max_connections: 2 }
  - webhook: { path: /end }
steps:
  - switch: \${ request.connection?.event ?? 'end' }
    cases:
      open:
        - if: \${ request.query?.token != 'good' }
          reply: { status: 401, json: { error: who are you } }
        - ws.join: "\${ request.query.room }"
        - ws.send: { message: early, event: first, id: e1 }
        - reply: { headers: { set-cookie: seen=1, content-type: text/plain }, json: { last: "\${ request.connection.last_event_id ?? 'none' }", kind: "\${ request.connection.kind }" } }
      close:
        - ws.broadcast: { room: a, message: { gone: "\${ request.connection.code }" } }
    default:
      - ws.close: { to: "\${ input.to }" }
      - reply: { json: null }
` }, { shards: 2 });
  const bad = await listen(w, '/door');
  assert.equal(bad.status, 401);
  const c = await listen(w, '/door?token=good&room=a', { 'Last-Event-ID': 'n41' });
  assert.equal(c.headers['content-type'], 'text/event-stream');
  assert.deepEqual(c.headers['set-cookie'], ['seen=1']);
  assert.deepEqual(await c.next(), { type: 'first', data: 'early', id: 'e1', retry: undefined });
  assert.equal((await c.next()).data, '{"last":"n41","kind":"sse"}');
  const d = await listen(w, '/door?token=good&room=b');
  assert.equal(JSON.parse((await d.next(), await d.next()).data).last, 'none');
  const full = await listen(w, '/door?token=good&room=b');
  assert.equal(full.status, 503);
  assert.ok(Number(full.headers['retry-after']) > 0);
  assert.equal(await metric(w, 'weir_sse_refused_total', { reason: 'connections' }), 1);
  d.stop();
  assert.equal((await c.next()).data, '{"gone":1006}');
  await until(async () => {
    const e = await listen(w, '/door?token=good&room=b');
    e.stop();
    return e.status === 200;
  }, 'the place is free again');
});

const keyed = () => {
  const key = 'wk_for-a-test';
  const auth = { api_key: { query: 'key', keys: [{ name: 'acme', hash: `sha256:${createHash('sha256').update(key).digest('hex')}` }] } };
  return { key, auth: JSON.stringify(auth) };
};

test('auth is asked before anything is opened, of event streams and of WebSockets, and known to all their runs', async (t) => {
  const { key, auth } = keyed();
  const password = JSON.stringify([{ basic: { users: [{ name: 'ada', password: 'good' }] } }, JSON.parse(auth)]);
  const w = await start(t, { 'in.yaml': `
name: in
trigger:
  - sse: { path: /sse, on: [open, close], rooms: ["user/\${ request.auth.name }", "\${ request.query?.q }"], auth: ${auth} }
  - websocket: { path: /ws, on: [open, message, close], rooms: ["user/\${ request.auth.name }"], auth: ${password} }
  - webhook: { path: /say }
steps:
  - if: \${ request.connection == null }
    ws.broadcast: { room: "\${ input.room }", message: "\${ input.text }" }
  - if: \${ request.connection?.event == 'close' }
    ws.broadcast: { room: user/watch, message: "\${ 'closed by ' + request.auth.name }" }
  - reply: { json: { auth: "\${ request.auth?.name }", query: "\${ request.query }", header: "\${ request.headers.authorization ?? '' }" } }
` });
  for (const path of ['/sse?q=1', '/sse?q=1&key=wrong', '/ws', '/ws?key=wrong']) {
    const r = await listen(w, path, path[1] === 'w' ? { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': 13, 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' } : {});
    assert.equal(r.status, 401, path);
    assert.match(r.headers['www-authenticate'], /ApiKey query="key"/);
    await r.ended;
  }
  assert.equal(await metric(w, 'weir_sse_refused_total', { reason: 'auth' }), 2);
  assert.equal(await metric(w, 'weir_websocket_refused_total', { reason: 'auth' }), 2);
  const nameless = await listen(w, `/sse?key=${key}`);
  assert.equal(nameless.status, 400, 'a room without a name');
  const c = await listen(w, `/sse?q=1&key=${key}`);
  assert.deepEqual(JSON.parse((await c.next()).data), { auth: 'acme', query: { q: '1' }, header: '' });
  const socket = new WebSocket(`${w.edge.replace('http', 'ws')}/ws`, { auth: 'ada:good' });
  const heard = [];
  socket.on('message', (data) => heard.push(data.toString()));
  await until(() => heard.length === 1, 'the reply to open');
  socket.send('x');
  await until(() => heard.length === 2, 'the reply to a message');
  for (const text of heard) assert.deepEqual(JSON.parse(text), { auth: 'ada', query: {}, header: '' });
  await post(w, '/say', { room: 'user/acme', text: 'for acme' });
  await post(w, '/say', { room: '1', text: 'for q' });
  await post(w, '/say', { room: 'user/ada', text: 'for ada' });
  assert.equal((await c.next()).data, 'for acme');
  assert.equal((await c.next()).data, 'for q');
  await until(() => heard[2] === 'for ada', 'the room of the WebSocket');
  socket.close();
});

test('pages of other sites are let in by cors alone', async (t) => {
  const w = await start(t, { 'own.yaml': news(), 'cors.yaml': news(', cors: { origins: ["https://*.example"] }').replace('name: news', 'name: cors').replaceAll('path: "/', 'path: "/cors/') });
  const host = new URL(w.edge).host;
  for (const [path, origin, status] of [['/news/a', `http://${host}`, 200], ['/news/a', 'https://app.example', 403], ['/cors/news/a', 'https://app.example', 200], ['/cors/news/a', 'https://evil.test', 403], ['/cors/news/a', `http://${host}`, 200]]) {
    const c = await listen(w, path, { origin });
    assert.equal(c.status, status, `${path} ${origin}`);
    assert.equal(c.headers['access-control-allow-origin'], path[1] === 'c' && origin.endsWith('.example') ? origin : undefined);
    c.stop();
  }
  const asked = await fetch(`${w.edge}/cors/news/a`, { method: 'OPTIONS', headers: { origin: 'https://app.example', 'access-control-request-method': 'GET' } });
  assert.equal(asked.status, 204);
  assert.equal(asked.headers.get('access-control-allow-methods'), 'GET');
  assert.equal((await fetch(`${w.edge}/cors/news/a`, { method: 'OPTIONS' })).status, 405);
  assert.equal((await fetch(`${w.edge}/news/a`, { method: 'POST' })).status, 405);
});

test('a silence is filled with comments, and a stream ends when it is old, or the path or the server goes', async (t) => {
  const w = await start(t, { 'news.yaml': news(', keep_alive: 50ms'), 'old.yaml': news(', max_age: 200ms, keep_alive: 0s').replace('name: news', 'name: old').replaceAll('path: "/', 'path: "/old/') });
  const c = await listen(w, '/news/a');
  await until(() => c.comments.length > 2, 'comments');
  assert.equal(c.events.length, 0);
  const old = await listen(w, '/old/news/a');
  assert.equal(await old.ended, true, 'it ends whole');
  assert.equal(old.bytes, 0);
  assert.equal(await metric(w, 'weir_sse_closed_total', { code: '1000' }), 1);
  const gone = await listen(w, '/news/a');
  write(w.dir, { 'news.yaml': news().replaceAll('path: "/', 'path: "/new/') });
  process.kill(w.pid, 'SIGHUP');
  assert.equal(await gone.ended, true);
  const last = await listen(w, '/new/news/a');
  const ended = w.stop();
  assert.equal(await last.ended, true);
  assert.equal((await ended).code, 0);
});

test('one that does not read is cut, and costs no memory; the others go on', async (t) => {
  const w = await start(t, { 'news.yaml': news(', max_queue: 64KiB') });
  const sleeper = await listen(w, '/news/a');
  sleeper.response.pause();
  const c = await listen(w, '/news/a');
  const text = 'x'.repeat(32 * 1024);
  let said = 0;
  await until(async () => {
    await post(w, '/say/a', { text });
    said++;
    return await metric(w, 'weir_edge_refused_total', { reason: 'slow_reader' }) === 1;
  }, 'the one that does not read is cut');
  await until(() => c.events.length === said, 'the other one has heard all');
  await until(async () => await metric(w, 'weir_sse_closed_total', { code: '1008' }) === 1, 'it is counted');
  assert.equal(await metric(w, 'weir_sse_connections'), 1);
  sleeper.stop();
});

test('it goes over HTTP/2 and TLS, many on one connection, and a slow one holds up no other', async (t) => {
  const dir = folder(t);
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-keyout', `${dir}/key.pem`, '-out', `${dir}/cert.pem`, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  const w = await start(t, { 'news.yaml': news(', max_queue: 256KiB, keep_alive: 50ms') }, { shards: 2, args: ['--set', 'edge.tls.listen=127.0.0.1:0', '--set', `edge.tls.cert=${dir}/cert.pem`, '--set', `edge.tls.key=${dir}/key.pem`] });
  const port = (await w.log((l) => / is ready$/.test(l.msg))).tls_port;
  const session = http2.connect(`https://localhost:${port}`, { ca: readFileSync(`${dir}/cert.pem`) });
  t.after(() => session.destroy());
  const open = () => new Promise((done, fail) => {
    const c = reader();
    c.stream = session.request({ ':path': '/news/a', origin: `https://localhost:${port}` });
    c.ended = new Promise((over) => c.stream.on('close', () => over(c.stream.rstCode)));
    c.stream.on('response', (headers) => { c.status = headers[':status']; done(c); }).on('error', fail);
    c.stream.setEncoding('utf8').on('data', c.take);
  });
  const all = await Promise.all(Array.from({ length: 20 }, open));
  const sleeper = await open();
  sleeper.stream.pause();
  assert.equal(all[0].status, 200);
  const text = 'y'.repeat(40_000);
  for (let i = 0; i < 20; i++) {
    await post(w, '/say/a', { text: `${i} ${text}`, id: i });
    for (const c of all) assert.equal((await c.next()).id, `${i}`);
  }
  await until(async () => await metric(w, 'weir_sse_closed_total', { code: '1008' }) === 1, 'the one that does not read is cut');
  sleeper.stream.resume();
  assert.notEqual(await sleeper.ended, 0);
  await until(() => all[0].comments.length > 1, 'comments');
  all[0].stream.close();
  await until(async () => await metric(w, 'weir_sse_connections') === 19, 'the one that left');
  const ended = w.stop();
  for (const c of all.slice(1)) assert.equal(await c.ended, 0);
  assert.equal((await ended).code, 0);
});

test('rooms reach over gateways through Redis, with the names and ids of events', async (t) => {
  const r = await redis(t);
  const env = { WEIR_WS_REDIS: r.url };
  const [a, b] = [await start(t, { 'news.yaml': news() }, { shards: 2, env }), await start(t, { 'news.yaml': news() }, { shards: 2, env })];
  await until(async () => Number((await r.command('PUBSUB', 'NUMSUB', 'weir:ws'))[1]) === 4, 'all shards listen');
  const [here, there] = [await listen(a, '/news/a'), await listen(b, '/news/a')];
  await post(a, '/say/a', { text: 'über\nall', event: 'news', id: '7' });
  for (const c of [here, there]) assert.deepEqual(await c.next(), { type: 'news', data: 'über\nall', id: '7', retry: undefined });
  for (const c of [here, there]) c.stop();
});
