// What tests of auth: share: a webhook that says who called it, and an issuer of tokens.
import http from 'node:http';
import { createHash } from 'node:crypto';
import * as jose from 'jose';

export const sha256 = (text) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
export const answer = 'steps:\n  - reply: { json: "${ {\'auth\': request.auth, \'headers\': request.headers } }" }\n';
export const hook = (auth, more = '') => ({ 'p.yaml': `name: p\ntrigger:\n  webhook:\n    path: /in\n    methods: [POST, GET]\n${more}    auth: ${JSON.stringify(auth)}\n${answer}` });
export const send = (w, headers = {}, path = '/in') => fetch(`${w.edge}${path}`, { method: 'POST', headers, body: '{}' });
export const bearer = (token) => ({ authorization: `Bearer ${token}` });

/** An issuer that publishes its keys; KEYS can change, HOW(req, res) answers instead. */
export async function issuer(t) {
  const i = { keys: [], fetches: 0, how: null, pairs: {} };
  const server = http.createServer((req, res) => {
    i.fetches++;
    if (i.how) return i.how(req, res);
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ keys: i.keys }));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => { server.closeAllConnections(); server.close(); });
  i.url = `http://127.0.0.1:${server.address().port}/keys`;
  i.add = async (kid, alg, options = {}) => {
    const pair = await jose.generateKeyPair(alg, options);
    i.keys.push({ ...(await jose.exportJWK(pair.publicKey)), kid, alg, use: 'sig' });
    i.pairs[kid] = { ...pair, alg };
  };
  i.sign = (kid, claims = {}, header = {}) => new jose.SignJWT({ sub: 'ada', ...claims }).setProtectedHeader({ alg: i.pairs[kid].alg, kid, ...header })
    .setIssuer('https://id.example/').setAudience('orders').setIssuedAt().setExpirationTime('5m').sign(i.pairs[kid].privateKey);
  i.auth = { jwt: { jwks_url: i.url, issuer: 'https://id.example/', audience: 'orders' } };
  return i;
}
