// HTTP/2 frame by frame over a socket, for what no client of good manners does (RFC 9113, RFC 7541).
import net from 'node:net';

export const type = { DATA: 0, HEADERS: 1, PRIORITY: 2, RST_STREAM: 3, SETTINGS: 4, PUSH_PROMISE: 5, PING: 6, GOAWAY: 7, WINDOW_UPDATE: 8, CONTINUATION: 9 };
export const flag = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 };
export const error = { NO_ERROR: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2, FLOW_CONTROL_ERROR: 3, SETTINGS_TIMEOUT: 4, STREAM_CLOSED: 5, FRAME_SIZE_ERROR: 6, REFUSED_STREAM: 7,
  CANCEL: 8, COMPRESSION_ERROR: 9, CONNECT_ERROR: 10, ENHANCE_YOUR_CALM: 11 };
export const setting = { HEADER_TABLE_SIZE: 1, ENABLE_PUSH: 2, MAX_CONCURRENT_STREAMS: 3, INITIAL_WINDOW_SIZE: 4, MAX_FRAME_SIZE: 5, MAX_HEADER_LIST_SIZE: 6 };
export const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

const bytes = (b) => (typeof b === 'string' ? Buffer.from(b, 'latin1') : b);

/** A frame; LENGTH instead of the payload's own makes a wrong one. */
export function frame(kind, flags, stream, payload = Buffer.alloc(0), length = bytes(payload).length) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = kind;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes(payload)]);
}

/** A number behind a prefix of BITS bits, whose other bits are MARK. */
export function integer(mark, bits, n) {
  const max = 2 ** bits - 1;
  if (n < max) return Buffer.from([mark | n]);
  const out = [mark | max];
  for (n -= max; n >= 128; n = Math.floor(n / 128)) out.push((n % 128) | 128);
  return Buffer.from([...out, n]);
}

const string = (s) => { const b = bytes(s); return Buffer.concat([integer(0, 7, b.length), b]); };

/** Fields ([name, value] pairs, in order) as literals; INDEXED: each goes into the table. */
export function fields(list, indexed = false) {
  return Buffer.concat(list.flatMap(([name, value]) => [Buffer.from([indexed ? 0x40 : 0]), string(name), string(value)]));
}

/** The pseudo fields of a request. */
export const request = (path = '/', method = 'GET') => [[':method', method], [':scheme', 'http'], [':path', path], [':authority', 'a']];

export function headers(stream, list, flags = flag.END_STREAM | flag.END_HEADERS) {
  return frame(type.HEADERS, flags, stream, Buffer.isBuffer(list) ? list : fields(list));
}
export const data = (stream, payload, flags = 0) => frame(type.DATA, flags, stream, payload);
export const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n >>> 0); return b; };
export const rst = (stream, code = error.CANCEL) => frame(type.RST_STREAM, 0, stream, u32(code));
export const ping = (flags = 0) => frame(type.PING, flags, 0, '12345678');
export const window = (stream, n) => frame(type.WINDOW_UPDATE, 0, stream, u32(n));
export const settings = (pairs = [], flags = 0) => frame(type.SETTINGS, flags, 0,
  Buffer.concat(pairs.map(([k, v]) => Buffer.concat([Buffer.from([k >> 8, k & 255]), u32(v)]))));

/** Three digits of Huffman's code (RFC 7541, appendix B). */
function digits(b) {
  const codes = new Map([...'0123456789'].map((d, n) => [n < 3 ? n.toString(2).padStart(5, '0') : `011${(n - 2).toString(2).padStart(3, '0')}`, d]));
  let bits = [...b].map((x) => x.toString(2).padStart(8, '0')).join('');
  let out = '';
  while (out.length < 3) {
    const length = codes.has(bits.slice(0, 5)) ? 5 : 6;
    out += codes.get(bits.slice(0, length));
    bits = bits.slice(length);
  }
  return out;
}

/** The status that a header block begins with, from a peer that was allowed no table. */
export function status(block) {
  let at = 0;
  while ((block[at] & 0xe0) === 0x20) at++; // the size of the table
  const known = { 0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500 }[block[at]];
  if (known) return known;
  const length = block[at + 1] & 0x7f;
  const text = block.subarray(at + 2, at + 2 + length);
  if ([0x08, 0x18, 0x48].includes(block[at])) return Number(block[at + 1] & 0x80 ? digits(text) : text);
  throw new Error(`no plain status: ${block.toString('hex')}`);
}

/**
 * A connection: { write(...frames), frames, until(predicate), answer(stream), goaway(), ended, closed, end }. It says
 * the preface and SETTINGS (no table, and what is in PAIRS) and acknowledges the other side's; GREET false: nothing.
 */
export async function open(port, pairs = [], { greet = true, manners = true } = {}) {
  const c = { frames: [], closed: false, error: null, waiting: [], taken: 0 };
  let rest = Buffer.alloc(0);
  const look = () => { c.waiting = c.waiting.filter(({ found, done }) => { const f = found(); if (!f) return true; done(f); return false; }); };
  c.socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  c.socket.on('error', (e) => { c.error = e; });
  c.ended = new Promise((done) => c.socket.once('close', () => { c.closed = true; look(); done(c.frames); }));
  c.write = (...list) => new Promise((done) => { c.socket.write(Buffer.concat(list.map(bytes)), () => done()); });
  c.socket.on('data', (d) => {
    c.taken += d.length;
    rest = Buffer.concat([rest, d]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const length = rest.readUIntBE(0, 3);
      const f = { type: rest[3], flags: rest[4], stream: rest.readUInt32BE(5) & 0x7fffffff, payload: Buffer.from(rest.subarray(9, 9 + length)) };
      rest = rest.subarray(9 + length);
      c.frames.push(f);
      if (manners && f.type === type.SETTINGS && !(f.flags & flag.ACK)) c.socket.write(settings([], flag.ACK));
    }
    look();
  });
  // The first frame, here or to come, that MATCHES; an error if the connection ends before.
  c.until = (matches) => new Promise((done, fail) => {
    const found = () => c.frames.find(matches);
    if (found()) return done(found());
    c.waiting.push({ found, done });
    c.ended.then(() => { if (!found()) fail(new Error(`the connection ended before that frame: ${JSON.stringify(c.frames.slice(-8))}`)); });
  });
  // { status, body } or { reset: code } of a stream.
  c.answer = async (stream) => {
    const over = (f) => f.stream === stream && ((f.flags & flag.END_STREAM && (f.type === type.DATA || f.type === type.HEADERS)) || f.type === type.RST_STREAM);
    const last = await c.until(over);
    const of = (kind) => c.frames.filter((f) => f.stream === stream && f.type === kind);
    if (last.type === type.RST_STREAM) return { reset: last.payload.readUInt32BE(0) };
    const heads = of(type.HEADERS).map((f) => status(f.payload)).filter((s) => s >= 200);
    return { status: heads[0], body: Buffer.concat(of(type.DATA).map((f) => f.payload)).toString('latin1') };
  };
  // The code of the GOAWAY that the connection ended with; undefined: there was none.
  c.goaway = async () => {
    await c.ended;
    const all = c.frames.filter((f) => f.type === type.GOAWAY);
    return all.length > 0 ? all[all.length - 1].payload.readUInt32BE(4) : undefined;
  };
  c.end = () => c.socket.destroy();
  await new Promise((done, fail) => { c.socket.once('connect', done); c.socket.once('error', fail); });
  if (greet) await c.write(preface, settings([[setting.HEADER_TABLE_SIZE, 0], ...pairs]));
  return c;
}
