// What the processes of a server have resident, from /proc.
import { readFileSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';

/** A process and all below it, in the order of their numbers. */
export function family(pid) {
  const parents = new Map();
  for (const d of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try { const s = readFileSync(`/proc/${d}/stat`, 'latin1'); parents.set(Number(d), Number(s.slice(s.lastIndexOf(')') + 2).split(' ')[1])); } catch { /* it has ended */ }
  }
  const isOurs = (p) => p === pid || (parents.has(p) && parents.get(p) > 1 && isOurs(parents.get(p)));
  return [...parents.keys()].filter(isOurs).sort((a, b) => a - b);
}

/** A process and all below it, in bytes: resident; the same with what is shared by several counted in parts; anonymous. */
export function memory(pid) {
  const sum = { rss: 0, pss: 0, anon: 0 };
  for (const p of family(pid)) {
    const text = readFileSync(`/proc/${p}/smaps_rollup`, 'latin1');
    const of = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)[1]) * 1024;
    sum.rss += of('Rss');
    sum.pss += of('Pss');
    sum.anon += of('Pss_Anon');
  }
  return sum;
}

/**
 * What one process has mapped, by file, the largest first: { name, rss, pss, anon, code, constants, data } in KiB. RSS is
 * the sum of the last three: by whether a mapping can be run, only read, or written now or before (its relocations).
 */
export function mappings(pid) {
  const files = new Map();
  let at, kind;
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'latin1').split('\n')) {
    const head = /^[0-9a-f]+-[0-9a-f]+ (\S{4}) \S+ \S+ \d+\s*(.*)$/.exec(line);
    if (head) {
      const name = head[2].startsWith('/') ? basename(head[2]) : head[2] || '[anonymous]';
      if (!files.has(name)) files.set(name, { name, rss: 0, pss: 0, anon: 0, code: 0, constants: 0, data: 0 });
      at = files.get(name);
      kind = head[1].includes('x') ? 'code' : head[1].includes('w') ? 'data' : 'constants';
      continue;
    }
    const value = /^(Rss|Pss|Anonymous):\s+(\d+) kB$/.exec(line);
    if (!value) continue;
    const kib = Number(value[2]);
    if (value[1] === 'Rss') { at.rss += kib; at[kind] += kib; }
    if (value[1] === 'Pss') at.pss += kib;
    if (value[1] === 'Anonymous') {
      at.anon += kib;
      if (kind === 'constants') { at.constants -= kib; at.data += kib; }
    }
  }
  return [...files.values()].sort((a, b) => b.rss - a.rss);
}
