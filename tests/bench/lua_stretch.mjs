#!/usr/bin/env node
// tests/bench/lua_stretch.mjs [PART]: for each hostile script of lib/hostile.mjs whose name has PART in it, the longest that
// its shard computes in one turn of the loop, in CPU time: so long everybody else there has to wait at least.
//
// Each is asked ROUNDS times (5); shown are the median and the largest of the longest turns, and how it ended. Needs cc.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from '../e2e/lib/weir.mjs';
import { bodies, hostile } from './lib/hostile.mjs';

const part = process.argv[2] ?? '', rounds = Number(process.env.ROUNDS ?? 5);
const after = [];
const t = { after: (fn) => after.unshift(fn) };
const dir = mkdtempSync(join(tmpdir(), 'weir-stretch-'));
const cell = join(dir, 'longest'), so = join(dir, 'stretch.so');
const scripts = Object.entries(hostile).filter(([name]) => name.includes(part)).map(([name, s]) => [name, typeof s === 'string' ? { lua: s } : s]);

const pipeline = (name, { lua }) => `
name: ${name.replaceAll('_', '-')}
trigger: { webhook: { path: /${name}, methods: [POST] } }
steps:
  - lua: |
      ${lua}
    uses: { echo: { set: "\${ input }" } }
  - reply: { json: "\${ type(input) }" }
`;

try {
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', so, join(dirname(fileURLToPath(import.meta.url)), 'lua_stretch.c'), '-ldl']);
  writeFileSync(cell, Buffer.alloc(8));
  const fd = openSync(cell, 'r+');
  after.unshift(() => closeSync(fd));
  const take = () => {
    const b = Buffer.alloc(8);
    readSync(fd, b, 0, 8, 0);
    writeSync(fd, Buffer.alloc(8), 0, 8, 0);
    return Number(b.readBigUInt64LE()) / 1e6;
  };
  const w = await start(t, Object.fromEntries(scripts.map(([name, s]) => [`${name}.yaml`, pipeline(name, s)])), {
    env: { LD_PRELOAD: so, WEIR_STRETCH: cell }, args: ['--store', 'none', '--set', 'log.access=false'],
  });
  const post = async (name, body) => {
    const began = performance.now();
    const r = await fetch(`${w.edge}/${name}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const text = await r.text();
    return { ms: performance.now() - began, status: r.status, why: r.status === 200 ? text : JSON.parse(text).detail ?? text };
  };
  await post(scripts[0][0], '{}');
  console.log('longest turn: median, largest (ms) | the call took (ms) | script | how it ended');
  let worst = 0;
  for (const [name, s] of scripts) {
    const longest = [], took = [];
    let last;
    for (let i = 0; i < rounds; i++) {
      take();
      last = await post(name, s.body ? bodies[s.body] : '{}');
      await new Promise((done) => setTimeout(done, 30)); // what is tidied up behind it counts, too
      longest.push(take());
      took.push(last.ms);
    }
    longest.sort((a, b) => a - b);
    worst = Math.max(worst, longest.at(-1));
    console.log(`${longest[rounds >> 1].toFixed(2).padStart(7)} ${longest.at(-1).toFixed(2).padStart(7)} | ${Math.max(...took).toFixed(0).padStart(4)} | ${name} | ${last.status} ${last.why.slice(0, 90)}`);
  }
  console.log(`the longest turn of all: ${worst.toFixed(2)} ms`);
} finally {
  for (const fn of after) await fn();
  rmSync(dir, { recursive: true, force: true });
}
