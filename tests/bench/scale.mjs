#!/usr/bin/env node
// tests/bench/scale.mjs [--only ROW,...] [--rounds 3] [--seconds 3] [--millions 10] [--json] [--docs] [--out FOLDER]: what weir
// costs when what it has to do with grows, beside the small case, by turns in one run. `tests/bench/run --scale` is the same.
//
// A figure is CPU microseconds a request of the server's processes (user and system, from /proc), where the row says nothing
// else; the server has CPU 0 to itself, wrk and the upstream CPU 1, but in the rows with two shards. Targets are checked against
// the median of the ratios. --only takes names of rows (work, shards, pipelines, routes, connections, busy, bodies, keys,
// nodes, latency, flat); flat sends ten million requests. --json prints the figures instead of the table, --docs puts
// the table into docs/performance.md. Writes scale.json, scale.md and scale.svg to the folder (build/bench). Needs, from Debian:
// wrk, nginx, cc. WEIR_BUILD names the build (build/release).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../e2e/lib/weir.mjs';
import { markdown, svg, verdict } from './lib/scale_report.mjs';
import { rows } from './lib/scale_rows.mjs';
import { steadyTool } from './lib/scale_run.mjs';

const args = process.argv.slice(2);
if (args.includes('--help')) { console.log(readFileSync(fileURLToPath(import.meta.url), 'utf8').split('\n').filter((l) => l.startsWith('//')).map((l) => l.slice(3)).join('\n')); process.exit(0); }
const option = (name, otherwise) => { const i = args.indexOf(`--${name}`); return i < 0 ? otherwise : args[i + 1]; };
const rounds = Number(option('rounds', 3)), seconds = Number(option('seconds', 3)), millions = Number(option('millions', 10));
const only = option('only')?.split(','), out = resolve(option('out', join(root, 'build/bench')));
const unknown = only?.filter((name) => !rows.some((r) => r.name === name)) ?? [];
if (unknown.length > 0) { console.error(`there is no row ${unknown.join(', ')}; there are ${rows.map((r) => r.name).join(', ')}`); process.exit(2); }

/** One row; what it started ends with it. */
async function measure(row, tool) {
  const after = [], t = { after: (fn) => after.unshift(fn) };
  const progress = (text) => { if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${row.name}: ${text}`); };
  const facts = { name: row.name, what: row.what, figure: row.figure, at_most: row.at_most, at_least: row.at_least };
  try {
    return { ...facts, ...(await row.measure({ t, rounds, seconds, millions, tool, progress })) };
  } catch (e) {
    return { ...facts, failed: e.message.split('\n')[0], pairs: [], bad: 0, foreign: 0 };
  } finally {
    for (const fn of after) await fn();
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }
}

/** Puts TEXT between the marks of docs/performance.md. */
function intoDocs(text) {
  const path = join(root, 'docs/performance.md'), [begin, end] = ['<!-- scale: tests/bench/scale.mjs -->', '<!-- /scale -->'];
  const was = readFileSync(path, 'utf8'), from = was.indexOf(begin), to = was.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${path} has no ${begin} ... ${end}`);
  writeFileSync(path, `${was.slice(0, from + begin.length)}\n${text}${was.slice(to)}`);
}

const shared = [], tool = steadyTool({ after: (fn) => shared.unshift(fn) });
const result = { when: new Date().toISOString().slice(0, 10), cpus: `${cpus().length} x ${cpus()[0].model}`, rounds, seconds, rows: [] };
for (const row of rows.filter((r) => !only || only.includes(r.name))) {
  const one = await measure(row, tool);
  result.rows.push({ ...one, ...(one.failed ? {} : { verdict: verdict(one) }) });
  if (!args.includes('--json')) console.error(one.failed ? `${row.name}: failed: ${one.failed}` : `${row.name}: ${verdict(one).median.toFixed(2)}, ${verdict(one).met ? 'met' : 'missed'}`);
}
for (const fn of shared) await fn();
mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'scale.json'), `${JSON.stringify(result, null, 2)}\n`);
writeFileSync(join(out, 'scale.md'), markdown(result));
writeFileSync(join(out, 'scale.svg'), svg(result));
if (args.includes('--docs')) intoDocs(markdown(result));
console.log(args.includes('--json') ? JSON.stringify(result, null, 2) : `${markdown(result)}\nin full: ${out}/scale.json, drawn: ${out}/scale.svg`);
if (result.rows.some((r) => r.failed || r.bad > 0)) process.exitCode = 1;
