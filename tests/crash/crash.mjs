// Deaths at random moments, under load: what was acknowledged is done, and nothing unsafe twice.
//
// What dies is, in turn: all of it (kill -9 of the supervisor, which takes its worker along), the worker by kill -9, and
// the worker by a signal that it reports (SIGSEGV; SIGABRT where a sanitizer has taken that). A worker's supervisor lives
// on and starts the next one.
//
// One upstream lives through all rounds and notes each call. In each round clients send events to three pipelines
// (durable: true, durable: steps, and one with an unsafe step) until the process dies; then it is started on
// the same store. At the end all jobs must be over, and:
//   - every acknowledged event was worked on (but an unsafe one that a kill cut in the middle: that job is dead);
//   - nothing was worked on twice but what was in flight at a kill;
//   - the first step of a durable: steps job never twice after its second step has begun;
//   - no unsafe call twice.
import http from 'node:http';
import { join } from 'node:path';
import { folder, nextWorker, sanitized, start, until, workerOf } from '../e2e/lib/weir.mjs';

const pipelines = (url) => ({
  'true.yaml': `
trigger: { webhook: { path: /true, methods: [POST] } }
respond: accepted
steps:
  - http: { method: PUT, url: "${url}/true", json: { id: "\${ request.body.id }" } }
    retry: 3
`,
  'steps.yaml': `
trigger: { webhook: { path: /steps, methods: [POST] } }
durable: steps
respond: accepted
steps:
  - http: { method: PUT, url: "${url}/first", json: { id: "\${ request.body.id }" } }
  - http: { method: PUT, url: "${url}/second", json: { id: "\${ request.body.id }" } }
`,
  'unsafe.yaml': `
trigger: { webhook: { path: /unsafe, methods: [POST] } }
respond: accepted
steps:
  - http: { method: POST, url: "${url}/pay", json: { id: "\${ request.body.id }" } }
  - http: { method: PUT, url: "${url}/paid", json: { id: "\${ request.body.id }" } }
`,
});

/** Counts calls by path and id; answers after a moment, so that there is always something in flight. */
async function makeUpstream(after) {
  const u = { calls: new Map(), n: 0 };
  const server = http.createServer(async (req, res) => {
    let body = '';
    for await (const piece of req) body += piece;
    const name = `${req.url} ${JSON.parse(body).id}`;
    u.calls.set(name, (u.calls.get(name) ?? 0) + 1);
    u.n++;
    setTimeout(() => res.end('{}'), Math.random() * 8);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  after.push(() => { server.closeAllConnections(); server.close(); });
  u.url = `http://127.0.0.1:${server.address().port}`;
  u.of = (path, id) => u.calls.get(`${path} ${id}`) ?? 0;
  return u;
}

/** Sends events until STOPPED; notes what was acknowledged. */
async function client(w, name, state) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  while (!state.stopped) {
    const id = `${name}-${state.n++}`;
    const kind = ['true', 'steps', 'unsafe'][state.n % 3];
    const answer = await new Promise((done) => {
      const req = http.request(`${w.edge}/${kind}`, { method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (res) => {
        let text = '';
        res.on('data', (d) => { text += d; });
        res.on('end', () => done({ status: res.statusCode, text }));
        res.on('error', () => done(null));
      });
      req.on('error', () => done(null));
      req.end(JSON.stringify({ id }));
    });
    if (answer?.status === 202 && answer.text.endsWith('}')) state.acked.push({ id, kind, job: JSON.parse(answer.text).job });
    else if (answer === null) break;
  }
  agent.destroy();
}

const ways = ['all of it', 'the worker by SIGKILL', sanitized ? 'the worker by SIGABRT' : 'the worker by SIGSEGV'];

/** Ends W in one of the WAYS; gives it back if it lives on, with the next worker at work. */
async function end(w, way) {
  if (way === 'all of it') {
    w.killed = true;
    await w.kill();
    return null;
  }
  const old = workerOf(w);
  const begin = performance.now();
  process.kill(old, way.split(' ').at(-1));
  await nextWorker(w, old);
  w.backMs = Math.max(w.backMs ?? 0, performance.now() - begin);
  return w;
}

/** ROUNDS deaths; the result: { acked, calls, kills, again, dead, readyMs, backMs, faults }: KILLS counts
 * each way, BACK is how long a worker's place was empty at most. */
export async function crash({ rounds = 5, clients = 16, lifeMs = 700, log = () => {} } = {}) {
  const after = [];
  const t = { after: (fn) => after.unshift(fn) };
  try {
    const u = await makeUpstream(after);
    const dir = folder(t, pipelines(u.url));
    const go = () => start(t, dir, { args: ['--store', `sqlite:${join(dir, 'var/weir.db')}`, '--set', 'log.access=false'], shards: 2 });
    const acked = [];
    const kills = {};
    let readyMs = 0;
    let backMs = 0;
    let w = null;
    for (let round = 0; round < rounds; round++) {
      const begin = performance.now();
      w ??= await go();
      readyMs = Math.max(readyMs, performance.now() - begin);
      const state = { stopped: false, n: 0, acked };
      const all = Array.from({ length: clients }, (_, i) => client(w, `${round}-${i}`, state));
      await new Promise((done) => setTimeout(done, 50 + Math.random() * lifeMs));
      const way = ways[round % ways.length];
      kills[way] = (kills[way] ?? 0) + 1;
      const ended = w;
      w = await end(w, way);
      backMs = Math.max(backMs, ended.backMs ?? 0);
      state.stopped = true;
      await Promise.all(all);
      log(`round ${round + 1}/${rounds} (${way}): ${acked.length} acknowledged, ${u.n} calls`);
    }
    w ??= await go();
    const states = new Map();
    const reasons = new Map();
    for (const a of acked) {
      const last = await until(async () => {
        const s = (await (await fetch(`${w.edge}/_weir/jobs/${a.job}`)).json()).state;
        return ['completed', 'dead', 'cancelled'].includes(s) ? s : null;
      }, `job ${a.job} of ${a.id} is over`, 60_000);
      states.set(a.id, last);
      if (last === 'dead') reasons.set(a.id, (await (await fetch(`${w.admin}/api/v1/jobs/${a.job}`)).json()).reason);
    }
    const faults = [];
    let again = 0, dead = 0;
    for (const { id, kind } of acked) {
      const s = states.get(id);
      const paths = { true: ['/true'], steps: ['/first', '/second'], unsafe: ['/pay', '/paid'] }[kind];
      for (const path of paths) again += Math.max(0, u.of(path, id) - 1);
      if (s === 'dead') dead++;
      if (s !== 'completed' && !(kind === 'unsafe' && s === 'dead')) faults.push(`${id} is ${s}: ${reasons.get(id)}`);
      if (s === 'completed' && paths.some((path) => u.of(path, id) === 0)) faults.push(`${id} is completed, and was not worked on`);
      if (kind === 'unsafe' && u.of('/pay', id) > 1) faults.push(`${id} was paid ${u.of('/pay', id)} times`);
    }
    // each client has at most one event in flight, and a shard at most so many runs under way
    const inFlight = rounds * 2 * 256;
    if (again > inFlight) faults.push(`${again} calls were made again, more than can have been in flight`);
    return { acked: acked.length, calls: u.n, kills, again, dead, readyMs, backMs, faults };
  } finally {
    for (const fn of after) await fn();
  }
}
