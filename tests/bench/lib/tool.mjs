// The small C programs beside the benchmarks.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bench = join(dirname(fileURLToPath(import.meta.url)), '..');

/** NAME.c of tests/bench, compiled into DIR: its path. */
export function compiled(name, dir) {
  const out = join(dir, name);
  execFileSync('cc', ['-O2', join(bench, `${name}.c`), '-o', out]);
  return out;
}
