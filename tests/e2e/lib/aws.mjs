// A stand-in for AWS Secrets Manager that checks the signature of each request by its own reading of
// Signature Version 4, and answers GetSecretValue as AWS does.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

const sha = (text) => createHash('sha256').update(text).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

/** What is wrong with the signature of a request; '' if nothing is. */
function wrong(req, body, { id, key, token, region }) {
  const m = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/secretsmanager\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/
    .exec(req.headers.authorization ?? '');
  if (!m) return 'IncompleteSignatureException';
  const [, who, day, where, names, signature] = m;
  const date = req.headers['x-amz-date'];
  const at = Date.parse(date?.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (who !== id || where !== region || !date.startsWith(day)) return 'UnrecognizedClientException';
  if (!(Math.abs(Date.now() - at) < 300_000)) return 'RequestExpired';
  if (token && req.headers['x-amz-security-token'] !== token) return 'InvalidClientTokenId';
  const signed = names.split(';');
  for (const name of ['host', 'x-amz-date', 'x-amz-target', ...(token ? ['x-amz-security-token'] : [])])
    if (!signed.includes(name)) return 'IncompleteSignatureException';
  if (signed.join() !== [...signed].sort().join()) return 'SignatureDoesNotMatch';
  const canonical = [req.method, req.url, '', ...signed.map((n) => `${n}:${req.headers[n].trim().replace(/ +/g, ' ')}`), '', names, sha(body)].join('\n');
  const text = ['AWS4-HMAC-SHA256', date, `${day}/${where}/secretsmanager/aws4_request`, sha(canonical)].join('\n');
  const derived = [day, where, 'secretsmanager', 'aws4_request'].reduce(hmac, `AWS4${key}`);
  const right = createHmac('sha256', derived).update(text).digest();
  return timingSafeEqual(right, Buffer.from(signature, 'hex')) ? '' : 'SignatureDoesNotMatch';
}

/** { url, env, secrets (id to text or bytes), asked (ids), refused (error types), down }. TLS: { key, cert }: by https. */
export async function secretsManager(t, secrets = {}, tls = null) {
  const who = { id: 'AKIDTESTSTANDIN', key: 'a/secret+key/of/the-stand-in', token: 'a-session-token==', region: 'eu-test-1' };
  const aws = { secrets, asked: [], refused: [], down: '' };
  const handler = async (req, res) => {
    let body = '';
    for await (const piece of req) body += piece;
    const answer = (status, doc) => { res.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }); res.end(JSON.stringify(doc)); };
    const refuse = (type, status = 400) => { aws.refused.push(type); answer(status, { __type: type, Message: `${type}: that went wrong` }); };
    if (aws.down === 'reset') return req.socket.destroy();
    if (aws.down === 'silent') return undefined;
    if (aws.down) return refuse(aws.down, aws.down === 'InternalServiceError' ? 500 : 400);
    const why = wrong(req, body, who);
    if (why) return refuse(why);
    if (req.method !== 'POST' || req.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue') return refuse('InvalidAction');
    const { SecretId } = JSON.parse(body);
    aws.asked.push(SecretId);
    const value = aws.secrets[SecretId];
    if (value === undefined) return refuse('com.amazonaws.secretsmanager#ResourceNotFoundException');
    return answer(200, { Name: SecretId, VersionId: 'v1', ...(Buffer.isBuffer(value) ? { SecretBinary: value.toString('base64') } : { SecretString: value }) });
  };
  const server = tls ? https.createServer(tls, handler) : http.createServer(handler);
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => { server.closeAllConnections(); server.close(); });
  aws.url = `${tls ? 'https://localhost' : 'http://127.0.0.1'}:${server.address().port}`;
  aws.env = { AWS_ACCESS_KEY_ID: who.id, AWS_SECRET_ACCESS_KEY: who.key, AWS_SESSION_TOKEN: who.token, AWS_REGION: who.region,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url };
  return aws;
}
