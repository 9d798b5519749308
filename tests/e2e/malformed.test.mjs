// Requests that are malformed, unusual ones that are not, and the same for answers of upstreams:
// tables made from the grammar of RFC 9110 and RFC 9112, played against the real binary.
import test from 'node:test';
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { start, slow, sanitized, rss } from './lib/weir.mjs';
import { connect, tcp } from './lib/net.mjs';

const text = (byte) => String.fromCharCode(byte);
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => text(from + i));
const head = (line, ...fields) => `${[line, ...fields].join('\r\n')}\r\n\r\n`;
const get = (target) => head(`GET ${target} HTTP/1.1`, 'Host: a');
const post = (body, ...fields) => head('POST /any/x HTTP/1.1', 'Host: a', ...fields) + body;
const field = (line) => head('GET /any/x HTTP/1.1', 'Host: a', line);
const sized = (line, body = '') => head('POST /any/x HTTP/1.1', 'Host: a', line) + body;
const chunked = (body) => post(body, 'Transfer-Encoding: chunked');
const twice = (lines, body) => post(body, ...lines);

// Bytes that split what should be one, or that are no blank though they look like one.
const blanks = ['', '  ', '\t', ' \t', '\v', '\f', '\0', '\x1f', '\x7f', '\x85', '\xa0', '\r', '\n', '\r\n', '\r\n ', '\xc2\xa0'];
const controls = [...range(0, 8), ...range(11, 12), ...range(14, 31), '\x7f'];
const separators = [...'"(),/:;<=>?@[\\]{}'];

const badRequests = {
  'a method': ['', 'G ET', 'GET:', '@', 'GET/', 'get', 'Get', 'gET', 'POSTX', 'XPOST', 'CONNECT', 'PRI', 'A'.repeat(33), 'A'.repeat(9000),
    ...separators.map((c) => `G${c}ET`), ...separators.map((c) => `GET${c}`), ...separators.map((c) => `${c}GET`), ...controls.map((c) => `GE${c}T`),
    ...controls.map((c) => `${c}GET`), ...range(128, 255).filter((_, i) => i % 8 === 0).map((c) => `GET${c}`)]
    .map((m) => head(`${m} /any/x HTTP/1.1`, 'Host: a')),
  'blanks of the request line': [
    ...blanks.map((b) => head(`GET${b}/any/x HTTP/1.1`, 'Host: a')), ...blanks.map((b) => head(`GET /any/x${b}HTTP/1.1`, 'Host: a')),
    ...blanks.slice(1).filter((b) => b !== '\r\n' && b !== '\n').map((b) => head(`GET /any/x HTTP/1.1${b}`, 'Host: a')), ...[' ', '\t', '\0', '\v', '\r', '\n', '\r\n ', '\r\r\n',
    '\n\r'].map((b) => `${b}${get('/any/x')}`),
    head('GET /any/x HTTP/1.1 ', 'Host: a'), head('GET /any/x HTTP/1.1 HTTP/1.1', 'Host: a'), head('GET /any/x /any/y HTTP/1.1', 'Host: a'), head('GET GET /any/x HTTP/1.1', 'Host: a')],
  'a version': ['', 'HTTP', 'HTTP/', 'HTTP/1', 'HTTP/1.', 'HTTP/.1', 'HTTP/11', 'HTTP/1.10', 'HTTP/1.01', 'HTTP/01.1', 'HTTP/1.1.1', 'HTTP/1,1', 'HTTP/1.1x', 'xHTTP/1.1', 'HTTP/x.1', 'HTTP/1.x',
    'HTTP/+1.1', 'HTTP/-1.1', 'HTTP/1.-1', 'HTTP/ 1.1', 'HTTP /1.1', 'HTTP/1. 1', 'HTTP/1 .1', 'http/1.1', 'Http/1.1', 'HTTp/1.1', 'HTTPS/1.1', 'HTTP\\1.1', 'HTTP//1.1', 'HTTP/1.2', 'HTTP/1.9',
    'HTTP/0.9', 'HTTP/0.0',
    'HTTP/2.0', 'HTTP/2', 'HTTP/3.0', 'HTTP/9.9', 'HTTP/4294967297.1', 'HTTP/1.4294967297', 'HTTP/1.\xb9', 'HTTP/\xb9.1', 'RTSP/1.0', 'ICE/1.0', 'ICAP/1.0', 'SIP/2.0', 'HTTP/1.1\0', 'HTTP/1.1%20',
    'HTTP/1.1;', '1.1', 'FTP/1.1', 'HTTP:1.1', 'HTTP/\xe2\x91\xa0.1']
    .map((v) => head(`GET /any/x ${v}`, 'Host: a')),
  'a target': [...controls.map((c) => `/any/${c}x`), ...range(128, 255).map((c) => `/any/${c}`), '/any/\\x', '\\any\\x', '/any/#x', '#', '/any/x#y', 'any/x', 'x', '?x', '*', '**', '/any/ x', '',
    '/any/\xc3\xa9',
    'a:80', 'http:', 'http:/', 'http://', 'http:///any/x', 'http:any/x', 'http:/any/x', '://a/any/x', 'http//a/any/x', 'http://b/any/x', 'http://a:80:80/any/x', 'http://a:x/any/x',
    'http://a:-1/any/x', 'http://a:65536/any/x',
    'http://u@a/any/x', 'http://u:p@a/any/x', 'http://a@b/any/x', 'http://@a/any/x', 'http://a /any/x', 'http://a%2f/any/x', 'http://a\\any/x', 'http://a#/any/x', 'http://[::1/any/x',
    'http://[/any/x', 'http://[]/any/x', 'http://a,b/any/x',
    'ftp://a/any/x', 'file:///etc/passwd', 'ws://a/any/x', 'gopher://a/', 'javascript:alert(1)', 'data:,x', 'urn:x', 'HTTPX://a/any/x', 'h ttp://a/any/x'].map(get),
  'percent-encoding': ['%', '%4', '%4g', '%g4', '%zz', '%%', '%%41', '%u0041', '%U0041', '%-1', '%+1', '% 41', '%4 1', '%0x41', '%00', '%01', '%09', '%0a', '%0d', '%0d%0a', '%1f', '%7f', '%2f',
    '%2F', '%5c', '%5C', '..', '.', '../x', './x',
    '%2e', '%2e%2e', '%2E%2E/x', '.%2e/x', '%2e./x', '..;', '..;x/y', '.;/x', 'a/../b', 'a/./b', '%2e%2e%2f', '..%2f', '..%5c', '%80', '%ff', '%c3', '%c3%28', '%c0%80', '%c0%af', '%c0%ae%c0%ae',
    '%e0%80%af', '%ed%a0%80', '%f4%90%80%80', '%f8%88%80%80%80']
    .map((p) => get(`/any/${p}`)).concat(['/any/x?%', '/any/x?a=%4', '/any/x?a=%zz', '/any/x?%%', '/any/x?#', '/any/x?\x01', '/any/x?\xff', '/any/x?a b'].map(get)),
  'a name of a field': ['', ' ', '\t', 'X ', 'X\t', ' X', '\tX', 'X Y', 'X_Y', '_', 'Content_Length', 'Transfer_Encoding', 'X\r', 'X\n', '\xc3\x84',
    ...separators.filter((c) => c !== ':').map((c) => `X${c}`), ...separators.filter((c) => c !== ':').map((c) => `${c}X`),
    ...controls.map((c) => `X${c}`), ...controls.map((c) => `${c}X`), ...range(128, 255).map((c) => `X${c}`)].map((n) => field(`${n}: v`))
    .concat(['X', 'X v', 'X;v', 'X=v', ' ', '\t', 'X\r\n v: w', '\x00', ':', '::', ': v'].map(field)),
  'a value of a field': [...controls.map((c) => `X: ${c}`), ...controls.map((c) => `X: a${c}b`), 'X: a\rb', 'X: a\nb: c', 'X: a\n', 'X: a\r', 'X: \r', 'X:\n', 'X: a\r\r\nY: b', 'X: a\n\rY: b',
    'X: a\r\n b', 'X: a\r\n\tb', 'X: a\r\n \r\nY: b', 'X:\r\n a', 'X: a\r\n  b\r\nY: c',
    'X: a\n b', 'X: a\r\n ', 'X: "a\r\n b"', 'X: a\r\n\x0bb', 'X: a\r\n: b', 'X: a\nContent-Length: 5', 'X: a\rTransfer-Encoding: chunked'].map(field)
    .concat(['GET /any/x HTTP/1.1\nHost: a\n\n', 'GET /any/x HTTP/1.1\r\nHost: a\n\r\n', 'GET /any/x HTTP/1.1\nHost: a\r\n\r\n', 'GET /any/x HTTP/1.1\r\nHost: a\r\n\n',
    'GET /any/x HTTP/1.1\rHost: a\r\r', 'GET /any/x HTTP/1.1\r\nHost: a\r\n\r\r\n', 'GET /any/x HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n',
      'GET /any/x HTTP/1.1\r\n Host: a\r\n\r\n', 'GET /any/x HTTP/1.1\r\n\r\n', 'GET /any/x HTTP/1.1\r\n \r\nHost: a\r\n\r\n', 'GET /any/x HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n', '\r\n\r\n\r\n\r\n',
      '\n\n', 'GET /any/x\r\n', 'GET /any/x\r\n\r\n', 'GET\r\n\r\n', 'G\r\n']),
  'Host': ['', ' ', '/', 'a/', 'a/b', '/a', 'http://a', 'a b', 'a\tb', '\ta', 'a\t', 'a,b', 'a, b', 'a;b', 'a@b', '@a', 'u:p@a', 'a?b', 'a#b', 'a\\b', 'a:', 'a:b', 'a:-1', 'a:+1', 'a: 80', 'a :80',
    'a:80:80', 'a:80a', 'a:0x50', 'a:65536', 'a:99999', 'a:000080', ':80', ':', '[', ']', '[]', '[]:80',
    '[::1', '::1', '::1]', '[::1]x', '[::1]80', '[::1]:', '[::1]:x', '[::1]:65536', '[[::1]]', '[g::1]', '[::1%25eth0]', '[::1%eth0]', '[/]', '[v1.x', 'a[::1]', '\xff', 'b\xfccher', '<a>', '"a"',
    "{a}", 'a|b', 'a^b', 'a`b', 'a%', 'a%4', 'a%00b', 'a%0d', 'a\0', 'a\x7f', 'a\x01b', 'x'.repeat(256), '*:*', '(a)', 'a=b']
    .map((h) => head('GET /any/x HTTP/1.1', `Host: ${h}`)).concat([
      head('GET /any/x HTTP/1.1', 'Host: a', 'Host: a'), head('GET /any/x HTTP/1.1', 'Host: a', 'Host: b'), head('GET /any/x HTTP/1.1', 'Host: a', 'hOST:'), head('GET /any/x HTTP/1.1', 'X: y'),
      head('GET /any/x HTTP/1.1', 'Host : a'), head('GET /any/x HTTP/1.1', 'Host\t: a'),
      head('GET /any/x HTTP/1.1', 'Host'), head('GET /any/x HTTP/1.1', 'Hostt: a'), head('GET /any/x HTTP/1.1', 'Host:', ' a'), head('GET /any/x HTTP/1.1', 'Host: a', '\tb'),
      head('GET /any/x HTTP/1.0', 'Host: a', 'Host: a'), head('GET /any/x HTTP/1.0', 'Host: a b'), head('GET http://a/any/x HTTP/1.1', 'Host: b'), head('GET http://a/any/x HTTP/1.1'),
      head('GET http://a/any/x HTTP/1.1', 'Host:'), head('GET http://a:81/any/x HTTP/1.1', 'Host: a:82'), head('GET https://a/any/x HTTP/1.1', 'Host: a', 'Host: a'), head('OPTIONS * HTTP/1.1'),
      head('GET http://a/any/x HTTP/1.0', 'Host: b')]),
  'Content-Length': ['', ' ', '-1', '+5', '-0', '+0', '5 5', '5, 5', '5,5', '5,', ',5', '5,6', '5;', '5;5', '5.0', '5.', '.5', '5e0', '0x5', '0X5', '5x', 'x5', 'x', 'five', '5\t', '\t5', '5\v',
    '\v5', '5\0', '"5"', "'5'", '(5)', '5 x', '1_0', '0b1', '0o5', '5L', '5\xa0', '\xb2', '\xd9\xa5', '5%', 'chunked', 'null', 'NaN', 'inf', '5\r', '5\x85',
    '9223372036854775808', '18446744073709551615', '18446744073709551616', '18446744073709551621', '4294967301x', '99999999999999999999', '1'.repeat(100), '-9223372036854775808', '5\x7f', '5:5',
    '=5', '5=', '~5', '5/2', '5 6', '0 5', '0,5', '5\r\n 5', '\r\n 5']
    .map((n) => sized(`Content-Length: ${n}`, 'hello')).concat([
      twice(['Content-Length: 5', 'Content-Length: 5'], 'hello'), twice(['Content-Length: 5', 'Content-Length: 6'], 'hello'), twice(['Content-Length: 0', 'Content-Length: 5'], 'hello'),
      twice(['content-length: 5', 'CONTENT-LENGTH: 0'], 'hello'), twice(['Content-Length: 5', 'Content-Length:'], 'hello'), twice(['Content-Length: 5', 'X: y', 'Content-Length: 5'], 'hello'),
      sized('Content-Length : 5', 'hello'), sized('Content-Length\t: 5', 'hello'), sized(' Content-Length: 5', 'hello'), sized('Content-Length', 'hello'), sized('Content-Length 5', 'hello'),
      sized('Content-Length: 5\nX: y', 'hello'), sized('Content-Length:\n5', 'hello'), sized('Content-Length\0: 5', 'hello'), sized('Content Length: 5', 'hello'), sized('Content-Length=5: 5',
      'hello'), sized('\0Content-Length: 5', 'hello'),
      sized('Content-Length: 1048577'), sized('Content-Length: 9223372036854775807')]),
  'Transfer-Encoding': ['', 'x', 'xchunked', 'chunkedx', 'chunke', 'cchunked', 'chunked,', 'chunked;', 'chunked; q=1', 'chunked;a', ',chunked', ', chunked', 'chunked, chunked', 'chunked,chunked',
    'chunked, identity', 'identity', 'identity, chunked', 'gzip', 'gzip, chunked', 'chunked, gzip', 'gzip,chunked', 'deflate', 'compress', 'x-gzip', 'br, chunked', 'trailers',
    '"chunked"', "'chunked'", '(chunked)', 'chunked ()', 'chunked x', 'x chunked', 'chunked chunked', 'chunked\0', '\0chunked', 'chunked\t', '\tchunked', 'chunked\v', '\vchunked', '\fchunked',
    'chunked\xa0', '\xa0chunked', 'chunked\x7f', 'chunk\xe9d', 'c\0hunked', 'chunked\r', '\rchunked', 'chun\rked', '\r\n chunked', 'chunked\r\n ', 'chunked\r\n , x', '\nchunked', 'chunked\nX: y',
    'none', '0', 'true', 'cow', 'chunked=1', 'chunked:', ':chunked', 'chunked/1', '*', 'CHUNKED, CHUNKED', 'ChUnKeDx', 'gzip;q=1, chunked', 'chu nked', 'chunKED, identity', '\xef\xbb\xbfchunked',
    'chun\xe2\x84\xaaed']
    .map((c) => post('5\r\nhello\r\n0\r\n\r\n', `Transfer-Encoding: ${c}`)).concat(['Transfer-Encoding : chunked', 'Transfer-Encoding\t: chunked', ' Transfer-Encoding: chunked',
    '\tTransfer-Encoding: chunked', 'Transfer-Encoding chunked', 'Transfer-Encoding', 'Transfer_Encoding: chunked', 'Transfer-Encoding\0: chunked', 'Transfer-Encoding\r: chunked',
    'Transfer-Encoding\v: chunked', 'Transfer-Encoding\xa0: chunked', 'X: y\nTransfer-Encoding: chunked', 'X: y\rTransfer-Encoding: chunked', 'Transfer-Encoding=chunked: x',
    'Transfer Encoding: chunked', 'Transfer-Encoding:: chunked', 'Foo\r\n Transfer-Encoding: chunked', 'X:\r\n\tTransfer-Encoding: chunked']
    .map((l) => post('5\r\nhello\r\n0\r\n\r\n', l)),
    [['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked', 'Transfer-encoding: x'], ['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'], ['Transfer-Encoding:', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked', 'Transfer-Encoding:'],
      ...['0', '5', '15', '6', 'x', ''].flatMap((n) => [[`Content-Length: ${n}`, 'Transfer-Encoding: chunked'], ['Transfer-Encoding: chunked', `Content-Length: ${n}`]]), ['Content-Length: 5',
      'Transfer-Encoding: identity'], ['Content-Length: 5', 'Transfer-Encoding: x'], ['Content-Length: 5', 'Transfer-Encoding:'], ['Content-Length: 5', 'Transfer-Encoding: chunkedx'],
      ['Content-Length: 5', 'X: y', 'transfer-ENCODING: CHUNKED'], ['Connection: transfer-encoding', 'Transfer-Encoding: chunked'], ['Connection: close, transfer-encoding',
      'Transfer-Encoding: chunked']]
      .map((l) => twice(l, '5\r\nhello\r\n0\r\n\r\n')), [head('POST /any/x HTTP/1.0', 'Host: a', 'Transfer-Encoding: chunked') + '5\r\nhello\r\n0\r\n\r\n', head('POST /any/x HTTP/1.0',
      'Transfer-Encoding: chunked', 'Connection: keep-alive') + '0\r\n\r\n', head('GET /any/x HTTP/1.1', 'Host: a', 'Transfer-Encoding: x')]),
  'a chunk': ['x', 'g', '', ' 5', '\t5', '5 ', '5\t', '5  ;a', '-5', '+5', '0x5', '5x', '5h', '5,', '5.', '5.0', '5:', '"5"', '5\0', '\x005', '5\v', '5\xa0', '\xa05', '5 x', '5 5', '5\r', '5\n',
    '\r\n5', '\n5', '5\n\r', '5\r\r', '\xb5', '10000000000000005', '00000000000000005', 'fffffffffffffffff', 'ffffffffffffffff', '8000000000000000', '80000000', '7fffffff', '1_0', '5_', "5'", '5"',
    '5=', '5\\', '5/', '5#', '5%', '5&a',
    '5;a\0', '5;a\n', '5;a\nX', '5;a\rb', '5;a\r', '5;\x01', '5;a=\x7f', '5;a="\r', '5;a="b', '5;a="b\n"', '5;a="\0"', '5;a="\x1b"', '5;a="\\\n"', '5;\n', '5;\r\r', '5;a\x0bb',
    `5;${'a'.repeat(20000)}`]
    .map((s) => chunked(`${s}\r\nhello\r\n0\r\n\r\n`)).concat(['5;', '5;;', '5;;a', '5;a;', '5;=b', '5;a=', '5;a==b', '5;a b', '5;a=b c', '5;a="b"c', '5;"a"', '5;a,b', '5;a=b=c', '5;(', '5;a\x80',
    '5;a/b', '5; ', '5;a="b";', '5;a=;b', '5;@', '5;a:b', "5;a={}", '5;[', '5;?'].map((s) => chunked(`${s}\r\nhello\r\n0\r\n\r\n`)),
    ['5\nhello\r\n0\r\n\r\n', '5\r\nhello\n0\r\n\r\n', '5\r\nhello\r0\r\n\r\n', '5\r\nhello0\r\n\r\n', '5\r\nhello\r\n0\n\n', '5\r\nhello\r\n0\r\n\n', '5\r\nhello\r\n0\n\r\n',
    '5\r\nhelloX\r\n0\r\n\r\n', '5\r\nhell\r\n0\r\n\r\n', '4\r\nhello\r\n0\r\n\r\n', '5\r\nhello\r\n\r\n0\r\n\r\n', '5\r\nhello \r\n0\r\n\r\n', '5\r\r\nhello\r\n0\r\n\r\n', '5hello\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\r\n\rX', '5\r\nhello\r\n0\r\r\n\r\n', '5\r\nhello\r\n-0\r\n\r\n', '5\r\nhello\r\n0 \r\n\r\n', '5\r\nhello\r\n 0\r\n\r\n', '5\r\nhello\r\n0x0\r\n\r\n', '5\r\nhello\r\n\r\n',
    '\r\n5\r\nhello\r\n0\r\n\r\n', 'hello', '\0', '0\r\n\0\r\n', '0\r\n ', '0\r\n\r\r\n', '0\r\n\n', '0\n\r\n', '0\r\r', '0;\n\r\n', '5\r\nhello\n\r0\r\n\r\n', '5\rhello\r\n0\r\n\r\n',
    '1\r\na\r\n\r\n1\r\nb\r\n0\r\n\r\n', `${'0'.repeat(17)}\r\n\r\n`].map(chunked), [chunked(Array(400).fill(`1;${'e'.repeat(100)}\r\na\r\n`).join('')), chunked(`fffff0\r\n`),
    chunked('100001\r\n' + 'a'.repeat(100))]),
  'a trailer': ['X', 'X y', ': y', ' X: y', '\tX: y', 'X : y', 'X\t: y', 'X_Y: z', 'X\0: y', 'X: \0', 'X: y\rZ', 'X: y\n', 'X: y\nZ: a', 'X: y\r\n z', 'X: y\r\n\tz', 'X(: y', '\xc3\x84: y',
    'X: \x01', 'X: \x7f', 'Content-Length: 5', 'content-LENGTH: 0', 'Transfer-Encoding: chunked', 'Host: a', 'Connection: close', 'Trailer: X', 'TE: trailers', 'Authorization: x', 'Cookie: a=b',
    'Content-Type: text/html', 'Expect: 100-continue', 'Upgrade: h2c', `${'n'.repeat(300)}: y`, `X: ${'v'.repeat(20000)}`, 'GET /smuggled HTTP/1.1', '5', '0', 'X\r', '\r', '\n', '"X": y']
    .map((l) => chunked(`5\r\nhello\r\n0\r\n${l}\r\n\r\n`)).concat([chunked(`0\r\n${'X: y\r\n'.repeat(4000)}\r\n`)]),
  'Expect and Connection': ['Expect:', 'Expect: x', 'Expect: 200-ok', 'Expect: 100-continue, x', 'Expect: 100-continue;q=1', 'Expect: 100', 'Expect: "100-continue"', 'Expect: 100-continue\t',
    'Expect: 100-continuee', 'Expect: 100 continue', 'Connection: content-length', 'Connection: close, Content-Length', 'Connection: host', 'Connection: Transfer-Encoding', 'Connection: a b',
    'Connection: "close"', 'Connection: close;x', 'Connection: (x)', 'Connection: close\tx', 'Connection: \x80', 'Connection: a/b', 'Connection: close\0', 'Connection: @', 'Connection : close',
    'Connection: close\r\n , x']
    .map(field),
  'what is too large': [get(`/any/${'a'.repeat(8188)}`), get(`/any/${'a'.repeat(60000)}`), get(`/any/x?${'a'.repeat(9000)}`), field(`X: ${'v'.repeat(8190)}`), field(`${'X'.repeat(9000)}: v`),
    field(Array(100).fill('X: y').join('\r\n')), field(Array(5000).fill('X: y').join('\r\n')), field(Array(20).fill(`X: ${'v'.repeat(2000)}`).join('\r\n')), 'A'.repeat(70000),
    `GET ${'/'.repeat(70000)}`, `GET /any/x HTTP/1.1\r\n${'X'.repeat(70000)}`, `GET /any/x HTTP/1.1\r\nX: ${'v'.repeat(70000)}`, '\r\n'.repeat(40000)],
  'another protocol': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03', '\x80\x2e\x01\x00\x02', 'SSH-2.0-OpenSSH_9.2\r\n', 'EHLO a\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n', '\r\n\r\n\x00\r\nQUIT\n', '*1\r\n$4\r\nPING\r\n', 'USER a\r\n', '\x05\x01\x00', '\x04\x01\x00\x50', '{"a":1}\r\n\r\n', '<a/>\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', '\xff\xfe\x00\x01', '\xef\xbb\xbfGET /any/x HTTP/1.1\r\nHost: a\r\n\r\n', 'GET http://a/any/x\r\n\r\n', '\0'.repeat(100),
    '\x00\x00\x00\x08\x04\xd2\x16\x2f', 'GIOP\x01\x02\r\n', 'M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n', 'OPTIONS sip:a SIP/2.0\r\n\r\n'],
};
const allBad = Object.entries(badRequests).flatMap(([group, list]) => list.map((bytes, i) => ({ what: `${group} ${i}: ${JSON.stringify(bytes.slice(0, 300))}`, bytes })));

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const statuses = (t) => [...t.matchAll(/HTTP\/1\.1 (\d\d\d)/g)].map((m) => Number(m[1]));

const patience = slow ? 10_000 : 3000;

/** Waits for PROMISE, at most MS. */
async function soon(promise, ms) {
  let timer;
  await Promise.race([promise, new Promise((done) => { timer = setTimeout(done, ms); })]);
  clearTimeout(timer);
}

/** Runs WORK over LIST, N at once. */
async function each(list, n, work) {
  let next = 0;
  await Promise.all(Array.from({ length: n }, async () => { while (next < list.length) await work(list[next++]); }));
}

const pipelines = {
  'any.yaml': 'name: any\ntrigger: { webhook: { path: "/any/{rest*}", methods: [GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS] } }\nsteps:\n  - reply: { json: { path: "${ request.path }", raw: "${ string(request.raw ?? \'\') }", headers: "${ request.headers }", query: "${ request.query }" } }\n',
  'smuggled.yaml': 'name: smuggled\ntrigger: { webhook: { path: /smuggled, methods: [GET] } }\nsteps:\n  - reply: { text: SMUGGLED }\n',
};

test('of requests that are malformed none is served, and nothing behind one', async (t) => {
  const w = await start(t, pipelines);
  const wrong = [];
  await each(allBad.flatMap((b) => [{ ...b, more: smuggled }, { ...b, more: '' }]), 32, async ({ what, bytes, more }) => {
    const c = connect(w.edgePort);
    await c.write(bytes + more);
    await soon(c.ended, patience);
    const all = statuses(c.text);
    if (!c.closed) wrong.push(`stays open (${all}): ${what}`);
    else if (c.text.includes('SMUGGLED') || all.some((s) => s < 400) || all.length > 1) wrong.push(`answers ${all}: ${what}`);
    c.end();
  });
  assert.deepEqual(wrong, []);
});
// Each: the bytes, and what is wanted if it is not 200: { status, body, close }.
const ok = (line, ...fields) => head(line, 'Host: a', ...fields);
const same = (list, make, want) => list.map((x) => [make(x), want]);
const goodRequests = {
  'a method': same(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'], (m) => ok(`${m} /any/x HTTP/1.1`)),
  'a target': [
    ...same(['', 'x', 'x/', 'x//y', 'a.b', '...', '.x', 'x.', '..x', 'x..', '.../x', '-._~', "!$&'()*+,;=:@", 'a;b=c', 'a:b', '@', '%41', '%7e', '%20', '%25', '%252f', '%3f', '%23', '%c3%a9',
    '%C3%A9', '%e2%82%ac', '%f0%9f%98%80', '%22', '%7b%7d', 'x'.repeat(8186), 'http://b/'],
      (p) => ok(`GET /any/${p} HTTP/1.1`)),
    ...same(['?', '?a', '?a=', '?=b', '?a=b&a=c', '?&&', '?a=b?c=d', '?a=/b/../c', '?a=%2f%2e%2e', '?a=%00', '?a=%0d%0a', '?a=%c3%a9', "?!$&'()*+,;=:@/?", '?a+b',
    '?a[]=1'], (q) => ok(`GET /any/x${q} HTTP/1.1`)),
    ...same(['http://a/any/x', 'HTTP://a/any/x', 'https://a/any/x', 'http://A/any/x', 'http://a/any/x?y=z', 'http://a/any/x/http://b/'], (u) => ok(`GET ${u} HTTP/1.1`)),
    [head('GET http://a:80/any/x HTTP/1.1', 'Host: a:80')], [head('GET http://[::1]:8080/any/x HTTP/1.1', 'Host: [::1]:8080')], [head('GET http://a/any/x HTTP/1.0'), { close: true }],
    [head('GET http://a/any/x HTTP/1.0', 'Host: a'), { close: true }],
    [ok('GET http://a HTTP/1.1'), { status: 404 }], [ok('GET http://a/ HTTP/1.1'), { status: 404 }], [ok('OPTIONS * HTTP/1.1'), { status: 204 }], [ok('OPTIONS * HTTP/1.1',
    'Content-Length: 0'), { status: 204 }]],
  'Host': same(['a', 'A', 'a.b', 'a.b.', 'a-b', 'xn--bcher-kva.example', '1', '127.0.0.1', '127.0.0.1:8080', 'a:80', 'a:0', 'a:65535', 'a:00080', '[::1]', '[::1]:80', '[2001:db8::7]',
    '[::ffff:1.2.3.4]:443', '[FE80::A]', 'localhost', 'a_b', 'x'.repeat(255), ' a', 'a ', '   a   '], (h) => head('GET /any/x HTTP/1.1', `Host: ${h}`))
    .concat(['host', 'HOST', 'hOsT'].map((n) => [head('GET /any/x HTTP/1.1', `${n}:a`)])),
  'a field': [
    ...same(['X:', 'X: ', 'X:\t', 'X:y', 'X:   y', 'X:\ty\t', 'X: \t y \t ', 'X: a b\tc', 'x-lower: y', 'X-UPPER: Y', "!#$%&'*+-.^`|~09: y", 'X: \x80\xff', 'X: caf\xe9', 'X: \xc3\xa9',
    'X: "quoted, \\" string"', 'X: (comment)', 'X: :', 'X: a:b:c', 'X: ,,', 'X: a, b', 'X: {"a":1}', 'X: <a>', 'X: \\', `X: ${'v'.repeat(8180)}`, `${'N'.repeat(200)}: y`, 'X: y\r\nX: z',
    'X: 1\r\nx: 2\r\nX: 3',
      'Accept: */*', 'Accept: text/html;q=0.5, */*;q=0.1', 'Cookie: a=b; c=d', 'Cookie: a=b\r\nCookie: c=d', 'Accept-Encoding: gzip, br', 'Authorization: Basic YTpi', 'Range: bytes=0-5',
      'If-None-Match: "x", W/"y"', 'TE: trailers', 'TE: trailers, deflate;q=0.5', 'Trailer: X', 'Via: 1.1 a', 'Forwarded: for="[::1]:80";proto=http', 'X-Forwarded-For: 1.2.3.4, 5.6.7.8',
      'Date: Sun, 06 Nov 1994 08:49:37 GMT',
      'Content-Type: text/plain', 'Content-Type: multipart/form-data; boundary=x', 'Max-Forwards: 0', 'Proxy-Connection: keep-alive', 'Keep-Alive: timeout=5, max=10', 'Pragma: no-cache', 'From: a@b',
      'Referer: http://b/#c', 'User-Agent: x', 'User-Agent:', 'Content-Length: 0', 'content-length:0', 'Content-Length:  0  ', 'CONTENT-LENGTH: 000',
      'Upgrade: websocket', 'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk', 'Upgrade: TLS/1.0, HTTP/2.0\r\nConnection: upgrade',
      'Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13', 'Expect: 100-continue', 'Expect: 100-Continue'], field),
    [field(Array(99).fill('X: y').join('\r\n'))], [field(Array(4).fill(`X: ${'v'.repeat(7000)}`).join('\r\n'))]],
  'Connection': [...same(['Connection: keep-alive', 'Connection: Keep-Alive', 'Connection:', 'Connection: ,', 'Connection: , keep-alive', 'Connection: keep-alive,', 'Connection: te',
    'Connection: x-foo, x-bar', 'Connection:keep-alive', 'Connection: keep-alive\r\nConnection: te'], field),
    ...same(['Connection: close', 'Connection: Close', 'CONNECTION: CLOSE', 'Connection: keep-alive, close', 'Connection: close, keep-alive', 'Connection: close\r\nConnection: keep-alive',
    'Connection:  close ', 'Connection: te,close'], field, { close: true })],
  'HTTP/1.0': [...same([[], ['Host: a'], ['Host: a', 'Connection: close'], ['X: y']], (f) => head('GET /any/x HTTP/1.0', ...f), { close: true }), ...same([['Connection: keep-alive'], ['Host: a',
    'Connection: Keep-Alive']], (f) => head('GET /any/x HTTP/1.0', ...f)),
    [`${head('POST /any/x HTTP/1.0', 'Content-Length: 5')}hello`, { body: /hello/, close: true }], [`${head('POST /any/x HTTP/1.0', 'Connection: keep-alive',
    'Content-Length: 5')}hello`, { body: /hello/ }], [head('POST /any/x HTTP/1.0', 'Expect: 100-continue', 'Content-Length: 5', 'Connection: keep-alive') + 'hello', { body: /hello/ }]],
  'empty lines in front': same(['\r\n', '\r\n\r\n'], (l) => l + get('/any/x')),
  'a body of a length': [...same(['5', '05', '0000000005', ' 5', '5 ', '  5  '], (n) => sized(`Content-Length: ${n}`, 'hello'), { body: /"raw":"hello"/ }), ...same(['content-length: 5',
    'CONTENT-LENGTH:5', 'cOnTeNt-LeNgTh:   5'], (l) => sized(l, 'hello'), { body: /hello/ }),
    [sized('Content-Length: 0'), { body: /"raw":""|"raw":null/ }], [post(''), {}], [post('GET /', 'Content-Length: 5'), { body: /"raw":"GET \/"/ }], [post('\r\n\r\n!',
    'Content-Length: 5'), { body: /\\r\\n\\r\\n!/ }], [head('GET /any/x HTTP/1.1', 'Host: a', 'Content-Length: 5') + 'hello', { body: /hello/ }], [head('DELETE /any/x HTTP/1.1', 'Host: a',
    'Content-Length: 5') + 'hello', { body: /hello/ }],
    [post('hello', 'Expect: 100-continue', 'Content-Length: 5'), { body: /hello/ }], [post('x'.repeat(100000), 'Content-Length: 100000'), { body: /xxxx/ }],
    [post(smuggled, `Content-Length: ${smuggled.length}`), { body: /"raw":"GET \/smuggled/ }]],
  'a chunked body': [...['5\r\nhello\r\n0\r\n\r\n', '05\r\nhello\r\n0\r\n\r\n', '0000000000000005\r\nhello\r\n0\r\n\r\n', '5\r\nhello\r\n00\r\n\r\n', '5\r\nhello\r\n0000000000000000\r\n\r\n',
    '1\r\nh\r\n4\r\nello\r\n0\r\n\r\n', '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n', '5;a\r\nhello\r\n0\r\n\r\n', '5;a=b\r\nhello\r\n0\r\n\r\n', '5;a="b c"\r\nhello\r\n0\r\n\r\n',
    '5;a=""\r\nhello\r\n0\r\n\r\n', '5;a="\\"\\\\"\r\nhello\r\n0\r\n\r\n', '5;a="\xe9;=\t"\r\nhello\r\n0\r\n\r\n', '5;a;b;c=d\r\nhello\r\n0;e\r\n\r\n', '5; a = b\r\nhello\r\n0\r\n\r\n',
    '5;\ta\r\nhello\r\n0; x=y\r\n\r\n', `5;${'a'.repeat(4000)}\r\nhello\r\n0\r\n\r\n`,
    '5\r\nhello\r\n0\r\nX: y\r\n\r\n', '5\r\nhello\r\n0\r\nX:\r\n\r\n', '5\r\nhello\r\n0\r\nX:y\r\nX: z\r\n\r\n', '5\r\nhello\r\n0\r\nDigest: sha-256=abc\r\nServer-Timing: a;dur=1\r\n\r\n',
    '5\r\nhello\r\n0\r\nX: \xe9\r\n\r\n', `5\r\nhello\r\n0\r\nX: ${'v'.repeat(4000)}\r\n\r\n`].map((b) => [chunked(b), { body: /"raw":"hello"/ }]),
    [chunked('0\r\n\r\n'), {}], [chunked('a\r\n0123456789\r\n0\r\n\r\n'), { body: /0123456789/ }], [chunked('A\r\n0123456789\r\n0\r\n\r\n'), { body: /0123456789/ }],
    [chunked('2\r\n\r\n\r\n0\r\n\r\n'), { body: /"\\r\\n"/ }], [chunked('5\r\n0\r\n\r\n\r\n0\r\n\r\n'), { body: /"0\\r\\n\\r\\n"/ }],
    ...['Transfer-Encoding: Chunked', 'transfer-encoding:chunked', 'TRANSFER-ENCODING: CHUNKED', 'Transfer-Encoding:   chunked  ', 'TE: trailers\r\nTransfer-Encoding: chunked',
    'Trailer: X\r\nTransfer-Encoding: chunked', 'Expect: 100-continue\r\nTransfer-Encoding: chunked'].map((l) => [post('5\r\nhello\r\n0\r\n\r\n', l), { body: /hello/ }]),
    [chunked(`${'1\r\nx\r\n'.repeat(3000)}0\r\n\r\n`), { body: /xxxx/ }], [head('PUT /any/x HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked',
    'Connection: close') + '5\r\nhello\r\n0\r\n\r\n', { body: /hello/, close: true }]],
};
const allGood = Object.entries(goodRequests).flatMap(([group, list]) => list.map(([bytes, want = {}], i) => ({ what: `${group} ${i}: ${JSON.stringify(bytes.slice(0, 250))}`, bytes, want })));

test('requests that are unusual, but right, are served, and so is the one behind', async (t) => {
  const w = await start(t, pipelines);
  const wrong = [];
  await each(allGood, 32, async ({ what, bytes, want: { status = 200, body, close } }) => {
    const c = connect(w.edgePort);
    await c.write(bytes + smuggled);
    await soon(close ? c.ended : c.until(/SMUGGLED$/).catch(() => {}), patience);
    const all = statuses(c.text).filter((s) => s !== 100);
    const right = all[0] === status && (close ? c.closed && all.length === 1 : all.length === 2 && c.text.endsWith('SMUGGLED')) && (!body || body.test(c.text));
    if (!right) wrong.push(`${all} ${c.closed}: ${what} ${JSON.stringify(c.text.slice(0, 15) + (c.text.match(/"detail".*/) ?? ""))}`);
    c.end();
  });
  assert.deepEqual(wrong, []);
});

// Answers: the bytes, and what the upstream does then: it waits ('keep'), closes or resets.
const ans = (line, ...fields) => head(line, ...fields);
const ok200 = (...fields) => head('HTTP/1.1 200 OK', ...fields);
const len5 = (...fields) => ok200('Content-Length: 5', ...fields) + 'hello';
const chunks = (body, ...fields) => ok200('Transfer-Encoding: chunked', ...fields) + body;
const lies = {
  'nothing, or not all': [['', 'close'], ['', 'reset'], ['', 'keep'], ...['H', 'HTTP/1.1', 'HTTP/1.1 ', 'HTTP/1.1 20', 'HTTP/1.1 200', 'HTTP/1.1 200 OK', 'HTTP/1.1 200 OK\r', 'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 200 OK\r\nContent-Le', 'HTTP/1.1 200 OK\r\nContent-Length: 5', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r', 'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n',
    ok200('Content-Length: 5'), `${ok200('Content-Length: 5')}hell`, `${ok200('Content-Length: 1000000')}${'x'.repeat(70000)}`, ...['', '5', '5\r', '5\r\n', '5\r\nhell', '5\r\nhello', '5\r\nhello\r',
    '5\r\nhello\r\n', '5\r\nhello\r\n0', '5\r\nhello\r\n0\r\n', '5\r\nhello\r\n0\r\n\r', '5\r\nhello\r\n0\r\nX: y\r\n', '5;a="b'].map((b) => chunks(b))].flatMap((b) => [[b, 'close'], [b, 'reset'],
    [b, 'keep']])],
  'a status line': ['HTTP/1.1', 'HTTP/1.1 ', 'HTTP/1.1  200 OK', 'HTTP/1.1\t200 OK', 'HTTP/1.1 2 OK', 'HTTP/1.1 20 OK', 'HTTP/1.1 2000 OK', 'HTTP/1.1 0200 OK', 'HTTP/1.1 099 OK', 'HTTP/1.1 000 OK',
    'HTTP/1.1 -20 OK', 'HTTP/1.1 +20 OK', 'HTTP/1.1 2x0 OK', 'HTTP/1.1 x00 OK', 'HTTP/1.1 20x OK', 'HTTP/1.1 OK 200', 'HTTP/1.1 OK', 'HTTP/1.1 200\tOK', 'HTTP/1.1 200OK', 'HTTP/1.1 200-OK',
    'HTTP/1.1 2 0 0', ' HTTP/1.1 200 OK', '\tHTTP/1.1 200 OK', '\0HTTP/1.1 200 OK', 'xHTTP/1.1 200 OK',
    'HTTP/1.2 200 OK', 'HTTP/1.9 200 OK', 'HTTP/0.9 200 OK', 'HTTP/2.0 200 OK', 'HTTP/2 200 OK', 'HTTP/3 200', 'HTTP/1 200 OK', 'HTTP/1. 200 OK', 'HTTP/.1 200 OK', 'HTTP/11 200 OK',
    'HTTP/1.10 200 OK', 'HTTP/01.1 200 OK', 'HTTP/1,1 200 OK', 'HTTP/x.y 200 OK', 'http/1.1 200 OK', 'Http/1.1 200 OK', 'HTTP /1.1 200 OK', 'HTTP/1.1\0 200 OK', 'HTTP/1.1 200 O\0K',
    'HTTP/1.1 200 O\rK', 'HTTP/1.1 200 O\x01K', 'HTTP/1.1 200 O\x7fK', 'HTTPS/1.1 200 OK', 'ICY 200 OK', 'RTSP/1.0 200 OK', 'SIP/2.0 200 OK', '200 OK', '200', 'OK', 'GET / HTTP/1.1', 'HTTP',
    '1.1 200 OK', 'HTTP/1.1:200 OK', 'HTTP/1.1,200,OK', 'Status: 200 OK', '<html>', '{}', '\xff\xfe', '\x15\x03\x01\0\x02\x02\x0a', 'SSH-2.0-x', '220 mail ESMTP', '-ERR unknown', '+OK', '\r\n']
    .map((l) => [ans(l, 'Content-Length: 5') + 'hello', 'keep']),
  'lines': ['HTTP/1.1 200 OK\nContent-Length: 5\n\nhello', 'HTTP/1.1 200 OK\r\nContent-Length: 5\n\r\nhello', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello',
    'HTTP/1.1 200 OK\rContent-Length: 5\r\rhello', 'HTTP/1.1 200 OK\n\rContent-Length: 5\r\n\r\nhello', 'HTTP/1.1 200 OK\r\n\rContent-Length: 5\r\n\r\nhello',
    '\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', '\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'HTTP/1.1 200 OK\r\n Content-Length: 5\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\n\tX: y\r\n\r\n', 'HTTP/1.1 200 OK\r\r\nContent-Length: 5\r\n\r\nhello', `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\r\nhello`].map((b) => [b, 'keep']),
  'a field': [...['X', ': y', ' X: y', '\tX: y', 'X : y', 'X\t: y', 'X Y: z', 'X\0: y', 'X: \0', 'X: a\0b', 'X: a\rb', 'X: a\nb', 'X: a\r', 'X: a\r\n b', 'X: a\r\n\tb', 'X: a\r\n ', 'X\r: y',
    'X: \x01', 'X: \x1b[31m', 'X: \x7f', '\xc3\x84: y', 'X(: y', '"X": y', 'X@Y: z', 'X/Y: z', 'X[]: z', '', 'Content-Length 5', 'X\x0b: y', 'X: y\x0c'].filter(Boolean),
    ...controls.map((c) => `X: ${c}`), ...controls.map((c) => `X${c}: y`), ...separators.filter((c) => c !== ':').map((c) => `X${c}: y`)].map((l) => [len5(l), 'keep']),
  'a length': [...['', '-1', '-5', '+5', '5x', 'x', '0x5', '5.0', '5 5', '5,5', '5, 5', '5,6', '5;', '"5"', '5e0', '5\t', '\t5', '5\0', '\xb2', '9223372036854775808', '18446744073709551615',
    '18446744073709551616', '99999999999999999999', '1'.repeat(60), '5\r\n 5', 'NaN', 'null', '0b101', '\xd9\xa5', '1_0', '5,'].map((n) => [ok200(`Content-Length: ${n}`) + 'hello', 'keep']),
    ...[['Content-Length: 5', 'Content-Length: 5'], ['Content-Length: 5', 'Content-Length: 6'], ['Content-Length: 6', 'Content-Length: 5'], ['Content-Length: 0', 'Content-Length: 5'],
    ['Content-Length: 5', 'content-length:'], ['Content-Length : 5'], ['Content-Length\t: 5'], ['Content-Length: 5', 'Transfer-Encoding: chunked'], ['Transfer-Encoding: chunked',
    'Content-Length: 5'], ['Transfer-Encoding: chunked', 'Content-Length: 0'], ['Content-Length: 5', 'Transfer-Encoding: identity'], ['Content-Length: 5', 'Transfer-Encoding: gzip'],
    ['Content-Length: 5', 'Connection: content-length']].map((f) => [ok200(...f) + '5\r\nhello\r\n0\r\n\r\n', 'keep'])],
  'a coding': [...['', 'x', 'chunkedx', 'xchunked', 'chunked,', ',chunked', 'chunked, chunked', 'chunked, identity', 'identity', 'identity, chunked', 'gzip', 'gzip, chunked', 'chunked, gzip',
    'deflate', 'br', '"chunked"', 'chunked;q=1', 'chunked\t', '\tchunked', 'chunked\0', 'chunked x', 'chun ked', 'chunked\r\n ',
    '\r\n chunked'].map((c) => ok200(`Transfer-Encoding: ${c}`) + '5\r\nhello\r\n0\r\n\r\n'), ok200('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + '5\r\nhello\r\n0\r\n\r\n',
    ok200('Transfer-Encoding: gzip', 'Transfer-Encoding: chunked') + '0\r\n\r\n', ok200('Transfer-Encoding : chunked') + '0\r\n\r\n', ans('HTTP/1.0 200 OK',
    'Transfer-Encoding: chunked') + '5\r\nhello\r\n0\r\n\r\n', ok200('Connection: transfer-encoding', 'Transfer-Encoding: chunked') + '0\r\n\r\n'].map((b) => [b, 'keep']),
  'a chunk': [...['x', 'g', ' 5', '5 ', '\t5', '-5', '+5', '0x5', '5x', '5,', '5.0', '"5"', '5\0', '5\n', '5\r', '\r\n5', 'fffffffffffffffff', 'ffffffffffffffff', '8000000000000000',
    '10000000000000005', '5;', '5;;a', '5;a=', '5;=a', '5;a b', '5;a\0', '5;a="b', '5;a\n', '5;a\rb', `5;${'a'.repeat(20000)}`, '5 5', '\xb5', ''].map((s) => `${s}\r\nhello\r\n0\r\n\r\n`),
    '5\nhello\n0\n\n', '5\r\nhello\n0\r\n\r\n', '5\r\nhello\r0\r\n\r\n', '5\r\nhello0\r\n\r\n', '5\r\nhelloX\r\n0\r\n\r\n', '4\r\nhello\r\n0\r\n\r\n', '6\r\nhello\r\n0\r\n\r\n', '5\r\nhello\r\n\r\n',
    '5\r\nhello\r\n0\r\n\n', '5\r\nhello\r\n0\n\r\n', 'hello', '\0', '<html>', '5\r\nhello\r\n0 \r\n\r\n', '5\r\nhello\r\n0\r\n\rX', '5\r\nhello\r\n0\r\n X: y\r\n\r\n',
    '5\r\nhello\r\n0\r\nX\r\n\r\n', '5\r\nhello\r\n0\r\nX : y\r\n\r\n', '5\r\nhello\r\n0\r\nX: \0\r\n\r\n', '5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n',
    '5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n', `0\r\nX: ${'v'.repeat(20000)}\r\n\r\n`, `0\r\n${'X: y\r\n'.repeat(4000)}\r\n`].map((b) => [chunks(b), 'keep']),
  'interim answers': [['HTTP/1.1 100 Continue\r\n\r\n'.repeat(17) + len5(), 'keep'], ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n', 'keep'],
    ['HTTP/1.1 101 Switching Protocols\r\n\r\n' + len5(), 'keep'], ['HTTP/1.1 100 Continue\r\n\r\ngarbage\r\n\r\n', 'keep'], ['HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello', 'keep'],
    ['HTTP/1.1 100\n\n' + len5(), 'keep'], ['HTTP/1.1 103 x\r\nX: \0\r\n\r\n' + len5(), 'keep'], ['HTTP/1.1 199 x\r\nTransfer-Encoding: x\r\n\r\n' + len5(), 'keep']],
  'what is too large': [[ok200(`X: ${'v'.repeat(70000)}`, 'Content-Length: 5') + 'hello', 'keep'], [ok200(...Array(200).fill('X: y'), 'Content-Length: 5') + 'hello', 'keep'],
    [ok200(...Array(129).fill('X: y')), 'keep'], [`HTTP/1.1 200 ${'r'.repeat(70000)}`, 'keep'], ['x'.repeat(100000), 'keep'], [`HTTP/1.1 200 OK\r\n${'x'.repeat(100000)}`, 'keep']],
  'an encoding': [...[['gzip', 'hello'], ['gzip', gzipSync('hello').subarray(0, 15).toString('latin1')], ['gzip', `${gzipSync('hello').toString('latin1')}x`], ['gzip',
    gzipSync('hello').toString('latin1').replace('\x1f', '\x1e')], ['deflate', 'hello'], ['gzip, gzip', gzipSync('hello').toString('latin1')], ['gzip, gzip, gzip',
    'x']].map(([c, b]) => [ok200(`Content-Encoding: ${c}`, `Content-Length: ${b.length}`) + b, 'keep'])],
};
const tooLarge = [[ok200('Content-Length: 10485761'), 'keep'], [ok200('Content-Length: 9223372036854775807'), 'keep'], [chunks('a00001\r\n'), 'keep'], [chunks('7fffffffffffffff\r\nx'), 'keep'],
  [ok200('Content-Encoding: gzip', 'Connection: close') + gzipSync(Buffer.alloc(12 << 20)).toString('latin1'), 'close']];
const R = (status, body) => ({ status, body });
const truths = [
  ...['HTTP/1.1 200 OK', 'HTTP/1.1 200 ', 'HTTP/1.1 200', 'HTTP/1.1 200 Very Fine Indeed', 'HTTP/1.1 200 caf\xe9', 'HTTP/1.1 200 \tOK', 'HTTP/1.0 200 OK', 'HTTP/1.1 200 200 OK',
    `HTTP/1.1 200 ${'r'.repeat(5000)}`].map((l) => [ans(l, 'Content-Length: 5') + 'hello', 'keep', R(200, 'hello')]),
  ...[201, 202, 203, 206, 226, 299, 300, 301, 302, 303, 307, 308, 399, 400, 401, 404, 409, 410, 418, 422, 429, 451, 499].map((s) => [ans(`HTTP/1.1 ${s} x`, 'Content-Length: 5') + 'hello',
    'keep', R(s, 'hello')]),
  ...[500, 501, 502, 503, 504, 505, 511, 599, 600, 799, 999].map((s) => [ans(`HTTP/1.1 ${s} x`, 'Content-Length: 5') + 'hello', 'keep', R(502)]),
  ...[204, 205, 304].map((s) => [ans(`HTTP/1.1 ${s} x`), s === 205 ? 'close' : 'keep', R(s, '')]), [ans('HTTP/1.1 304 x', 'Content-Length: 1000'), 'keep', R(304, '')],
  ...['X:', 'X: ', 'X:y', 'X:\ty\t', 'X: \xff', 'X: caf\xe9', 'X_Y: z', 'x-lower: y', "!#$%&'*+-.^`|~: y", 'Set-Cookie: a=b\r\nSet-Cookie: c=d', 'X: y\r\nX: z', 'Host: x', 'Date: never', 'Server:',
    'Connection: keep-alive', 'Connection:', 'Connection: close', 'Connection: x, y', 'Keep-Alive: timeout=0', 'Keep-Alive: x', 'Keep-Alive: timeout=99999999999999999999', 'Upgrade: h2c',
    'Upgrade: h2,h2c\r\nConnection: Upgrade', 'Alt-Svc: h3=":443"', 'Expect: x', 'Content-Encoding: identity', 'Content-Encoding: unknown', 'Content-Encoding:', 'Trailer: X', 'Location: http://[',
    'Retry-After: x', 'Content-Type: nonsense', 'Content-Type:', 'Content-Type: text/plain; charset=utf-16'].map((f) => [len5(f), 'keep', R(200)]),
  [ok200(...Array(120).fill('X: y'), 'Content-Length: 5') + 'hello', 'keep', R(200, 'hello')], [ok200(`X: ${'v'.repeat(60000)}`, 'Content-Length: 5') + 'hello', 'keep', R(200, 'hello')],
  ...['005', ' 5', '5 ', '0000000000005'].map((n) => [ok200(`Content-Length: ${n}`) + 'hello', 'keep', R(200, 'hello')]), [ok200('content-length:5') + 'hello', 'keep', R(200, 'hello')],
    [ok200('Content-Length: 0'), 'keep', R(200, '')],
  [ok200() + 'hello', 'close', R(200, 'hello')], [ok200(), 'close', R(200, '')], [ans('HTTP/1.0 200 OK') + 'hello', 'close', R(200, 'hello')], [ans('HTTP/1.1 200') + 'hello',
    'close', R(200, 'hello')],
  [len5() + 'GARBAGE BEHIND', 'keep', R(200, 'hello')], [len5() + len5(), 'keep', R(200, 'hello')], [len5() + '\r\n', 'keep', R(200, 'hello')],
    [chunks('5\r\nhello\r\n0\r\n\r\n') + 'HTTP/1.1 200 OK\r\n\r\n', 'keep', R(200, 'hello')], [len5(), 'close', R(200, 'hello')], [len5(), 'reset', R(200, 'hello')], [ans('HTTP/1.1 204 x') + 'hello',
    'keep', R(204, '')], [ans('HTTP/1.1 304 x') + 'hello', 'keep', R(304, '')],
  ...['5\r\nhello\r\n0\r\n\r\n', '05\r\nhello\r\n00\r\n\r\n', '5;a\r\nhello\r\n0\r\n\r\n', '5;a="b;\\"c"\r\nhello\r\n0;d\r\n\r\n', '1\r\nh\r\n4\r\nello\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\r\nX: y\r\n\r\n', '5\r\nhello\r\n0\r\nX: y\r\nZ:\r\n\r\n'].map((b) => [chunks(b), 'keep', R(200, 'hello')]), [ok200('transfer-encoding:CHUNKED') + '5\r\nhello\r\n0\r\n\r\n',
    'keep', R(200, 'hello')], [chunks('0\r\n\r\n'), 'keep', R(200, '')], [chunks('1\r\nx\r\n'.repeat(5000) + '0\r\n\r\n'), 'keep', R(200, 'x'.repeat(5000))],
  ['HTTP/1.1 100 Continue\r\n\r\n' + len5(), 'keep', R(200, 'hello')], ['HTTP/1.1 102 x\r\nX: y\r\n\r\n'.repeat(16) + len5(), 'keep', R(200, 'hello')],
    ['HTTP/1.1 103 x\r\nLink: <a>\r\n\r\nHTTP/1.1 100\r\n\r\n' + len5(), 'keep', R(200, 'hello')], ['HTTP/1.1 199 x\r\n\r\n' + chunks('5\r\nhello\r\n0\r\n\r\n'), 'keep', R(200, 'hello')],
  ...[['gzip', gzipSync('hello')], ['x-gzip', gzipSync('hello')], ['GZIP', gzipSync('hello')], ['gzip, gzip', gzipSync(gzipSync('hello'))], ['gzip', Buffer.concat([gzipSync('hel'), gzipSync('lo')])],
    ['identity, gzip', gzipSync('hello')]].map(([c, b]) => [ok200(`Content-Encoding: ${c}`, `Content-Length: ${b.length}`) + b.toString('latin1'), 'keep', R(200, 'hello')]),
    [ok200('Content-Encoding: gzip', 'Content-Length: 0'), 'keep', R(200, '')],
];
const allAnswers = [
  ...Object.entries(lies).flatMap(([group, list]) => list.map(([bytes, end], i) => ({ what: `${group} ${i} ${end}`, bytes, end, want: R(502), lie: true }))),
  ...tooLarge.map(([bytes, end], i) => ({ what: `too large ${i}`, bytes, end, want: R(413), lie: true })),
  ...truths.map(([bytes, end, want], i) => ({ what: `true ${i} ${end}`, bytes, end, want })),
];

test('whatever an upstream answers, the caller hears the truth in time, and a liar is not asked again on that connection', async (t) => {
  const wrong = [];
  const up = await tcp(t, (s) => {
    let text = '', lied = null;
    s.setEncoding('latin1').on('data', (d) => {
      text += d;
      for (let m; (m = /^[A-Z]+ \/(\d+) HTTP\/1.1\r\n[^]*?\r\n\r\n/.exec(text)); ) {
        text = text.slice(m[0].length);
        const a = allAnswers[m[1]];
        if (lied) wrong.push(`asked again: ${lied.what} then ${a.what}`);
        if (a.lie) lied = a;
        s.write(Buffer.from(a.bytes, 'latin1'), () => { if (a.end === 'close') s.end(); if (a.end === 'reset') setTimeout(() => s.resetAndDestroy(), 20); });
      }
    });
  });
  const w = await start(t, { 'call.yaml': `name: call\ntrigger: { webhook: { path: "/call/{n}", methods: [GET] } }\nkeep_failed: false\nsteps:\n  - http: { base_url: "${up.url}", path: "/\${ request.params.n }", method: GET, parse: bytes }\n    timeout: 1s\n` });
  let before = 0;
  for (const round of [0, 1, 2]) {
    await each([...allAnswers.keys()], 32, async (n) => {
      const a = allAnswers[n];
      const began = Date.now();
      const c = connect(w.edgePort);
      await c.write(`GET /call/${n} HTTP/1.0\r\n\r\n`);
      const got = await c.ended;
      const took = Date.now() - began;
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(got)?.[1]);
      const body = got.slice(got.indexOf('\r\n\r\n') + 4);
      const right = status === a.want.status || (a.lie && a.end === 'keep' && status === 504);
      if (!right || (a.want.body !== undefined && body !== a.want.body)) wrong.push(`${status} not ${a.want.status}: ${a.what}: ${JSON.stringify(a.bytes.slice(0, 150))} ${JSON.stringify(body.slice(0, 300))}`);
      if (took > (slow ? 5000 : 1500)) wrong.push(`${took} ms: ${a.what}`);
    });
    if (round === 0) before = rss(w.worker);
  }
  assert.deepEqual(wrong, []);
  const grown = rss(w.worker) - before;
  assert.ok(sanitized || grown < 4096, `${grown} KiB more memory after two rounds more`);
});
