#!/usr/bin/env node
// tests/bench/lua_soak.mjs [SECONDS [RATE]]: Lua nodes under load while the configuration is reloaded every second.
//
// RATE requests a second (500) go to a pipeline with an inline script, a file, a lent node and a type of lua/nodes, each
// reload with a changed script. No request may fail, and resident memory may not grow: its mean over the last tenth is
// compared with that over the second one. SECONDS: 600.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folder, metric, root, start } from '../e2e/lib/weir.mjs';
import { load, quantile, request } from './lib/load.mjs';

const seconds = Number(process.argv[2] ?? 600), rate = Number(process.argv[3] ?? 500);
const after = [];
const t = { after: (fn) => after.unshift(fn) };
const pipeline = (n) => `
name: soak
trigger: { webhook: { path: /soak, methods: [POST] } }
steps:
  - id: add
    lua: |
      local user = ctx.user(input.id)
      return weir.merge(input, { round = ${n}, name = user.name })
    uses: { user: { set: { name: "u\${ input }" } } }
  - slugify: { text: "\${ input.name } of Round \${ input.round }" }
  - lua: { file: rows.lua }
  - reply: { json: "\${ input }" }
`;
const rows = (n) => `return { run = function(ctx, input)
  local out = {}
  for i = 1, 50 do out[i] = { n = i * ${n % 7}, text = ("x"):rep(i % 9) } end
  table.sort(out, function(a, b) return a.n > b.n end)
  return { slug = input, top = out[1], sum = #out }
end }
`;
const dir = mkdtempSync(join(tmpdir(), 'weir-soak-'));

try {
  const pipelines = folder(t, { 'soak.yaml': pipeline(0), 'rows.lua': rows(0) });
  const w = await start(t, pipelines, { shards: 2, args: ['--lua', join(root, 'lua'), '--store', `sqlite:${dir}/weir.db`, '--set', 'log.access=false'] });
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${w.worker}/status`, 'utf8'))[1]) / 1024;
  const memory = [], took = [];
  let reloads = 0, failed = 0, sent = 0, running = true;
  const reloading = (async () => {
    for (let n = 1; running; n++) {
      writeFileSync(join(pipelines, 'soak.yaml'), pipeline(n));
      writeFileSync(join(pipelines, 'rows.lua'), rows(n));
      const r = await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
      if (r.status !== 200) throw new Error(`reload ${n}: ${r.status} ${await r.text()}`);
      await r.arrayBuffer();
      reloads++;
      memory.push(rss());
      await new Promise((go) => setTimeout(go, 1000));
    }
  })();
  for (let left = seconds; left > 0; left -= 10) {
    const r = await load({ port: w.edgePort, text: request('POST', '/soak', '{"id":7}'), rate, seconds: Math.min(10, left), connections: 16 });
    sent += r.took.length;
    for (const [status, n] of r.statuses) if (status !== '200') failed += n;
    took.push(...r.took);
    if (took.length > 1e6) took.splice(0, took.length / 2);
  }
  running = false;
  await reloading;
  const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
  const tenth = Math.max(1, Math.floor(memory.length / 10));
  const early = mean(memory.slice(tenth, 2 * tenth)), late = mean(memory.slice(-tenth));
  took.sort((a, b) => a - b);
  console.log(`${sent} requests, ${failed} failed, ${reloads} reloads; p50 ${quantile(took, 0.5).toFixed(2)} ms, p99 ${quantile(took, 0.99).toFixed(2)} ms`);
  console.log(`resident memory: ${early.toFixed(1)} MB early, ${late.toFixed(1)} MB late, ${(100 * (late / early - 1)).toFixed(2)} % more; at most ${Math.max(...memory).toFixed(1)} MB`);
  console.log(`scripts that were ended: ${await metric(w, 'weir_lua_aborts_total')}`);
  for (const line of (await (await fetch(`${w.admin}/metrics`)).text()).split('\n'))
    if (/^weir_lua_aborts_total.* [1-9]/.test(line)) console.log(`  ${line}`);
  if (failed > 0 || late > early * 1.02) process.exitCode = 1;
} finally {
  for (const fn of after) await fn();
  rmSync(dir, { recursive: true, force: true });
}
