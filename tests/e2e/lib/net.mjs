// Raw sockets and scripted servers for tests.
import net from 'node:net';
import http from 'node:http';

/** A TCP connection that keeps all that it was sent: { socket, text, write, ended, until(regex), end }. */
export function connect(port, host = '127.0.0.1') {
  const c = { text: '', closed: false, error: null, waiting: [] };
  c.socket = net.connect({ port, host, noDelay: true });
  const look = () => { c.waiting = c.waiting.filter(({ matches, done }) => { if (!matches()) return true; done(c.text); return false; }); };
  c.socket.setEncoding('latin1').on('data', (d) => { c.text += d; look(); });
  c.socket.on('error', (e) => { c.error = e; });
  c.ended = new Promise((done) => c.socket.once('close', () => { c.closed = true; look(); done(c.text); }));
  c.write = (text) => new Promise((done) => { c.socket.write(Buffer.from(text, 'latin1'), () => done()); });
  c.until = (regex) => new Promise((done, fail) => {
    const matches = () => regex.test(c.text);
    if (matches()) return done(c.text);
    c.waiting.push({ matches, done });
    c.ended.then(() => { if (!matches()) fail(new Error(`closed before ${regex}: ${JSON.stringify(c.text.slice(0, 500))}`)); });
  });
  c.end = () => c.socket.destroy();
  return c;
}

/** Sends TEXT on a connection of its own and gives all that came until the end. */
export async function exchange(port, text) {
  const c = connect(port);
  await c.write(text);
  return c.ended;
}

/** Splits one answer with Content-Length or no body: { status, headers, body }. */
export function parse(text) {
  const end = text.indexOf('\r\n\r\n');
  const [first, ...rest] = text.slice(0, end).split('\r\n');
  const headers = {};
  for (const line of rest) headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 1).trim();
  return { status: Number(first.split(' ')[1]), headers, body: text.slice(end + 4) };
}

/** An HTTP server on a free port, answering by HANDLE(request, response, body). */
export async function upstream(t, handle) {
  const requests = [];
  const server = http.createServer((request, response) => {
    const pieces = [];
    request.on('data', (p) => pieces.push(p));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      requests.push({ method: request.method, url: request.url, headers: request.headers, body: body.toString() });
      handle(request, response, body);
    });
    request.on('error', () => {});
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => new Promise((done) => { server.closeAllConnections(); server.close(done); }));
  return { port: server.address().port, url: `http://127.0.0.1:${server.address().port}`, requests, server };
}

/** A TCP server on a free port: HANDLE(socket, n) is called for each connection, n counting from 1. */
export async function tcp(t, handle) {
  const sockets = new Set();
  let n = 0;
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    handle(socket, ++n);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => new Promise((done) => { for (const s of sockets) s.destroy(); server.close(done); }));
  return { port: server.address().port, url: `http://127.0.0.1:${server.address().port}`, sockets, get count() { return n; } };
}
