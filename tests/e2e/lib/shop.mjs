// What tests of jobs share: pipelines that fail while their upstream does, and ways to ask for what became of them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { binary, folder, start, until, weir } from './weir.mjs';
import { upstream } from './net.mjs';

export const pay = (url) => `
name: pay
durable: true
respond: accepted
concurrency: { limit: 10, key: "\${ request.params.shop }" }
trigger: { webhook: { path: "/pay/{shop}", methods: [POST] } }
steps:
  - id: check
    set: { amount: "\${ request.body.amount }" }
  - id: choose
    switch:
    cases:
      - when: \${ request.body.amount > 5 }
        do:
          - id: charge
            http: { method: POST, url: "${url}/charge", json: { amount: "\${ request.body.amount }" } }
    default:
      - id: free
        set: { nothing: true }
  - id: receipt
    set: { done: true }
`;
// It is not durable: a run that failed is kept. The peer echoes its secret.
const frail = (url) => `
name: frail
trigger: { webhook: { path: /frail, methods: [POST] } }
steps:
  - id: told
    http: { url: "${url}/echo", headers: { Authorization: "Bearer \${ secrets.CRM }" } }
  - id: asked
    http: "${url}/frail"
`;
// It fails, and its next attempt is an hour away.
const late = (url) => `
name: late
durable: true
respond: accepted
retry: { schedule: [1h] }
trigger: { webhook: { path: /late, methods: [POST] } }
steps:
  - id: asked
    http: "${url}/late"
`;

export const unknown = '01890a5d-ac96-774b-bcce-b302099a8057';

/** An upstream that fails while p.broken, and weir with the pipelines above. */
export async function shop(t, { more = {}, ...options } = {}) {
  const p = { broken: true };
  Object.assign(p, await upstream(t, (request, response) => {
    const echo = request.url === '/echo';
    response.statusCode = p.broken && !echo ? 503 : 200;
    response.end(echo ? `you are ${request.headers.authorization}` : 'fine');
  }));
  const store = `sqlite:${folder(t)}/weir.db`;
  const w = await start(t, { 'pay.yaml': pay(p.url), 'frail.yaml': frail(p.url), 'late.yaml': late(p.url), ...more },
    { ...options, args: ['--store', store, ...(options.args ?? [])], env: { WEIR_SECRET_CRM: 'hush-hush-hush' } });
  const s = { p, w };
  s.api = async (method, path, body, headers = {}) => {
    const r = await fetch(`${w.admin}/api/v1/${path}`, { method, headers, body: typeof body === 'object' ? JSON.stringify(body) : body });
    return { status: r.status, allow: r.headers.get('allow'), location: r.headers.get('location'), body: await r.json().catch(() => null) };
  };
  s.cli = (...args) => weir([...args, '--admin', w.admin.slice(7)], { env: { SUDO_USER: '', USER: 'ada' } });
  /** The same for a command that waits: this process has to answer as the upstream meanwhile. */
  s.wait = (...args) => new Promise((done) => {
    const child = spawn(binary, [...args, '--admin', w.admin.slice(7)], { env: { ...process.env, SUDO_USER: '', USER: 'ada' }, stdio: ['ignore', 'pipe', 'pipe'] });
    const r = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (d) => { r.out += d; });
    child.stderr.setEncoding('utf8').on('data', (d) => { r.err += d; });
    child.once('close', (code) => { assert.doesNotMatch(r.err, /Sanitizer|runtime error:/); done({ ...r, code }); });
  });
  s.send = async (path, body = {}, headers = {}) => {
    const r = await fetch(`${w.edge}/${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
    return { status: r.status, body: await r.json().catch(() => null) };
  };
  /** Replays as a program would: with the plan, a reason, and all the acks that are needed. */
  s.replay = async (id, more = {}) => {
    const plan = (await s.api('POST', `jobs/${id}/plan`, more)).body;
    return s.api('POST', `jobs/${id}/replay`, { reason: 'a test', ...more, plan: plan.plan, ack: plan.acks });
  };
  s.job = async (id) => (await s.api('GET', `jobs/${id}`)).body;
  s.state = (id, state) => until(async () => (await s.job(id)).state === state, `job ${id} is ${state}`);
  s.jobs = async (query) => (await s.api('GET', `jobs?${query}`)).body;
  /** Sends to pay and waits until that job is in STATE: its id. */
  s.pay = async (state, amount = 7, shop = 'one', headers = {}) => {
    const r = await s.send(`pay/${shop}`, { amount }, headers);
    assert.equal(r.status, 202, JSON.stringify(r.body));
    await s.state(r.body.job, state);
    return r.body.job;
  };
  /** Sends to frail: the id of the dead job that is kept of it. */
  s.frail = async () => {
    const n = (await s.jobs('pipeline=frail')).total;
    assert.equal((await s.send('frail')).status, 502);
    await until(async () => (await s.jobs('pipeline=frail')).total === n + 1, 'the failed run is kept');
    return (await s.jobs('pipeline=frail&limit=1')).jobs[0].id;
  };
  return s;
}
