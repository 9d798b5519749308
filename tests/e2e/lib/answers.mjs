// HTTP/1.1 answers by rule: a reader of what an upstream sent until it closed, made of regular expressions alone (RFC 9110,
// RFC 9112, and what the client is stricter in), and mutations of good answers at every place. Streams are latin1 text.
import { atEachPlace, ofLines, readBody, fieldLine, token, text, trimmed } from './grammar.mjs';

const statusLine = new RegExp(`^HTTP/1\\.([01]) ([1-9]\\d\\d)(?: (${text}*))?\\r\\n`);
const framing = new Set(['host', 'expect', 'connection', 'content-length', 'transfer-encoding']);
const INTERIM = 16;

function readHead(stream) {
  const line = statusLine.exec(stream);
  if (!line) return null;
  const h = { minor: Number(line[1]), status: Number(line[2]), fields: 0, rest: stream.slice(line[0].length) };
  for (let m; (m = fieldLine.exec(h.rest)); h.rest = h.rest.slice(m[0].length)) {
    const [name, value] = [m[1].toLowerCase(), trimmed(m[2])];
    if (++h.fields > 128 || (framing.has(name) && m[0].includes('\t'))) return null;
    if (name === 'content-length') {
      if (h.length !== undefined || !/^\d{1,19}$/.test(value) || BigInt(value) > 0x7fffffffffffffffn) return null;
      h.length = Number(value);
    } else if (name === 'transfer-encoding') {
      if (h.chunked || value.toLowerCase() !== 'chunked') return null;
      h.chunked = true;
    } else if (name === 'content-encoding') {
      h.encoding = value.toLowerCase();
    } else if (name === 'connection') {
      for (const option of value.split(',').map((o) => o.replace(/^ +| +$/g, '').toLowerCase()))
        if (option !== '' && (!new RegExp(`^${token}+$`).test(option) || ['host', 'content-length', 'transfer-encoding'].includes(option))) return null;
    }
  }
  if (!h.rest.startsWith('\r\n') || (h.chunked && (h.length !== undefined || h.minor === 0))) return null;
  h.rest = h.rest.slice(2);
  return h;
}

/** The answer to a GET in STREAM, which is all until the end: { status, body }; null: it is none. */
export function readAnswer(stream) {
  let h = readHead(stream);
  for (let n = 0; h && h.status < 200; n++) {
    if (h.status === 101 || n === INTERIM || h.chunked || h.length > 0) return null;
    h = readHead(h.rest);
  }
  if (!h) return null;
  if (h.status === 204 || h.status === 304) return { status: h.status, body: '' };
  if (!h.chunked && h.length === undefined) return { status: h.status, body: h.rest };
  const b = readBody(h);
  return b && { status: h.status, body: b.body };
}

const sized = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello';
const chunked = 'HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b;c="d\\"e"\r\nhel\r\n02;f\r\nlo\r\n0\r\nT-One: v\r\nU:\r\n\r\n';
const interim = 'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 404 x\r\nContent-Length: 2\r\n\r\nno';
const old = 'HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello';
const none = 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 100\r\n\r\n';
export const seeds = { sized, chunked, interim, old, none };

/** Every mutation: { rule, stream }. */
export function* mutations() {
  for (const [name, seed] of Object.entries(seeds)) {
    for (const stream of atEachPlace(seed)) yield { rule: `a byte of ${name}`, stream };
    for (const stream of ofLines(seed)) yield { rule: `a line of ${name}`, stream };
  }
}
