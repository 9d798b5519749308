// A WebSocket client that sends any bytes as frames, and keeps the frames that it gets.
import net from 'node:net';
import { createHash, randomBytes } from 'node:crypto';

export const TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10, CONT = 0;

/** The bytes of one frame, as a client sends it. */
export function frame(opcode, payload = '', { fin = true, rsv = 0, mask = true, length } = {}) {
  const body = Buffer.from(payload);
  const n = length ?? body.length;
  const head = [(fin ? 0x80 : 0) | rsv << 4 | opcode];
  const bit = mask ? 0x80 : 0;
  if (n < 126) head.push(bit | n);
  else if (n < 65536) head.push(bit | 126, n >> 8, n & 255);
  else head.push(bit | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((s) => (n / 2 ** s) & 255));
  if (!mask) return Buffer.concat([Buffer.from(head), body]);
  const key = randomBytes(4);
  const masked = Buffer.allocUnsafe(body.length);
  for (let i = 0; i < body.length; i++) masked[i] = body[i] ^ key[i & 3];
  return Buffer.concat([Buffer.from(head), key, masked]);
}

/** The payload of a close frame. */
export const closing = (code, reason = '') => Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);

/** The head of a handshake; MORE and OTHER are header lines, '' leaves one out. */
export const handshake = (path, { key = 'dGhlIHNhbXBsZSBub25jZQ==', version = '13', upgrade = 'websocket', connection = 'Upgrade', method = 'GET', http = '1.1', more = '' } = {}) =>
  `${method} ${path} HTTP/${http}\r\nHost: gateway.example\r\n` +
  (upgrade && `Upgrade: ${upgrade}\r\n`) + (connection && `Connection: ${connection}\r\n`) +
  (key && `Sec-WebSocket-Key: ${key}\r\n`) + (version && `Sec-WebSocket-Version: ${version}\r\n`) + `${more}\r\n`;

export const acceptOf = (key) => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

/**
 * Opens a WebSocket: { head, frames, send(...buffers), next(), until(n), ended, code, socket }. FRAMES are { opcode, fin, payload }.
 * next() is the next one that was not asked for yet, and null at the end of the connection.
 */
export async function open(port, path, options = {}) {
  const c = { head: null, frames: [], taken: 0, closed: false, error: null };
  let rest = Buffer.alloc(0);
  let waiting = [];
  const look = () => { waiting = waiting.filter((w) => !w()); };
  const when = (ready, value) => new Promise((done) => {
    const w = () => { if (!ready()) return false; done(value()); return true; };
    if (!w()) waiting.push(w);
  });
  c.socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  c.socket.on('error', (e) => { c.error = e; });
  c.socket.on('data', (d) => {
    rest = rest.length ? Buffer.concat([rest, d]) : d;
    if (c.head === null) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      c.head = rest.subarray(0, end + 4).toString('latin1');
      rest = rest.subarray(end + 4);
      c.status = Number(c.head.split(' ')[1]);
    }
    while (c.status === 101 && rest.length >= 2) {
      let n = rest[1] & 127, at = 2;
      if (n === 126) { if (rest.length < 4) break; n = rest.readUInt16BE(2); at = 4; }
      else if (n === 127) { if (rest.length < 10) break; n = Number(rest.readBigUInt64BE(2)); at = 10; }
      if (rest.length < at + n) break;
      if (rest[1] & 128) throw new Error('a server masks nothing');
      c.frames.push({ opcode: rest[0] & 15, fin: rest[0] >= 128, rsv: rest[0] >> 4 & 7, payload: rest.subarray(at, at + n) });
      rest = rest.subarray(at + n);
    }
    look();
  });
  c.ended = new Promise((done) => c.socket.once('close', () => { c.closed = true; look(); done(c); }));
  c.send = (...parts) => c.socket.write(Buffer.concat(parts));
  c.next = () => when(() => c.frames.length > c.taken || c.closed, () => c.frames[c.taken++] ?? null);
  c.body = () => rest.toString();
  c.end = () => c.socket.destroy();
  c.socket.write(handshake(path, options));
  if (options.early) c.socket.write(options.early);
  await when(() => c.head !== null || c.closed, () => null);
  return c;
}

/** A frame as tests name it: 'text hello', 'pong abc', 'close 1002'. */
export function name(f) {
  if (f === null) return 'end';
  const kind = { [TEXT]: 'text', [BINARY]: 'binary', [CLOSE]: 'close', [PING]: 'ping', [PONG]: 'pong', [CONT]: 'cont' }[f.opcode] ?? f.opcode;
  if (f.opcode === CLOSE) return f.payload.length < 2 ? 'close' : `close ${f.payload.readUInt16BE(0)}`;
  return `${kind} ${f.payload.length > 60 ? `of ${f.payload.length}` : f.payload.toString()}`.trim();
}

/** All frames until the end of the connection, by name. */
export async function all(c) {
  const names = [];
  for (let f; (f = await c.next()) !== null;) names.push(name(f));
  return names;
}
