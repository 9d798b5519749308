// What tests of HTTP/2 frames share: pipelines, requests, and floods of frames.
import assert from 'node:assert/strict';
import { start, metric } from './weir.mjs';
import { request, headers, flag } from './h2.mjs';

export const size = 256 * 1024; // of the large answer

export const pipelines = {
  'any.yaml': `
name: any
trigger:
  webhook: { path: "/any/{rest*}", methods: [GET, POST, OPTIONS] }
steps:
  - reply: { json: { headers: "\${ request.headers }", size: "\${ size(request.raw ?? '') }" } }
`,
  'take.yaml': `
name: take
trigger:
  webhook: { path: /take, methods: [POST], max_body: 1MiB }
steps:
  - reply: { text: "\${ string(size(request.raw)) }" }
`,
  'large.yaml': `
name: large
trigger:
  webhook: { path: /large, methods: [GET] }
steps:
  - reply: { text: "${'x'.repeat(size)}" }
`,
};
export const begin = (t, ...more) => start(t, pipelines, { args: ['--store', 'none', '--set', 'edge.h2c=true', ...more.flatMap((m) => ['--set', m])] });
export const refused = (w, reason) => metric(w, 'weir_edge_refused_total', { reason });
export const get = (path = '/any/x') => request(path);
export const post = (path = '/take') => request(path, 'POST');
export const whole = flag.END_HEADERS | flag.END_STREAM;

/** Whether the connection still serves, on stream ID. */
export async function serves(c, id) {
  await c.write(headers(id, get()));
  assert.equal((await c.answer(id)).status, 200);
}

/** Writes what WRITE gives, TIMES times or until the connection ends; the code of its GOAWAY. */
export async function flood(c, times, write, answered) {
  for (let i = 0; i < times && !c.closed; i++) {
    await c.write(...write(i));
    if (answered) await c.answer(2 * i + 1).catch(() => {});
    else if (i % 16 === 0) await new Promise((done) => setImmediate(done));
  }
  return c.goaway();
}
