// What tests of the edge share: pipelines, and answers taken apart.
import { parse } from './net.mjs';

export const pipelines = {
  'echo.yaml': `
name: echo
trigger:
  webhook: { path: /echo, methods: [GET, POST] }
steps:
  - reply: { json: { method: "\${ request.method }", body: "\${ request.body }", query: "\${ request.query }", ip: "\${ request.client_ip }", id: "\${ request.id }" } }
`,
  'fixed.yaml': `
name: fixed
trigger:
  webhook: { path: "/fixed/{n}", methods: [GET, POST] }
steps:
  - reply: { text: "n=\${ request.params.n }" }
`,
  'size.yaml': `
name: size
trigger:
  - webhook: { path: /size, methods: [POST] }
  - webhook: { path: /small, methods: [POST], max_body: 1000 }
steps:
  - reply: { text: "\${ string(size(request.raw)) }" }
`,
  'large.yaml': `
name: large
trigger:
  webhook: { path: /large, methods: [POST] }
steps:
  - reply: { body: "\${ request.raw }" }
`,
};

/** All the answers that TEXT holds, each with a Content-Length or without a body. */
export function answers(text) {
  const all = [];
  while (text.length > 0) {
    const { status, headers } = parse(text);
    const at = text.indexOf('\r\n\r\n') + 4;
    const length = Number(headers['content-length'] ?? 0);
    all.push({ status, headers, body: text.slice(at, at + length) });
    text = text.slice(at + length);
  }
  return all;
}

export const count = (text) => (text.match(/HTTP\/1\.[01] \d/g) ?? []).length;
export const post = (path, body, more = '') => `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
