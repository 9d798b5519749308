// The figures of a run as a picture: a bar for each server and tier, with a line from the least to the most.
import { median } from './tiers.mjs';

const colours = { weir: '#1f6f8b', nginx: '#6aa84f', haproxy: '#b4a7d6', nodegw: '#e69138' };
const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const LEFT = 150, WIDTH = 560, BAR = 16, GAP = 20;

/** The end of an axis for figures up to MOST: 1, 2 or 5 times a power of ten. */
function roundUp(most) {
  const ten = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((f) => f * ten).find((v) => v >= most);
}

function bar(name, turns, y, scale) {
  const us = turns.map((t) => t.us), m = median(us), x = (v) => LEFT + v * scale, middle = y + BAR / 2 - 1;
  return `<rect x="${LEFT}" y="${y}" width="${(m * scale).toFixed(1)}" height="${BAR - 2}" fill="${colours[name] ?? '#999'}"/>`
    + `<path d="M${x(Math.min(...us)).toFixed(1)} ${middle}H${x(Math.max(...us)).toFixed(1)}" stroke="#222"/>`
    + `<text x="${(x(Math.max(...us)) + 6).toFixed(1)}" y="${y + BAR - 4}">${name} ${m.toFixed(1)}</text>`;
}

/** RESULT of tests/bench/run as an SVG that stands alone. */
export function svg(result) {
  const rows = result.rows.map((r) => ({ ...r, sides: Object.entries(r.found).filter(([, turns]) => turns.length > 0) })).filter((r) => r.sides.length > 0);
  const most = roundUp(Math.max(1, ...rows.flatMap((r) => r.sides.flatMap(([, turns]) => turns.map((t) => t.us)))));
  const scale = WIDTH / most, parts = [];
  let y = 56;
  for (const row of rows) {
    parts.push(`<text x="${LEFT - 10}" y="${y + BAR - 4}" text-anchor="end" font-weight="bold">${escape(row.name)}</text>`);
    for (const [name, turns] of row.sides) { parts.push(bar(name, turns, y, scale)); y += BAR; }
    y += GAP;
  }
  for (let i = 0; i <= 4; i++) {
    const x = LEFT + (WIDTH * i) / 4;
    parts.unshift(`<path d="M${x} 48V${y - GAP + 4}" stroke="#ddd"/><text x="${x}" y="44" text-anchor="middle" fill="#666">${(most * i) / 4}</text>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 130}" height="${y}" font-family="sans-serif" font-size="12">`
    + `<rect width="100%" height="100%" fill="#fff"/><text x="12" y="22" font-size="15" font-weight="bold">CPU microseconds a request (less is better)</text>${parts.join('')}</svg>\n`;
}
