// The gateway of tiers T3 and T3m: pipelines/gateway.yaml as it is, but for limits that nobody reaches; T3m has them,
// and the last good answers, in the process.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../e2e/lib/weir.mjs';

const high = () => readFileSync(join(root, 'pipelines/gateway.yaml'), 'utf8')
  .replace(/(llama|embeddings|calendar|ecommerce|default): \d+\/60s/g, '$1: 1000000000/60s');

/** The files of both, by name. */
export const gateways = () => ({
  't3.yaml': high(),
  't3m.yaml': high()
    .replace(/^name: gateway$/m, 'name: t3m')
    .replace('path: /gateway', 'path: /t3m/gateway')
    .replace(/name: (gateway|llama|embeddings|calendar|payment|baserow)(?=[ ,\n])/g, 'name: m-$1')
    .replaceAll('gateway_request', 't3m_request')
    .replace(/store: .*/g, 'store: memory'),
});

/** The environment that leads both to the upstream at URL. */
export const upstreams = (url) => ({
  LLAMA_URL: url, EMBEDDINGS_URL: `${url}/embeddings`, CALENDAR_URL: `${url}/calendar`, ECOMMERCE_URL: `${url}/ecommerce`,
  BASEROW_URL: `${url}/baserow`, UPSTREAM_URL: url,
});

// As a command, for peers/weir/up.sh: writes the files into a folder.
if (process.argv[1]?.endsWith('lib/gateway.mjs'))
  for (const [name, text] of Object.entries(gateways())) writeFileSync(join(process.argv[2], name), text);
