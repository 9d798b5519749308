// Starts a real redis-server on a free port, and ends it by its pid.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import net from 'node:net';
import { folder, until } from './weir.mjs';

/** A port that was free a moment ago. */
export async function freePort() {
  const s = net.createServer();
  await new Promise((done) => s.listen(0, '127.0.0.1', done));
  const { port } = s.address();
  await new Promise((done) => s.close(done));
  return port;
}

/**
 * Starts redis-server without persistence: { port, url, pid, command(...), freeze(), thaw(), stop(), start() }.
 * stop() ends it; start() brings it back, empty, on the same port.
 */
export async function redis(t, { args = [] } = {}) {
  const dir = folder(t);
  const r = { port: await freePort() };
  r.url = `redis://127.0.0.1:${r.port}`;
  let child = null;
  r.start = async () => {
    child = spawn('redis-server', ['--port', String(r.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir, ...args],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    r.pid = child.pid;
    const lines = createInterface({ input: child.stdout });
    await new Promise((done, fail) => {
      lines.on('line', (line) => { if (/Ready to accept connections/.test(line)) done(); });
      child.once('exit', (code) => fail(new Error(`redis-server ended with ${code}`)));
    });
  };
  r.stop = async () => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
  };
  r.freeze = () => child.kill('SIGSTOP');
  r.thaw = () => child.kill('SIGCONT');
  r.command = (...words) => command(r.port, words);
  t.after(r.stop);
  await r.start();
  await until(async () => (await r.command('PING')) === 'PONG', 'redis answers');
  return r;
}

/** One command on a connection of its own; its reply as JavaScript has it. Errors are thrown. */
function command(port, words) {
  return new Promise((done, fail) => {
    const s = net.connect(port, '127.0.0.1');
    let text = Buffer.alloc(0);
    s.on('error', fail);
    s.on('data', (d) => {
      text = Buffer.concat([text, d]);
      const reply = read(text, 0);
      if (reply === null) return;
      s.destroy();
      if (reply.value instanceof Error) fail(reply.value); else done(reply.value);
    });
    s.write(`*${words.length}\r\n${words.map((w) => `$${Buffer.byteLength(String(w))}\r\n${w}\r\n`).join('')}`);
  });
}

/** The reply (RESP2) that begins AT, and where it ends; null: there is more to come. */
function read(text, at) {
  const end = text.indexOf('\r\n', at);
  if (end < 0) return null;
  const line = text.toString('utf8', at + 1, end);
  const next = end + 2;
  switch (text[at]) {
    case 0x2b: return { value: line, next };
    case 0x2d: return { value: new Error(line), next };
    case 0x3a: return { value: Number(line), next };
    case 0x24: {
      const len = Number(line);
      if (len < 0) return { value: null, next };
      return text.length < next + len + 2 ? null : { value: text.toString('utf8', next, next + len), next: next + len + 2 };
    }
    default: {
      const items = [];
      let from = next;
      for (let i = 0; i < Number(line); i++) {
        const item = read(text, from);
        if (item === null) return null;
        items.push(item.value);
        from = item.next;
      }
      return { value: Number(line) < 0 ? null : items, next: from };
    }
  }
}
