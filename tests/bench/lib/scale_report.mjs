// The rows of tests/bench/scale.mjs as a table of Markdown, and as a picture.
import { median } from './tiers.mjs';

const COLOURS = { met: '#1f6f8b', missed: '#c0504d' };
const LEFT = 110, WIDTH = 420, BAR = 18, GAP = 8, PLOT = 190;
const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const digits = (v) => (v >= 1000 ? Math.round(v).toLocaleString('en') : v >= 100 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v.toFixed(2));

/** { median, min, max } of the ratios; met: whether the target is. */
export function verdict(row) {
  const all = row.pairs.map((p) => p.ratio), m = median(all);
  return { median: m, min: Math.min(...all), max: Math.max(...all), met: row.bad === 0 && (row.at_most === undefined ? m >= row.at_least : m <= row.at_most) };
}

const target = (row) => (row.at_most === undefined ? `at least ${row.at_least}` : `at most ${row.at_most}`);

function line(row) {
  if (row.failed) return `| ${row.name} | ${row.what} | | | | failed: ${row.failed} |`;
  const v = verdict(row), of = (key) => digits(median(row.pairs.map((p) => p[key])));
  const spread = row.pairs.length > 1 ? ` (${v.min.toFixed(2)}-${v.max.toFixed(2)})` : '';
  return `| ${row.name} | ${row.what}; ${row.figure} | ${row.small}: ${of('small')} ${row.unit} | ${row.large}: ${of('large')} ${row.unit} | ${v.median.toFixed(2)}${spread} | ${target(row)}: ${v.met ? 'met' : 'missed'}${row.bad ? `; ${row.bad} requests failed` : ''} |`;
}

/** RESULT of tests/bench/scale.mjs as Markdown. */
export function markdown(result) {
  const lines = [`Measured on ${result.when}, ${result.cpus}; ${result.rounds} rounds of ${result.seconds} s, by turns.`, '',
    '| row | what grows; the figure | small | large | ratio | target |', '| --- | --- | --- | --- | --- | --- |', ...result.rows.map(line), ''];
  for (const row of result.rows) for (const note of row.notes ?? []) lines.push(`- ${row.name}: ${note}`);
  const foreign = result.rows.filter((r) => r.foreign > 0.15).map((r) => `${r.name} ${r.foreign.toFixed(2)}`);
  if (foreign.length > 0) lines.push('', `Others took more than 0.15 of a CPU meanwhile: ${foreign.join(', ')}.`);
  return `${lines.join('\n')}\n`;
}

function bars(rows, y) {
  const shown = rows.filter((r) => !r.failed), most = Math.min(4, Math.max(2, ...shown.map((r) => Math.max(verdict(r).max, r.at_most ?? r.at_least))) * 1.05);
  const x = (v) => LEFT + (Math.min(v, most) / most) * WIDTH; // what is far beyond its target ends at the edge
  const parts = [];
  for (const row of shown) {
    const v = verdict(row), limit = row.at_most ?? row.at_least;
    parts.push(`<text x="${LEFT - 8}" y="${y + 13}" text-anchor="end">${escape(row.name)}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${(x(v.median) - LEFT).toFixed(1)}" height="${BAR}" fill="${v.met ? COLOURS.met : COLOURS.missed}"/>`,
      `<path d="M${x(v.min).toFixed(1)} ${y + BAR / 2}H${x(v.max).toFixed(1)}" stroke="#222"/>`,
      `<path d="M${x(limit).toFixed(1)} ${y - 3}V${y + BAR + 3}" stroke="#222" stroke-width="2" stroke-dasharray="${row.at_most === undefined ? '3 2' : 'none'}"/>`,
      `<text x="${(x(Math.max(v.max, limit)) + 6).toFixed(1)}" y="${y + 13}">${v.median.toFixed(2)}, ${target(row)}</text>`);
    y += BAR + GAP;
  }
  return { parts, y };
}

/** The points of a row and the line through them. */
function plot(row, y) {
  const last = row.points.at(-1), most = Math.max(...row.points.map((p) => p.max)) * 1.05, x = (n) => LEFT + (n / last.n) * WIDTH, up = (us) => y + PLOT - (us / most) * PLOT;
  const at = (n) => row.line.begin + row.line.slope * n, parts = [
    `<text x="12" y="${y - 12}" font-weight="bold">${escape(row.name)}: microseconds of CPU a request; ${row.line.slope.toFixed(3)} a node</text>`,
    `<path d="M${LEFT} ${y}V${y + PLOT}H${LEFT + WIDTH}" stroke="#999" fill="none"/>`,
    `<path d="M${x(0)} ${up(at(0)).toFixed(1)}L${x(last.n)} ${up(at(last.n)).toFixed(1)}" stroke="${COLOURS.met}"/>`];
  for (const p of row.points) parts.push(`<path d="M${x(p.n).toFixed(1)} ${up(p.min).toFixed(1)}V${up(p.max).toFixed(1)}" stroke="#222"/><circle cx="${x(p.n).toFixed(1)}" cy="${up(p.us).toFixed(1)}" r="3"/>`
    + `<text x="${x(p.n).toFixed(1)}" y="${y + PLOT + 16}" text-anchor="middle" fill="#666">${p.n}</text><text x="${x(p.n).toFixed(1)}" y="${(up(p.max) - 6).toFixed(1)}" text-anchor="middle">${digits(p.us)}</text>`);
  return { parts, y: y + PLOT + 60 };
}

/** RESULT as an SVG that stands alone: a bar for each ratio with its target as a mark, and the cost of nodes as a line. */
export function svg(result) {
  const first = bars(result.rows, 40), all = [...first.parts];
  let y = first.y + 40;
  for (const row of result.rows.filter((r) => r.points)) { const p = plot(row, y); all.push(...p.parts); y = p.y; }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 190}" height="${y}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>`
    + `<text x="12" y="22" font-size="15" font-weight="bold">The large case against the small one; the mark is the target</text>${all.join('')}</svg>\n`;
}
