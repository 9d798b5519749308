// The rows of tests/bench/scale.mjs: what grows, and what may come of it.
//
// A row gives { small, large (labels), pairs: [{ small, large, ratio }], unit, notes: [text], bad, foreign }, or points of a line.
// TARGET is checked against the median of the ratios, pair by pair.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder, metric, weir as command } from '../../e2e/lib/weir.mjs';
import { gateways, upstreams } from './gateway.mjs';
import { memory } from './memory.mjs';
import { anonymous, resident } from './proc.mjs';
import { ask, atRest, idleConnections, nginx, scratch, sleep, steady, upstream, weir } from './scale_run.mjs';
import { median } from './tiers.mjs';

const t0 = 'name: t0\ntrigger: { webhook: { path: /t0, methods: [GET] } }\nsteps:\n  - reply: { json: { ok: true, message: static json reply of the benchmark } }\n';
const t1 = `name: t1
trigger: { webhook: { path: /t1, methods: [POST] } }
steps:
  - http:
      method: POST
      url: \${ env.UPSTREAM_URL ?? 'http://127.0.0.1:9100' }/
      headers: { content-type: application/json }
      body: \${ request.raw }
      parse: bytes
`;
const mb = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const ms = (v) => (v < 10 ? `${v.toFixed(2)} ms` : v < 2000 ? `${v.toFixed(0)} ms` : `${(v / 1000).toFixed(1)} s`);

/** A document of JSON of about SIZE bytes, in a file. */
function bodyFile(t, size) {
  const items = [];
  for (let left = size - 60, i = 0; left > 0; i++) { const one = { id: i, name: `item ${i} of an order`, price: i * 1.25, tags: ['a', 'b'] }; items.push(one); left -= JSON.stringify(one).length + 1; }
  const file = join(scratch(t), 'body.json');
  writeFileSync(file, JSON.stringify({ text: 'an order of the benchmark', items: size < 200 ? [] : items }));
  return file;
}

/** By turns: the small case, the large case, and again. SIDES: [{ side, what, label }] twice; FIGURE of a turn is what is divided. */
async function turns(c, sides, figure = (one) => one.us) {
  const pairs = [], all = [[], []];
  for (const s of sides) await ask(s.side, s.what, 1); // warm
  for (let i = 0; i < c.rounds; i++) {
    for (const [k, s] of sides.entries()) {
      c.progress(`round ${i + 1} of ${c.rounds}: ${s.label}`);
      all[k].push(await ask(s.side, s.what, c.seconds));
    }
    pairs.push({ small: figure(all[0][i]), large: figure(all[1][i]), ratio: figure(all[1][i]) / figure(all[0][i]) });
  }
  const every = all.flat(), of = (k, key) => median(all[k].map((one) => one[key]));
  return {
    small: sides[0].label, large: sides[1].label, pairs, unit: 'us',
    bad: every.reduce((sum, one) => sum + one.bad, 0), foreign: median(every.map((one) => one.foreign)),
    notes: [`${of(0, 'us').toFixed(1)} and ${of(1, 'us').toFixed(1)} us of CPU a request, ${Math.round(of(0, 'rps')).toLocaleString('en')}/s and ${Math.round(of(1, 'rps')).toLocaleString('en')}/s, p99 ${of(0, 'p99').toFixed(1)} and ${of(1, 'p99').toFixed(1)} ms; the server took ${of(0, 'util').toFixed(2)} and ${of(1, 'util').toFixed(2)} of a CPU`],
  };
}

const smallPipeline = (i) => `name: p${i}
description: Pipeline ${i} of many.
trigger: { webhook: { path: "/p${i}/{id}", methods: [GET] } }
steps:
  - id: seen
    set: { id: "\${ request.params.id }", at: ${i} }
  - reply: { json: { ok: true, id: "\${ steps.seen.id }" } }
`;

async function work(c) {
  const script = { 'work.yaml': 'name: work\ntrigger: { webhook: { path: "/work/{n}", methods: [GET] } }\nsteps:\n  - lua:\n      config: { n: "${ int(request.params.n) }" }\n      max_time: 10s\n      script: |\n        local x = 0\n        for i = 1, config.n do x = x + i % 7 end\n        return { x = x }\n  - reply: { json: "${ input }" }\n' };
  const one = await weir(c.t, '1 shard', script, { shards: 1, pin: false }), two = await weir(c.t, '2 shards', script, { shards: 2, pin: false });
  c.progress('finding out what 1 ms is');
  const probe = await ask(one, { path: '/work/20000', connections: 8 }, 1);
  const n = Math.round((20_000 * 1000) / probe.us), what = { path: `/work/${n}`, connections: 16 };
  const r = await turns(c, [{ side: one, what, label: '1 shard' }, { side: two, what, label: '2 shards' }], (o) => o.rps);
  return { ...r, unit: '/s', notes: [...r.notes, `a request does ${n.toLocaleString('en')} rounds of a loop in Lua`] };
}

async function shards(c) {
  const up = await upstream(c.t), env = { UPSTREAM_URL: `http://127.0.0.1:${up.port}` }, body = bodyFile(c.t, 120);
  const one = await weir(c.t, '1 shard', { 't1.yaml': t1 }, { shards: 1, pin: false, env }), two = await weir(c.t, '2 shards', { 't1.yaml': t1 }, { shards: 2, pin: false, env });
  one.others = two.others = [up];
  const what = { path: '/t1', body };
  return turns(c, [{ side: one, what, label: '1 shard' }, { side: two, what, label: '2 shards' }]);
}

/** What callers feel at 1,000 requests a second while DO runs: the longest wait, in ms. */
async function felt(c, side, path, act) {
  const under = steady(c.tool, side, `GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`, { rate: 1000, seconds: 3, connections: 32 });
  await sleep(1500);
  const begin = performance.now(), result = await act(), took = performance.now() - begin;
  return { result, took, ...(await under) };
}

async function pipelines(c) {
  const made = (n) => folder(c.t, Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}.yaml`, smallPipeline(i)])));
  c.progress('writing 10,000 files');
  const few = made(10), many = made(10_000);
  const begin = performance.now();
  const checked = command(['check', many]);
  const check = performance.now() - begin;
  if (checked.code !== 0) throw new Error(checked.err);
  const small = await weir(c.t, '10', few), large = await weir(c.t, '10,000', many);
  const rss = [resident(small.w.worker), resident(large.w.worker)];
  const r = await turns(c, [{ side: small, what: { path: '/p%d/5', n: 10 }, label: '10 pipelines' }, { side: large, what: { path: '/p%d/5', n: 10_000 }, label: '10,000 pipelines' }]);
  const served = [resident(small.w.worker), resident(large.w.worker)];
  c.progress('at rest');
  const rest = await atRest(large);
  c.progress('a scrape of /metrics, a list, a reload');
  const calm = await felt(c, large, '/p7/5', async () => {});
  const scrape = await felt(c, large, '/p7/5', async () => (await (await fetch(`${large.w.admin}/metrics`)).text()).length);
  const list = await felt(c, large, '/p7/5', async () => (await (await fetch(`${large.w.admin}/api/v1/pipelines`)).text()).length);
  const reload = () => fetch(`${large.w.admin}/api/v1/reload`, { method: 'POST' });
  const reloaded = await felt(c, large, '/p7/5', async () => (await reload()).status);
  if (reloaded.result !== 200) throw new Error(`the reload answered ${reloaded.result}`);
  const grown = [resident(large.w.worker)];
  for (let i = 0; i < 10; i++) { c.progress(`reload ${i + 2} of 11`); await reload(); await sleep(200); grown.push(resident(large.w.worker)); }
  return {
    ...r, notes: [...r.notes,
      `checked in ${ms(check)}; ready ${ms(large.ms)} after the start (10 pipelines: ${ms(small.ms)}); reloaded in ${ms(reloaded.took)}`,
      `${mb(rss[1])} resident when loaded (10: ${mb(rss[0])}), ${((rss[1] - rss[0]) / 9990 / 1024).toFixed(1)} KiB a pipeline of two steps, ${((served[1] - served[0]) / 9990 / 1024).toFixed(1)} KiB once all had requests; ${mb(grown[0])} after one reload, ${mb(grown.at(-1))} after 11`,
      `at rest ${rest.toFixed(1)} ms of CPU a second`,
      `the longest wait of a caller at 1,000/s: ${calm.max.toFixed(1)} ms; ${reloaded.max.toFixed(1)} ms during a reload, ${scrape.max.toFixed(1)} ms during a scrape of /metrics (${mb(scrape.result)} in ${ms(scrape.took)}), ${list.max.toFixed(1)} ms during a list of all pipelines (${mb(list.result)} in ${ms(list.took)})`],
  };
}

async function routes(c) {
  const file = (n) => ({ 'routes.yaml': `name: routes\ntrigger:\n${Array.from({ length: n }, (_, i) => `  - webhook: { path: "/api/v2/{tenant}/things${i}/{id}/items", methods: [GET] }\n`).join('')}steps:\n  - reply: { json: { ok: true, id: "\${ request.params.id }" } }\n` });
  const small = await weir(c.t, '10', file(10)), large = await weir(c.t, '1,000', file(1000));
  const path = '/api/v2/acme/things%d/42/items';
  return turns(c, [{ side: small, what: { path, n: 10 }, label: '10 routes' }, { side: large, what: { path, n: 1000 }, label: '1,000 routes' }]);
}

const CONNECTIONS = 10_000;

async function connections(c) {
  const small = await weir(c.t, '64', { 't0.yaml': t0 }), large = await weir(c.t, '10,064', { 't0.yaml': t0 });
  await sleep(500);
  const before = memory(large.w.pid);
  c.progress(`opening ${CONNECTIONS} connections`);
  const sockets = await idleConnections(large, '/t0', CONNECTIONS);
  await sleep(1000); // what reading them took is given back
  const after = memory(large.w.pid);
  try {
    const rest = await atRest(large);
    const r = await turns(c, [{ side: small, what: { path: '/t0' }, label: '64 connections' }, { side: large, what: { path: '/t0' }, label: '64, and 10,000 that wait' }]);
    return { ...r, notes: [...r.notes, `${((after.pss - before.pss) / CONNECTIONS).toFixed(0)} bytes a connection that waits; at rest ${rest.toFixed(1)} ms of CPU a second`] };
  } finally {
    for (const s of sockets) s.destroy();
  }
}

/**
 * weir beside nginx, in the small case and in the large one (WHATS, [what, label] each), by turns: what is compared is the ratio of both,
 * where the cost of the kernel or of each byte grows for everybody.
 */
async function besideNginx(c, own, peer, whats) {
  const us = [[[], []], [[], []]], pairs = [], foreign = [];
  let bad = 0;
  for (const side of [own, peer]) for (const [what] of whats) await ask(side, what, 1);
  for (let i = 0; i < c.rounds; i++) {
    for (const [k, [what, label]] of whats.entries()) {
      for (const [s, side] of [own, peer].entries()) {
        c.progress(`round ${i + 1} of ${c.rounds}: ${side.label}, ${label}`);
        const one = await ask(side, what, Math.max(c.seconds, what.seconds ?? 0));
        us[s][k].push(one.us);
        bad += one.bad;
        foreign.push(one.foreign);
      }
    }
    const ratio = (k) => us[0][k][i] / us[1][k][i];
    pairs.push({ small: ratio(0), large: ratio(1), ratio: ratio(1) / ratio(0) });
  }
  const m = (s, k) => median(us[s][k]).toFixed(1);
  return { small: `weir / nginx, ${whats[0][1]}`, large: whats[1][1], pairs, unit: 'x', bad, foreign: median(foreign), notes: [`weir ${m(0, 0)} and ${m(0, 1)} us a request, nginx ${m(1, 0)} and ${m(1, 1)} us`] };
}

async function busy(c) {
  const own = await weir(c.t, 'weir', { 't0.yaml': t0 }), before = resident(own.w.worker);
  const peer = await nginx(c.t, 'nginx', (port) => `server { listen 127.0.0.1:${port} backlog=4096 reuseport; location = /t0 { return 200 '{"ok":true,"message":"static json reply of the benchmark"}'; } }`, 0);
  const r = await besideNginx(c, own, peer, [[{ path: '/t0' }, '64 connections'], [{ path: '/t0', connections: CONNECTIONS, seconds: 8 }, '10,000, all of them asking']]);
  return { ...r, notes: [...r.notes, `${((resident(own.w.worker) - before) / CONNECTIONS).toFixed(0)} bytes a connection more resident afterwards`] };
}

async function bodies(c) {
  const up = await upstream(c.t), env = { UPSTREAM_URL: `http://127.0.0.1:${up.port}` };
  const peer = await nginx(c.t, 'nginx', (port) => `client_max_body_size 10m; client_body_buffer_size 256k; upstream up { server 127.0.0.1:${up.port}; keepalive 256; keepalive_requests 1000000000; } proxy_http_version 1.1; proxy_set_header Connection "";\n`
    + `server { listen 127.0.0.1:${port} backlog=4096 reuseport; location /t1 { proxy_pass http://up; } }`, 0);
  const own = await weir(c.t, 'weir', { 't1.yaml': t1 }, { env });
  peer.others = own.others = [up];
  return besideNginx(c, own, peer, [[{ path: '/t1', body: bodyFile(c.t, 120) }, 'bodies of 120 bytes'], [{ path: '/t1', body: bodyFile(c.t, 100_000) }, 'of 100 KB']]);
}

async function keys(c) {
  const file = { 'keys.yaml': 'name: keys\ntrigger: { webhook: { path: /keys, methods: [GET] } }\nsteps:\n  - ratelimit: { name: keys, key: "${ request.headers[\'x-api-key\'] }", limit: 100000/24h, algorithm: sliding-window }\n  - reply: { json: { ok: true } }\n' };
  const N = 1_000_000;
  const small = await weir(c.t, '1,000', file), large = await weir(c.t, '1,000,000', file);
  const before = resident(large.w.worker), what = { path: '/keys', key: 'client-%d', n: N };
  for (let from = 0; from < N;) { c.progress(`keys: ${from.toLocaleString('en')}`); from += (await ask(large, { ...what, from }, 10)).n; }
  const there = await metric(large.w, 'weir_ratelimit_keys'), bytes = await metric(large.w, 'weir_ratelimit_bytes'), grown = resident(large.w.worker) - before;
  const rest = await atRest(large);
  const r = await turns(c, [{ side: small, what: { path: '/keys', key: 'client-%d', n: 1000 }, label: '1,000 keys' }, { side: large, what, label: '1,000,000 keys' }]);
  return { ...r, notes: [...r.notes, `${there.toLocaleString('en')} keys are there: ${(bytes / there).toFixed(0)} bytes a key as counted, ${(grown / there).toFixed(0)} resident; at rest ${rest.toFixed(1)} ms of CPU a second`] };
}

const NODES = [1, 10, 25, 50, 75, 100];

/** A pipeline of N nodes, each of which reads what the one before it gave. */
const chain = (n) => `name: n${n}\ntrigger: { webhook: { path: /n${n}, methods: [GET] } }\nsteps:\n${Array.from({ length: n }, (_, i) => `  - id: s${i}\n    set: { at: ${i}, before: "${i ? `\${ steps.s${i - 1}.at }` : 'none'}" }\n`).join('')}  - reply: { json: { ok: true } }\n`;

/** The line through POINTS by least squares: { slope, start, off: the largest distance from it, of the value }. */
function fit(points) {
  const n = points.length, x = points.reduce((s, p) => s + p.n, 0) / n, y = points.reduce((s, p) => s + p.us, 0) / n;
  const slope = points.reduce((s, p) => s + (p.n - x) * (p.us - y), 0) / points.reduce((s, p) => s + (p.n - x) ** 2, 0), begin = y - slope * x;
  return { slope, begin, off: Math.max(...points.map((p) => Math.abs(p.us / (begin + slope * p.n) - 1))) };
}

async function nodes(c) {
  const side = await weir(c.t, 'nodes', Object.fromEntries(NODES.map((n) => [`n${n}.yaml`, chain(n)])));
  const us = NODES.map(() => []), foreign = [];
  let bad = 0;
  for (const n of NODES) await ask(side, { path: `/n${n}` }, 1);
  for (let i = 0; i < c.rounds; i++) {
    for (const [k, n] of NODES.entries()) {
      c.progress(`round ${i + 1} of ${c.rounds}: ${n} nodes`);
      const one = await ask(side, { path: `/n${n}` }, Math.max(1, Math.round(c.seconds / 2)));
      us[k].push(one.us);
      bad += one.bad;
      foreign.push(one.foreign);
    }
  }
  const at = (n, i) => us[NODES.indexOf(n)][i];
  const pairs = us[0].map((_, i) => { const small = (at(50, i) - at(1, i)) / 49, large = (at(100, i) - at(50, i)) / 50; return { small, large, ratio: large / small }; });
  const points = NODES.map((n, k) => ({ n, us: median(us[k]), min: Math.min(...us[k]), max: Math.max(...us[k]) })), line = fit(points);
  return { small: 'a node more, from 1 to 50', large: 'a node more, from 50 to 100', pairs, unit: 'us', bad, foreign: median(foreign), points, line,
    notes: [`slope ${line.slope.toFixed(3)} us a node, ${line.begin.toFixed(1)} us for what is around them; no point is more than ${(100 * line.off).toFixed(1)} % off the line: ${points.map((p) => `${p.n}: ${p.us.toFixed(1)}`).join(', ')} us`] };
}

async function latency(c) {
  const up = await upstream(c.t), body = bodyFile(c.t, 120);
  const files = { 't0.yaml': t0, 't1.yaml': t1, 't3m.yaml': gateways()['t3m.yaml'] };
  const side = await weir(c.t, 'weir', files, { env: upstreams(`http://127.0.0.1:${up.port}`) });
  side.others = [up];
  const json = '{"text":"an order of the benchmark"}', gateway = '/t3m/gateway/embeddings/embed';
  const post = (path) => `POST ${path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nX-Api-Key: client-1\r\nContent-Length: ${json.length}\r\n\r\n${json}`;
  const tiers = [['T0', { path: '/t0' }, 'GET /t0 HTTP/1.1\r\nHost: bench\r\n\r\n'], ['T1', { path: '/t1', body }, post('/t1')], ['T3m', { path: gateway, body, key: 'client-1' }, post(gateway)]];
  const pairs = [], notes = [], foreign = [];
  let bad = 0;
  for (const [name, what, text] of tiers) {
    await ask(side, what, 1);
    const p99 = [];
    for (let i = 0; i < c.rounds; i++) {
      c.progress(`${name}, round ${i + 1} of ${c.rounds}`);
      const peak = await ask(side, what, c.seconds), half = await steady(c.tool, side, text, { rate: Math.round(peak.rps / 2), seconds: c.seconds });
      foreign.push(peak.foreign);
      bad += peak.bad + half.bad;
      p99.push({ peak: peak.rps, ...half });
    }
    const of = (key) => median(p99.map((one) => one[key]));
    notes.push(`${name}: half of ${Math.round(of('peak')).toLocaleString('en')}/s; p50 ${of('p50').toFixed(2)}, p99 ${of('p99').toFixed(2)}, p99.9 ${of('p999').toFixed(2)} ms, from when each request was due`);
    pairs.push({ small: of('p50'), large: of('p99'), ratio: of('p99') });
  }
  const worst = Math.max(...pairs.map((p) => p.ratio));
  return { small: 'p50 at half of the peak', large: 'p99 at half of the peak', pairs: pairs.filter((p) => p.ratio === worst), unit: 'ms', bad, foreign: median(foreign), notes };
}

async function flat(c) {
  const side = await weir(c.t, 'weir', { 't0.yaml': t0 }, { shards: 2, pin: false }), millions = c.millions, own = [anonymous(side.w.worker)], all = [resident(side.w.worker)];
  let sent = 0, bad = 0;
  const foreign = [], begin = performance.now();
  while (sent < millions * 1e6) {
    const rate = sent ? sent / ((performance.now() - begin) / 1000) : 20_000, left = own.length * 1e6 - sent;
    const one = await ask(side, { path: '/t0' }, Math.max(1, Math.min(60, Math.round(left / rate))));
    sent += one.n;
    bad += one.bad;
    foreign.push(one.foreign);
    while (own.length <= Math.floor(sent / 1e6) && own.length <= millions) { own.push(anonymous(side.w.worker)); all.push(resident(side.w.worker)); }
    c.progress(`${(sent / 1e6).toFixed(1)} of ${millions} million; ${mb(own.at(-1))}`);
  }
  const first = own[1], last = own.at(-1), list = (values) => values.slice(1).map((v) => (v / 2 ** 20).toFixed(2)).join(', ');
  return { small: 'after 1 million requests', large: `after ${millions} million`, pairs: [{ small: first / 2 ** 20, large: last / 2 ** 20, ratio: last / first }], unit: 'MiB', bad, foreign: median(foreign),
    notes: [`at the start ${mb(own[0])}; after each million: ${list(own)} MiB; with the pages of its files that have been used ${list(all)} MiB; ${Math.round((performance.now() - begin) / 1000)} s`] };
}

/** All rows. AT_MOST or AT_LEAST is for the median of the ratios; FIGURE says what is divided. */
export const rows = [
  { name: 'work', what: 'a route of 1 ms of CPU work', figure: 'requests a second', at_least: 1.7, measure: work },
  { name: 'shards', what: 'a reverse proxy (T1)', figure: 'CPU a request', at_most: 1.1, measure: shards },
  { name: 'pipelines', what: 'pipelines loaded, each asked in turn', figure: 'CPU a request', at_most: 1.5, measure: pipelines },
  { name: 'routes', what: 'routes with parameters, each asked in turn', figure: 'CPU a request', at_most: 1.5, measure: routes },
  { name: 'connections', what: 'open connections', figure: 'CPU a request', at_most: 1.5, measure: connections },
  { name: 'busy', what: 'connections that all ask', figure: 'weir / nginx, CPU a request', at_most: 1.5, measure: busy },
  { name: 'bodies', what: 'a reverse proxy (T1) beside nginx', figure: 'weir / nginx, CPU a request', at_most: 1.5, measure: bodies },
  { name: 'keys', what: 'keys of a rate limit', figure: 'CPU a request', at_most: 1.5, measure: keys },
  { name: 'nodes', what: 'nodes of a pipeline', figure: 'CPU a node', at_most: 1.25, measure: nodes },
  { name: 'latency', what: 'the slowest of T0, T1 and T3m', figure: 'p99 in ms', at_most: 2, measure: latency },
  { name: 'flat', what: 'static replies over 64 connections', figure: 'anonymous memory', at_most: 1.02, measure: flat, long: true },
];
