#!/usr/bin/env node
// tests/bench/import_many.mjs FOLDER ...: imports every n8n workflow below the folders, checks what came of each, and
// prints how much of them was mapped. Fails if an import crashes, hangs, or makes what weir check refuses.
import { readFileSync, readdirSync, rmSync, statSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { weir } from '../e2e/lib/weir.mjs';

const sum = { files: 0, refused: 0, pipelines: 0, nodes: { total: 0, mapped: 0, partly: 0, todo: 0, dropped: 0 }, expressions: { total: 0, todo: 0 } };
const whys = new Map(), bad = [];
let whole = 0;

function* files(path) {
  if (statSync(path).isFile()) { if (path.endsWith('.json')) yield path; return; }
  for (const name of readdirSync(path).sort()) yield* files(join(path, name));
}

/** Whether the file is a workflow, as n8n exports one. */
function isWorkflow(path) {
  try {
    const w = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(w?.nodes) && w.nodes.length > 0 && typeof w.connections === 'object';
  } catch { return false; }
}

const dir = mkdtempSync(join(tmpdir(), 'weir-import-'));
for (const path of process.argv.slice(2).flatMap((p) => [...files(p)])) {
  if (!isWorkflow(path)) continue;
  sum.files++;
  const out = join(dir, 'p'), report = join(dir, 'report.json');
  rmSync(out, { recursive: true, force: true });
  const r = weir(['import', 'n8n', path, '--output', out, '--report', report]);
  if (r.code === 1) { sum.refused++; whys.set(`refused: ${r.err.trim().split('\n').at(-1).replace(/^.*\.json: ?/, '').slice(0, 100)}`, 0); continue; }
  if (r.code !== 0) { bad.push(`${path}: import ended with ${r.code ?? r.signal}: ${r.err.slice(0, 300)}`); continue; }
  const told = JSON.parse(readFileSync(report, 'utf8'));
  sum.pipelines += told.pipelines.length;
  for (const key of Object.keys(sum.nodes)) sum.nodes[key] += told.nodes[key];
  for (const key of Object.keys(sum.expressions)) sum.expressions[key] += told.expressions[key];
  if (told.nodes.todo === 0 && told.nodes.partly === 0 && told.expressions.todo === 0) whole++;
  for (const todo of told.todos) { const why = `${todo.type}: ${todo.why}`.slice(0, 110); whys.set(why, (whys.get(why) ?? 0) + 1); }
  if (told.pipelines.length === 0) continue;
  const c = weir(['check', out]);
  if (c.code !== 0) bad.push(`${path}: weir check says ${(c.err + c.out).slice(0, 600)}`);
}
rmSync(dir, { recursive: true, force: true });
const share = (n, of) => `${(100 * n / Math.max(1, of)).toFixed(1)} %`;
console.log(`${sum.files} workflows, ${sum.refused} refused, ${sum.pipelines} pipelines; ${whole} workflows with nothing left to do`);
console.log(`${sum.nodes.total} nodes: ${sum.nodes.mapped} mapped (${share(sum.nodes.mapped, sum.nodes.total)}), ${sum.nodes.partly} partly, ${sum.nodes.todo} left to do, ${sum.nodes.dropped} dropped`);
console.log(`${sum.expressions.total} expressions: ${sum.expressions.todo} left to do (${share(sum.expressions.todo, sum.expressions.total)})`);
if (process.env.WHYS) for (const [why, n] of [...whys].sort((a, b) => b[1] - a[1]).slice(0, Number(process.env.WHYS))) console.log(`${String(n).padStart(6)}  ${why}`);
for (const line of bad) console.log(`BAD ${line}`);
process.exitCode = bad.length > 0 || sum.files === 0 ? 1 : 0;
