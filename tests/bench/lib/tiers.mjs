// What is measured: a tier of weir, and who does the same, or nearly the same, work (docs/performance.md).
//
// LESS says what a peer does not do; TARGET is checked against the median of the ratios, pair by pair.
export const tiers = [
  { name: 'T0', tier: 'T0', work: 'a static JSON reply', peers: [['nginx', 'T0'], ['haproxy', 'T0'], ['nodegw', 'T0']], target: { peer: 'nginx', at_most: 1.25 } },
  { name: 'T0 logs', tier: 'T0', log: true, work: 'the same, with a line of log each', peers: [['nginx', 'T0']] },
  { name: 'T1', tier: 'T1', work: 'a reverse proxy', peers: [['nginx', 'T1'], ['haproxy', 'T1']], target: { peer: 'nginx', at_most: 1.0 } },
  { name: 'T2', tier: 'T2', work: 'T1, and the body is parsed, checked, cleaned and written anew', peers: [['nginx', 'T2']], target: { peer: 'nginx', at_most: 0.75 } },
  { name: 'T3', tier: 'T3', work: 'the whole gateway.yaml with Redis', peers: [['nginx', 'T3e'], ['nodegw', 'T3e']], less: { nginx: 'keeps no last good answer', nodegw: 'keeps no last good answer' }, target: { peer: 'nginx', at_most: 0.5 } },
  { name: 'T3 logs', tier: 'T3', log: true, work: 'the same, with a line of log each', peers: [['nginx', 'T3e']] },
  { name: 'T3m', tier: 'T3m', work: 'the same with the limiter in the process', peers: [['haproxy', 'T3n']], less: { haproxy: 'no cleaning, no rewriting, no rolling breaker, no last good answer' }, target: { peer: 'haproxy', at_most: 1.15 } },
  { name: 'T4', tier: 'T4', work: 'an event stored durably, then 202', peers: [['nginx', 'T4']], less: { nginx: 'its record is in Redis Streams, fsync always' }, target: { peer: 'nginx', at_most: 0.7 } },
  { name: 'T5', tier: 'T5', work: 'T0 with one Lua node', peers: [['nginx', 'T0L']] },
];

/** The median of a list; NaN of an empty one. */
export function median(list) {
  const sorted = [...list].sort((a, b) => a - b), n = sorted.length;
  return n === 0 ? NaN : n % 2 ? sorted[(n - 1) / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/** weir beside PEER, pair by pair: { median, min, max }; null if there is no pair. */
export function ratio(row, peer) {
  const pairs = (row.found[peer] ?? []).map((p, i) => row.found.weir[i] && row.found.weir[i].us / p.us).filter(Boolean);
  return pairs.length > 0 ? { median: median(pairs), min: Math.min(...pairs), max: Math.max(...pairs) } : null;
}
