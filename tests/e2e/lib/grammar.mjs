// HTTP/1.1 requests by rule: a reader of streams of requests that is made of regular expressions alone (RFC 9110,
// RFC 9112, RFC 3986, and what LIMITS of the edge are stricter in), and mutations of good ones at every place.
// Streams are latin1 text.

export const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]";
export const text = '[^\\x00-\\x08\\x0a-\\x1f\\x7f]';
const host = '(?:[0-9A-Za-z._~-]{1,255}|\\[[0-9A-Fa-f:.]{2,}\\])';
const requestLine = new RegExp(`^(${token}{1,32}) ((?:[^\\x00-\\x20\\x7f-\\xff#\\\\%]|%[0-9A-Fa-f]{2})+) HTTP/1\\.([01])\\r\\n`);
export const fieldLine = new RegExp(`^(${token}+):(${text}*)\\r\\n`);
const authority = new RegExp(`^${host}(?::\\d{1,5})?$`);
const extension = `;[ \\t]*${token}+(?:[ \\t]*=[ \\t]*(?:${token}+|"(?:[^"\\\\\\x00-\\x08\\x0a-\\x1f\\x7f]|\\\\${text})*"))?(?:[ \\t]+(?=;))?`;
const chunkLine = new RegExp(`^([0-9A-Fa-f]{1,16})((?:${extension})*)\\r\\n`);
const absolute = /^(https?:\/\/)([^/?]*)(.*)$/i;
const framing = new Set(['host', 'expect', 'connection', 'content-length', 'transfer-encoding']);
const noTrailers = new Set(['transfer-encoding', 'content-length', 'host', 'connection', 'upgrade', 'trailer', 'te', 'keep-alive', 'proxy-connection', 'expect',
  'content-type', 'content-encoding', 'content-range', 'authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'range', 'max-forwards', 'location']);
export const trimmed = (v) => v.replace(/^[ \t]+|[ \t]+$/g, '');
const isAuthority = (v) => authority.test(v) && Number(/:(\d+)$/.exec(v.replace(/^\[.*\]/, ''))?.[1] ?? 0) <= 65535;

/** The path and query of a target in their only form; null if there is none. */
function readPath(target) {
  const [, path, query = ''] = /^([^?]*)(?:\?([^]*))?$/.exec(target);
  if (path === '') return { path: '/', query };
  const plain = path.replace(/%([0-9A-Fa-f]{2})/g, (all, hex) => {
    const c = String.fromCharCode(parseInt(hex, 16));
    return /[0-9A-Za-z._~-]/.test(c) ? c : all.toUpperCase();
  });
  if (!plain.startsWith('/') || /%2F|%5C|%[01]|%7F/.test(plain) || plain.split('/').some((s) => /^\.\.?(;|$)/.test(s))) return null;
  try { decodeURIComponent(plain); } catch { return null; }
  return { path: plain, query };
}

/** One field of the frame, or null: it is not right. */
function readFrame(h, name, value) {
  switch (name) {
    case 'host':
      if (h.host !== undefined || !isAuthority(value)) return null;
      h.host = value;
      return h;
    case 'content-length':
      if (h.length !== undefined || !/^\d{1,19}$/.test(value) || BigInt(value) > 0x7fffffffffffffffn) return null;
      h.length = Number(value);
      return h;
    case 'transfer-encoding':
      if (h.chunked || value.toLowerCase() !== 'chunked') return null;
      h.chunked = true;
      return h;
    case 'expect':
      return value.toLowerCase() === '100-continue' ? h : null;
    default:
      for (const option of value.split(',').map((o) => o.replace(/^ +| +$/g, '').toLowerCase()).filter((o) => o !== '')) {
        if (!new RegExp(`^${token}+$`).test(option) || ['host', 'content-length', 'transfer-encoding'].includes(option)) return null;
        if (option === 'close') h.close = true;
        if (option === 'keep-alive') h.keep = true;
      }
      return h;
  }
}

/** The head that STREAM begins with and the rest, or null. */
function readHead(stream) {
  let rest = stream.replace(/^(?:\r\n){1,2}/, '');
  const line = requestLine.exec(rest);
  if (!line) return null;
  const h = { method: line[1], minor: Number(line[3]), fields: 0 };
  rest = rest.slice(line[0].length);
  for (let m; (m = fieldLine.exec(rest)); rest = rest.slice(m[0].length)) {
    const name = m[1].toLowerCase();
    if (name.includes('_') || (framing.has(name) && m[0].includes('\t')) || ++h.fields > 100 || m[0].length > 8194) return null;
    if (framing.has(name) && !readFrame(h, name, trimmed(m[2]))) return null;
  }
  if (!rest.startsWith('\r\n') || stream.length - rest.length > 32766) return null;
  let target = line[2];
  if ((h.chunked && (h.length !== undefined || h.minor === 0)) || h.method === 'CONNECT' || target.length > 8192 || (h.minor === 1 && h.host === undefined)) return null;
  const whole = absolute.exec(target);
  if (whole && (!isAuthority(whole[2]) || (h.host !== undefined && whole[2].toLowerCase() !== h.host.toLowerCase()))) return null;
  if (!whole && !target.startsWith('/') && target !== '*') return null;
  if (whole) target = whole[3];
  h.path = target === '*' && !whole ? h.method === 'OPTIONS' && { path: '*', query: '' } : readPath(target);
  h.keeps = !h.close && (h.minor === 1 || h.keep === true);
  return h.path ? { ...h, rest: rest.slice(2) } : null;
}

/** The body of H (chunked, length, rest) and what is behind it, or null. */
export function readBody(h) {
  if (!h.chunked) return h.rest.length < (h.length ?? 0) ? null : { body: h.rest.slice(0, h.length ?? 0), rest: h.rest.slice(h.length ?? 0) };
  let body = '', { rest } = h;
  for (;;) {
    const m = chunkLine.exec(rest);
    const size = m ? BigInt(`0x${m[1]}`) : -1n;
    if (size < 0n || size > 1n << 40n) return null;
    rest = rest.slice(m[0].length);
    if (size === 0n) break;
    body += rest.slice(0, Number(size));
    if (rest.slice(Number(size), Number(size) + 2) !== '\r\n') return null;
    rest = rest.slice(Number(size) + 2);
  }
  for (let m; (m = fieldLine.exec(rest)); rest = rest.slice(m[0].length)) if (m[1].includes('_') || noTrailers.has(m[1].toLowerCase()) || m[1].length > 256) return null;
  return rest.startsWith('\r\n') ? { body, rest: rest.slice(2) } : null;
}

/** What a server should make of STREAM: the requests that are right, up to the first that is not, or is cut short. */
export function readRequests(stream) {
  const all = [];
  for (let rest = stream; rest !== '';) {
    const h = readHead(rest);
    const b = h && readBody(h);
    if (!b) break;
    all.push({ method: h.method, path: h.path.path, query: h.path.query, body: b.body, keeps: h.keeps });
    if (!h.keeps) break;
    ({ rest } = b);
  }
  return all;
}

// -- mutations --

const get = 'GET /any/a.b/%41?x=%2f HTTP/1.1\r\nHost: a.example:80\r\nX-One: two, "three"\r\nConnection: keep-alive\r\n\r\n';
const sized = 'POST /any/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX: y\r\n\r\nhello';
const chunked = 'PUT /any/x HTTP/1.1\r\nHost: [::1]:8\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b;c="d\\"e"\r\nhel\r\n02;f\r\nlo\r\n0\r\nT-One: v\r\nU:\r\n\r\n';
const whole = 'GET http://a.b/any/x?y HTTP/1.1\r\nHost: a.b\r\nExpect: 100-continue\r\n\r\n';
const star = 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n';
const old = 'POST /any/x HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 05\r\n\r\nhello';
export const seeds = { get, sized, chunked, whole, star, old };

const bytes = [...'\0\x01\x08\t\n\v\f\r\x1b\x1f !"#%&\'(),-./05:;<=>?@AaZ[\\]^_`{|}~\x7f\x80\x85\xa0\xc3\xff'];
const pieces = ['\r\n', '\r\n ', '\n ', ' \r\n', '\r\r\n', '\n\r\n', '\r\n\r\n', ', ', '%00', '%0d%0a', '%2f', '%2e', '%c0%ae', '%ff', '/..', '/.', '/./', '/../', '//', ';x', '\xc2\xa0', '\xef\xbb\xbf', '\xe2\x80\xa8'];
const lengths = ['0', '5', '05', '6', '4', '+5', '-5', ' 5', '5 ', '5\t', '5,5', '5, 5', '5;', '0x5', '5.0', '5e0', '', '18446744073709551621', '9223372036854775807', '9223372036854775808', '0000000000000000005',
  '00000000000000000005', '\xb2', '"5"', '5\0', '5\r', '5 5'];
const codings = ['chunked', 'Chunked', ' chunked', 'chunked ', 'chunked\t', '\tchunked', 'chunked,', ',chunked', 'chunked, chunked', 'gzip, chunked', 'chunked, gzip', 'identity', 'identity, chunked', 'xchunked', 'chunkedx',
  'chunked;q=1', '"chunked"', '', 'chunke\xe4', 'ch\r\n unked', '\x0bchunked', 'chunked\0', 'chun ked', 'trailers', 'CHUNKED'];
const names = ['Content-Length', 'content-length', 'Content-Length ', ' Content-Length', 'Content_Length', 'Content-Length\t', 'Content\x00-Length', 'Content--Length', 'X-Content-Length', 'Content-Length:', '\xa0Content-Length'];
const codes = ['Transfer-Encoding', 'transfer-encoding', 'Transfer-Encoding ', ' Transfer-Encoding', 'Transfer_Encoding', 'Transfer-Encoding\t', 'Transfer\x0b-Encoding', 'X: y\nTransfer-Encoding', 'X: y\rTransfer-Encoding', 'Transfer-Encoding:', '\r\nTransfer-Encoding'];

/** Mutations of one byte at each place: replaced, put in front, left out, doubled, exchanged; and cuts. */
export function* atEachPlace(seed) {
  for (let i = 0; i <= seed.length; i++) {
    const [front, back] = [seed.slice(0, i), seed.slice(i)];
    for (const c of [...bytes, ...pieces]) {
      yield front + c + back;
      if (c.length === 1 && i < seed.length && seed[i] !== c) yield front + c + back.slice(1);
    }
    if (i < seed.length) yield* [front + back.slice(1), front + back[0] + back, front];
    if (i + 1 < seed.length) yield front + back[1] + back[0] + back.slice(2);
  }
}

/** Mutations of whole lines of the head: left out, doubled, exchanged, folded, in front of the first. */
export function* ofLines(seed) {
  const end = seed.indexOf('\r\n\r\n');
  const [lines, rest] = [seed.slice(0, end).split('\r\n'), seed.slice(end)];
  for (let i = 0; i < lines.length; i++) {
    for (let k = 0; k <= lines.length; k++) {
      const other = lines.slice();
      other.splice(k, 0, lines[i]);
      yield other.join('\r\n') + rest;
      yield lines.map((l, n) => (n === i ? lines[k % lines.length] : n === k ? lines[i] : l)).join('\r\n') + rest;
    }
    yield lines.filter((_, k) => k !== i).join('\r\n') + rest;
    for (const fold of ['\r\n ', '\r\n\t', '\n ', '\r ']) yield lines.map((l, k) => (k === i ? l.replace(/ ?$/, `${fold}x`) : l)).join('\r\n') + rest;
    for (const eol of ['\n', '\r', '\r\r\n', '\n\r', '\0\r\n', ' \r\n', '\v\r\n']) yield lines.slice(0, i + 1).join('\r\n') + eol + lines.slice(i + 1).join('\r\n') + rest;
  }
}

/** Who frames the body: lengths and codings alone and together, in either order, of either version, in odd spellings. */
function* ofFrames() {
  const bodies = ['hello', '5\r\nhello\r\n0\r\n\r\n', '0\r\n\r\n'];
  const make = (fields, body, version = '1.1') => `POST /any/x HTTP/${version}\r\nHost: a\r\n${fields.join('\r\n')}\r\n\r\n${body}`;
  for (const body of bodies) {
    for (const n of lengths) {
      yield* ['1.1', '1.0'].map((v) => make([`Content-Length: ${n}`], body, v));
      yield* ['0', '5', '6'].flatMap((m) => [make([`Content-Length: ${n}`, `Content-Length: ${m}`], body), make([`Content-Length: ${m}`, `Content-Length: ${n}`], body)]);
      for (const c of ['chunked', 'xchunked', 'identity', 'chunked\t']) yield* [make([`Content-Length: ${n}`, `Transfer-Encoding: ${c}`], body), make([`Transfer-Encoding: ${c}`, `Content-Length: ${n}`], body)];
    }
    for (const c of codings) {
      yield* ['1.1', '1.0'].map((v) => make([`Transfer-Encoding: ${c}`], body, v));
      for (const d of ['chunked', 'identity', 'x', '']) yield* [make([`Transfer-Encoding: ${c}`, `Transfer-Encoding: ${d}`], body), make([`Transfer-Encoding: ${d}`, `Transfer-Encoding: ${c}`], body)];
      yield make([`Transfer-Encoding: ${c}`, 'Content-Length: 5'], body);
    }
    for (const n of names) yield* [make([`${n}: 5`], body), make([`${n}: 5`, 'Transfer-Encoding: chunked'], body), make([`${n}: 5`, 'Content-Length: 5'], body)];
    for (const c of codes) yield* [make([`${c}: chunked`], body), make([`${c}: chunked`, 'Content-Length: 5'], body), make([`${c}: identity`, 'Transfer-Encoding: chunked'], body)];
  }
}

/** Chunked bodies: sizes, extensions, ends of lines and trailers, each with each. */
function* ofChunks() {
  const make = (body) => `POST /any/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
  const sizes = ['5', '05', '5 ', ' 5', '\t5', '+5', '-5', '0x5', '5h', '5.0', '"5"', '4', '6', '0', '', '00000000000000005', '0000000000000005', 'ffffffffffffffff', '7fffffffffffffff', '8000000000000000', '100000005', '5\0', '\xb5', '5,5'];
  const ends = ['\r\n', '\n', '\r', '\r\r\n', '\n\r\n', ' \r\n', '\0\r\n', '\r\n ', ''];
  const extensions = ['', ';', ';a', ';a=b', ';a="b"', ';a="', ';a=b"', ';a=', ';=b', ';;', '; a = b', ' ;a', ';a ;b', ';a b', ';a="\\', ';a="\n"', ';a=b;c="d;e"', ';\xe9', ';a="\xe9"', ';a\0', ',a', `;${'a'.repeat(5000)}`];
  const trailers = ['', 'X: y\r\n', 'X:\r\n', 'X : y\r\n', ' X: y\r\n', 'X\r\n', ': y\r\n', 'X: y\n', 'X: y\r', 'X_Y: z\r\n', 'Content-Length: 9\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: b\r\n', 'X: a\r\n b\r\n', 'X: \0\r\n', '\0: y\r\n', 'X: \xe9\r\n', 'GET / HTTP/1.1\r\n', `X: ${'y'.repeat(5000)}\r\n`];
  for (const s of sizes) for (const e of ends) yield make(`${s}${e}hello\r\n0\r\n\r\n`);
  for (const x of extensions) for (const e of ends) yield* [make(`5${x}${e}hello\r\n0\r\n\r\n`), make(`5\r\nhello\r\n0${x}${e}\r\n`)];
  for (const e of ends) for (const f of ends) yield* [make(`5\r\nhello${e}0${f}\r\n`), make(`5\r\nhello${e}0\r\n${f}`)];
  for (const t of trailers) for (const e of ends) yield make(`5\r\nhello\r\n0\r\n${t}${e}`);
  for (const s of sizes) yield make(`5\r\nhello\r\n${s}\r\n\r\n`);
}

/** Targets: each escape, and what stands in segments, in the query, as scheme and authority. */
function* ofTargets() {
  const make = (target, hostField = 'a') => `GET ${target} HTTP/1.1\r\nHost: ${hostField}\r\n\r\n`;
  const hex = (i) => i.toString(16).padStart(2, '0');
  for (let i = 0; i < 256; i++) yield* [make(`/any/%${hex(i)}`), make(`/any/x%${hex(i).toUpperCase()}y`), make(`/any/x?%${hex(i)}`), make(`/any/x${String.fromCharCode(i)}y`), make(`/any/x?${String.fromCharCode(i)}`)];
  for (let i = 0x80; i < 256; i++) for (const next of ['', '%80', '%bf', '%c0', 'x', '%80%80', '%bf%bf', '%80%80%80', '%bf%bf%bf']) yield make(`/any/%${hex(i)}${next}`);
  const dots = ['.', '..', '...', '%2e', '%2E.', '.%2e', '%2e%2e', '.;', '..;x', '.x', '..x', 'x..', ' .', '.%20', '%252e', '..%2f', '..%5c', '..%00', '.%c0%ae', '..\\'];
  for (const d of dots) yield* [make(`/any/${d}`), make(`/any/${d}/x`), make(`/any/x/${d}`), make(`/${d}/any/x`), make(`/any/x?/${d}/`), make(`http://a/any/${d}/x`)];
  const hosts = ['a', 'A', 'a:80', 'a:', 'a:0', 'a:65535', 'a:65536', 'a:x', 'u@a', 'u:p@a', '', '[::1]', '[::1]:80', '[::1', '::1', '[v1.a]', '[fe80::1%25e]', 'a b', 'a,b', 'a/b', 'a?b', 'a#b', 'a\\b', 'a..b', '.a', '-a', '1.2.3.4', '0x7f.1', '\xe9', 'xn--a', 'a%41'];
  for (const h of hosts) {
    yield* [make('/any/x', h), make(`http://${h}/any/x`, h), make(`http://${h}/any/x`), make(`https://${h}/any/x`, h), make(`//${h}/any/x`), make(`http://${h}`, h), make(`http://${h}?q`, h), make(h, h)];
  }
  for (const s of ['http:', 'http:/', 'http://', 'HTTP://', 'ftp://', 'ws://', 'x:', 'http:a', '/http://', '*', '*/', '/*', '', '?', '#', '/#', 'any']) yield* [make(`${s}a/any/x`), make(s), make(`${s}/any/x`)];
}

/** Every mutation: { rule, stream }. */
export function* mutations() {
  for (const [name, seed] of Object.entries(seeds)) {
    for (const stream of atEachPlace(seed)) yield { rule: `a byte of ${name}`, stream };
    for (const stream of ofLines(seed)) yield { rule: `a line of ${name}`, stream };
  }
  for (const stream of ofFrames()) yield { rule: 'frames', stream };
  for (const stream of ofChunks()) yield { rule: 'chunks', stream };
  for (const stream of ofTargets()) yield { rule: 'targets', stream };
}
