// Authorities and certificates of tests, made by openssl; a weir that listens over TLS; clients.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import tls from 'node:tls';
import { start, folder } from './weir.mjs';

/** Runs openssl to its end: { out, err, code }. */
export function openssl(args, input = '') {
  const r = spawnSync('openssl', args, { input, encoding: 'utf8', timeout: 60_000 });
  return { code: r.status, out: r.stdout, err: r.stderr };
}

/** Makes DIR/NAME.pem and DIR/NAME.key. NAMES: "DNS:localhost,IP:127.0.0.1"; CA: signed by that one of DIR. */
export function certificate(dir, name, { names, subject = `/CN=${name}`, ca, isCa = false, days = 30, key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] } = {}) {
  const args = ['req', '-x509', ...key, '-nodes', '-keyout', join(dir, `${name}.key`), '-out', join(dir, `${name}.pem`),
    '-days', String(days), '-subj', subject, '-addext', `basicConstraints=critical,CA:${isCa ? 'TRUE' : 'FALSE'}`];
  if (names) args.push('-addext', `subjectAltName=${names}`);
  if (ca) args.push('-CA', join(dir, `${ca}.pem`), '-CAkey', join(dir, `${ca}.key`));
  const r = openssl(args);
  if (r.code !== 0) throw new Error(`openssl: ${r.err}`);
  return { pem: readFileSync(join(dir, `${name}.pem`)), key: readFileSync(join(dir, `${name}.key`)) };
}

/** A folder with an authority "ca" and certificates signed by it. PLANS: name to the names it is for. */
export function certificates(t, plans = { localhost: 'DNS:localhost,IP:127.0.0.1' }) {
  const dir = folder(t);
  const ca = certificate(dir, 'ca', { isCa: true }).pem;
  for (const [name, names] of Object.entries(plans)) certificate(dir, name, { names, ca: 'ca' });
  const list = (end) => Object.keys(plans).map((n) => join(dir, `${n}.${end}`)).join(',');
  return { dir, ca, args: ['--set', 'edge.tls.listen=127.0.0.1:0', '--set', `edge.tls.cert=${list('pem')}`, '--set', `edge.tls.key=${list('key')}`] };
}

/** Starts weir with the certificates C: as start(), and tlsPort, redirectPort. */
export async function startTls(t, pipelines, c, { args = [], ...rest } = {}) {
  const w = await start(t, pipelines, { args: [...c.args, ...args], ...rest });
  const ready = w.lines.find((l) => / is ready$/.test(l.msg));
  w.tlsPort = ready.tls_port;
  w.redirectPort = ready.redirect_port;
  return w;
}

/** A TLS connection, once hands are shaken; it rejects if they are not. */
export function dial(port, options = {}) {
  return new Promise((done, fail) => {
    const s = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ...options }, () => done(s));
    s.once('error', fail);
    s.once('close', () => fail(new Error('closed before hands were shaken')));
  });
}

/** One request on a connection of its own: { status, headers, body, protocol, reused }. */
export function ask(port, path, { body, ca, method = body === undefined ? 'GET' : 'POST', ...options } = {}) {
  return new Promise((done, fail) => {
    const r = https.request({ port, host: '127.0.0.1', servername: 'localhost', path, method, ca, agent: false, ...options }, (response) => {
      const pieces = [];
      const [protocol, reused] = [response.socket.getProtocol(), response.socket.isSessionReused()];
      response.on('data', (p) => pieces.push(p)).on('error', fail);
      response.on('end', () => done({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces), protocol, reused }));
    });
    r.on('error', fail);
    r.end(body);
  });
}
