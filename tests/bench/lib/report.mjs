// The figures of a run as tables of Markdown.
import { median, ratio } from './tiers.mjs';

const range = (list, digits = 1) => `${median(list).toFixed(digits)} (${Math.min(...list).toFixed(digits)}-${Math.max(...list).toFixed(digits)})`;

function side(row, name) {
  const turns = row.found[name];
  if (!turns?.length) return `| ${row.name} | ${name} | - | | | | | | | |`;
  const of = (key) => turns.map((t) => t[key]);
  const r = name === 'weir' ? null : ratio(row, name);
  const bad = of('bad').reduce((a, b) => a + b, 0);
  return `| ${row.name} | ${name}${row.less?.[name] ? ` (${row.less[name]})` : ''} | ${range(of('us'))} | ${median(of('kernel')).toFixed(1)} | ${r ? `${r.median.toFixed(2)} (${r.min.toFixed(2)}-${r.max.toFixed(2)})` : ''} | ${Math.round(median(of('rps')))} | ${median(of('p50')).toFixed(2)} / ${median(of('p99')).toFixed(2)} | ${median(of('rss')).toFixed(1)} | ${median(of('foreign'))} % | ${bad || ''} |`;
}

function verdict(row) {
  const t = row.target, r = t && ratio(row, t.peer);
  if (!r) return null;
  return `- ${row.name}: ${r.median.toFixed(2)} of ${t.peer}, target at most ${t.at_most}: ${r.median <= t.at_most ? 'met' : 'missed'}`;
}

/** More targets, between rows. */
function across(rows) {
  const us = (name, peer) => median((rows.find((r) => r.name === name)?.found[peer] ?? []).map((t) => t.us));
  const rps = (name) => median((rows.find((r) => r.name === name)?.found.weir ?? []).map((t) => t.rps));
  const lines = [];
  const gateway = us('T3', 'weir') / us('T1', 'nginx'), lua = (us('T5', 'weir') - us('T0', 'weir')) / us('T0', 'nginx'), stored = rps('T4') / rps('T0');
  if (gateway) lines.push(`- T3: ${gateway.toFixed(2)} of nginx's T1, target at most 1.6: ${gateway <= 1.6 ? 'met' : 'missed'}`);
  if (lua) lines.push(`- T5: ${lua.toFixed(2)} of nginx's T0 over weir's T0, target at most 0.75: ${lua <= 0.75 ? 'met' : 'missed'}`);
  if (stored) lines.push(`- T4: ${(100 * stored).toFixed(0)} % of weir's own T0 in requests a second, pinned to one core, target at least 35 %: ${stored >= 0.35 ? 'met' : 'missed'}`);
  return lines;
}

function idle(i) {
  const lines = ['', '| at rest | weir | nginx | haproxy |', '| --- | --- | --- | --- |'];
  const cell = (v, digits = 1) => (v === undefined || v === null || Number.isNaN(v) ? '-' : v.toFixed(digits));
  for (const [key, what, digits] of [['rss_mib', 'resident memory, MiB', 1], ['pss_mib', 'the same, with what several processes share counted in parts (PSS), MiB', 1], ['anon_mib', 'of it anonymous, MiB', 1], ['per_connection', 'bytes for each idle connection (`connections` of them)', 0], ['cold_ms', 'from start to the first answer, ms (median)', 0]])
    lines.push(`| ${what.replace('`connections`', i.connections)} | ${['weir', 'nginx', 'haproxy'].map((p) => cell(i[p]?.[key], digits)).join(' | ')} |`);
  lines.push('', `Reload under load: ${i.reload.reloads} reloads in ${i.reload.seconds} s at ${i.reload.rate} requests a second, ${i.reload.failed} failed; p99 ${i.reload.p99.toFixed(2)} ms, without reloads ${i.reload.p99_before.toFixed(2)} ms.`);
  return lines;
}

/** RESULT of tests/bench/run as Markdown. */
export function markdown(result) {
  const lines = [`Measured on ${result.when}, ${result.cpus}; ${result.rounds} rounds of ${result.seconds} s each.`, ''];
  for (const [peer, why] of Object.entries(result.left_out)) lines.push(`Left out: ${peer} (${why}).`, '');
  if (result.rows.length > 0) {
    lines.push('| tier | server | CPU us a request | of it kernel | weir / it, pair by pair | requests/s | p50 / p99, ms | RSS, MB | foreign | failed |', '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
    for (const row of result.rows) for (const name of Object.keys(row.found)) lines.push(side(row, name));
    lines.push('', ...result.rows.map((r) => `${r.name}: ${r.work}.  `), '', ...result.rows.map(verdict).filter(Boolean), ...across(result.rows));
  }
  if (result.idle) lines.push(...idle(result.idle));
  return `${lines.join('\n')}\n`;
}
