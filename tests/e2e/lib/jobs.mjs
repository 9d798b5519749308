// What tests of durable runs share: an upstream that notes its calls, a store over restarts, jobs.
import http from 'node:http';
import { join } from 'node:path';
import { folder, start, until } from './weir.mjs';

/** An upstream that notes each call; ANSWER(call, res, n) answers, {} if it is left out. */
export async function upstream(t, answer = (_, res) => res.end('{}')) {
  const u = { calls: [] };
  const server = http.createServer(async (req, res) => {
    let body = '';
    for await (const piece of req) body += piece;
    const call = { path: req.url, method: req.method, key: req.headers['idempotency-key'], body: body ? JSON.parse(body) : null };
    u.calls.push(call);
    res.setHeader('content-type', 'application/json');
    answer(call, res, u.calls.length);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => { server.closeAllConnections(); server.close(); });
  u.url = `http://127.0.0.1:${server.address().port}`;
  u.of = (path) => u.calls.filter((c) => c.path === path);
  return u;
}

/** A folder for the store, and what starts a weir on it, again and again. */
export function place(t, pipelines) {
  const dir = folder(t, pipelines);
  const go = (more = {}) => start(t, dir, { args: ['--store', `sqlite:${join(dir, 'var/weir.db')}`], ...more });
  go.dir = dir;
  return go;
}

export const post = (w, path, body = {}) => fetch(`${w.edge}${path}`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

export const state = async (w, job) => (await (await fetch(`${w.edge}/_weir/jobs/${job}`)).json()).state;

export const over = (w, job, wanted) => until(async () => (await state(w, job)) === wanted, `job ${job} is ${wanted}`);
