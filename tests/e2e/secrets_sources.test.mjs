// Where secrets.NAME come from: variables, files, credentials; which one wins; and that a new value arrives.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createDecipheriv, scryptSync } from 'node:crypto';
import { readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { secretsManager } from './lib/aws.mjs';
import { binary, folder, metric, start, until, weir, write } from './lib/weir.mjs';

const list = (args, options) => {
  const r = weir(['secrets', 'list', '--json', ...args], options);
  return { ...r, list: JSON.parse(r.out) };
};

test('weir secrets list says where each secret is from, and never its value', (t) => {
  const dir = folder(t, { 'creds/stripe': 'from-credentials', 'creds/both': 'from-credentials', 'file.txt': 'from-a-file\n' });
  const env = { CREDENTIALS_DIRECTORY: join(dir, 'creds'), WEIR_SECRET_FILED_FILE: join(dir, 'file.txt'),
    WEIR_SECRET_both: 'from-a-variable' };
  const r = list([], { cwd: dir, env });
  assert.equal(r.code, 0, r.err);
  const of = Object.fromEntries(r.list.map((s) => [s.name, s]));
  assert.deepEqual(of.stripe, { name: 'stripe', source: 'credentials', place: join(dir, 'creds/stripe'), also_in: [], hidden: false });
  assert.deepEqual(of.FILED, { name: 'FILED', source: 'file', place: join(dir, 'file.txt'), also_in: [], hidden: false });
  assert.deepEqual(of.both, { name: 'both', source: 'environment', place: 'WEIR_SECRET_both', also_in: ['credentials'], hidden: false });
  const text = weir(['secrets'], { cwd: dir, env });
  assert.match(text.out, /both +environment +WEIR_SECRET_both +also in credentials, which is weaker/);
  assert.doesNotMatch(r.out + r.err + text.out + text.err, /from-/);
});

test('a file that cannot be read is said by list, check and run, and the others are listed', (t) => {
  const dir = folder(t, { 'pipelines/a.yaml': 'name: a\nsteps:\n  - set: 1\n' });
  const env = { WEIR_SECRET_GONE_FILE: join(dir, 'nowhere'), WEIR_SECRET_HERE: 'x' };
  const r = list([], { cwd: dir, env });
  assert.equal(r.code, 1);
  assert.deepEqual(r.list.map((s) => s.name), ['HERE']);
  for (const out of [r.err, weir(['check'], { cwd: dir, env }).err, weir(['run', '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0'], { cwd: dir, env }).err])
    assert.match(out, /error\[W0520\]: WEIR_SECRET_GONE_FILE \(.*nowhere\): No such file/);
});

const key = { WEIR_MASTER_KEY: 'a master key of the tests, 1' };
const set = (dir, name, input, env = key) => weir(['secrets', 'set', name], { cwd: dir, env, input });

test('the encrypted file is set, listed, read, removed from, and never shows a value', (t) => {
  const dir = folder(t);
  assert.match(set(dir, 'stripe', 'sk_live_4711\n').out, /^stripe is set in var\/secrets.enc\n$/);
  assert.match(set(dir, 'stripe', 'sk_live_4712\n').out, /^stripe is changed in/);
  assert.equal(set(dir, 'raw', Buffer.from([0, 255, 10, 10])).code, 0);
  const file = join(dir, 'var/secrets.enc');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.doesNotMatch(readFileSync(file, 'latin1'), /sk_live|stripe/);
  assert.deepEqual(readdirSync(join(dir, 'var')).sort(), ['secrets.enc', 'secrets.enc.lock']);
  const r = list([], { cwd: dir, env: key });
  assert.deepEqual(r.list.map((s) => [s.name, s.source, s.place]), [['stripe', 'encrypted', 'var/secrets.enc'], ['raw', 'encrypted', 'var/secrets.enc']]);
  assert.doesNotMatch(r.out, /sk_live/);
  assert.equal(weir(['secrets', 'get', 'stripe'], { cwd: dir, env: key }).out, 'sk_live_4712');
  assert.equal(weir(['secrets', 'rm', 'stripe'], { cwd: dir, env: key }).code, 0);
  assert.equal(weir(['secrets', 'rm', 'stripe'], { cwd: dir, env: key }).code, 1);
  assert.equal(weir(['secrets', 'get', 'stripe'], { cwd: dir, env: key }).code, 1);
  assert.match(set(dir, 'raw', 'x', { ...key, WEIR_SECRET_raw: 'y' }).err, /in a stronger source, too, and that one is used: WEIR_SECRET_raw/);
});

test('what is used wrongly is said: values as arguments, bad names, no key, a short one', (t) => {
  const dir = folder(t);
  const argument = weir(['secrets', 'set', 'a', 'value'], { cwd: dir, env: key });
  assert.equal(argument.code, 2);
  assert.match(argument.err, /read from standard input/);
  assert.equal(weir(['secrets', 'set', 'a/b'], { cwd: dir, env: key, input: 'x' }).code, 2);
  assert.equal(weir(['secrets', 'frob'], { cwd: dir }).code, 2);
  assert.match(set(dir, 'a', 'x', {}).err, /set WEIR_MASTER_KEY, or WEIR_MASTER_KEY_FILE/);
  assert.match(set(dir, 'a', 'x', { WEIR_MASTER_KEY: 'short' }).err, /the key is too short/);
  assert.match(set(dir, 'a', '\n').err, /empty/);
  assert.match(set(dir, 'a', 'x'.repeat(70000)).err, /64 KiB|65536/);
  assert.deepEqual(readdirSync(dir).filter((n) => n !== 'var'), []);
});

test('a file of another key, a changed, a cut or a newer one is refused, with what is wrong', (t) => {
  const dir = folder(t, { 'pipelines/a.yaml': 'name: a\nsteps:\n  - set: 1\n' });
  set(dir, 'a', 'value');
  const file = join(dir, 'var/secrets.enc');
  const good = readFileSync(file);
  const told = (bytes, env = key) => { writeFileSync(file, bytes); const r = weir(['check'], { cwd: dir, env }); assert.equal(r.code, 1); return r.err; };
  const changed = Buffer.from(good);
  changed[60] ^= 1;
  assert.match(told(changed), /secrets.enc: error\[W0520\]: the master key is not the one it was sealed with, or the file was changed/);
  assert.match(told(good, { WEIR_MASTER_KEY: 'another key of the tests' }), /the master key is not the one/);
  assert.match(told(good, {}), /there is no key: set WEIR_MASTER_KEY/);
  assert.match(told(good.subarray(0, good.length - 3)), /it is cut off/);
  assert.match(told(Buffer.concat([good.subarray(0, 8), Buffer.from([9]), good.subarray(9)])), /version 9 of the format; this weir knows version 1 only/);
  const greedy = Buffer.from(good);
  greedy[9] = 40;
  assert.match(told(greedy), /scrypt with N = 2\^40, r = 8, p = 3 is out of bounds/);
  assert.match(told(Buffer.from('SECRET=1\n')), /no sealed file/);
  writeFileSync(file, changed); // and nothing is written over a file that can't be opened
  assert.equal(set(dir, 'b', 'value').code, 1);
  assert.deepEqual(readFileSync(file), changed);
});

test('the file is what docs/secrets.md says: another implementation opens it', (t) => {
  const dir = folder(t);
  set(dir, 'a', 'b');
  const f = readFileSync(join(dir, 'var/secrets.enc'));
  const n = 2 ** f[9], r = f.readUInt16BE(10), p = f.readUInt16BE(12), len = f.readUInt32BE(16);
  const d = createDecipheriv('aes-256-gcm', scryptSync(key.WEIR_MASTER_KEY, f.subarray(20, 36), 32, { N: n, r, p, maxmem: 256 << 20 }), f.subarray(36, 48));
  d.setAAD(f.subarray(0, 48));
  d.setAuthTag(f.subarray(48 + len));
  assert.deepEqual(Buffer.concat([d.update(f.subarray(48, 48 + len)), d.final()]), Buffer.from([0x81, 0xa1, 0x61, 0xa1, 0x62]));
});

test('rotate gives a new salt, or a new key; after it only that one opens the file', (t) => {
  const dir = folder(t, { 'next.key': 'the next key of the tests\n' });
  set(dir, 'a', 'value');
  const file = join(dir, 'var/secrets.enc');
  const before = readFileSync(file);
  assert.match(weir(['secrets', 'rotate'], { cwd: dir, env: key }).out, /sealed anew \(1 secret\) with a new salt and the same key/);
  assert.notDeepEqual(readFileSync(file).subarray(20, 48), before.subarray(20, 48));
  const short = weir(['secrets', 'rotate'], { cwd: dir, env: { ...key, WEIR_NEW_MASTER_KEY: 'short' } });
  assert.equal(short.code, 1);
  assert.equal(weir(['secrets', 'get', 'a'], { cwd: dir, env: key }).out, 'value');
  assert.match(weir(['secrets', 'rotate'], { cwd: dir, env: { ...key, WEIR_NEW_MASTER_KEY_FILE: 'next.key' } }).out, /the new key: WEIR_MASTER_KEY has to be/);
  assert.equal(weir(['secrets', 'get', 'a'], { cwd: dir, env: { WEIR_MASTER_KEY: 'the next key of the tests' } }).out, 'value');
  assert.equal(weir(['secrets', 'get', 'a'], { cwd: dir, env: key }).code, 1);
});

test('ten writers at once lose nothing', async (t) => {
  const dir = folder(t);
  const writers = Array.from({ length: 10 }, (_, i) => new Promise((done) => {
    const c = spawn(binary, ['secrets', 'set', `name${i}`], { cwd: dir, env: { ...process.env, ...key }, stdio: ['pipe', 'ignore', 'pipe'] });
    let err = '';
    c.stderr.setEncoding('utf8').on('data', (d) => { err += d; });
    c.once('close', (code) => done({ code, err }));
    c.stdin.end(`value${i}`);
  }));
  const ended = await Promise.all(writers);
  // One that waited for all the others in vain has said so, and has changed nothing.
  const good = ended.filter((e) => e.code === 0).length;
  for (const e of ended.filter((x) => x.code !== 0)) assert.match(e.err, /another weir secrets is changing/);
  assert.ok(good > 0);
  assert.equal(list([], { cwd: dir, env: key }).list.length, good);
});

const asks = (secret = 'TOKEN') => `name: ask
trigger: { webhook: { path: /ask } }
steps:
  - set: { signed: "\${ hex.encode(hmac('sha256', secrets.${secret}, 'x')) }" }
`;
const signed = async (w) => (await (await fetch(`${w.edge}/ask`, { method: 'POST' })).json()).signed;
const { createHmac } = await import('node:crypto');
const hmacOf = (value) => createHmac('sha256', value).update('x').digest('hex');

// As a careful writer does: nobody reads half of it.
const replace = (path, text) => { writeFileSync(`${path}.new`, text); renameSync(`${path}.new`, path); };

test('a changed file arrives without a restart, and a broken one changes nothing', async (t) => {
  const dir = folder(t, { 'token.txt': 'first\n' });
  set(dir, 'OTHER', 'one');
  const w = await start(t, { 'a.yaml': asks() }, { cwd: dir, env: { ...key, WEIR_SECRET_TOKEN_FILE: join(dir, 'token.txt') }, args: ['--set', 'secrets.look=50ms'] });
  assert.equal(await signed(w), hmacOf('first'));
  replace(join(dir, 'token.txt'), 'second value\n');
  await until(async () => (await signed(w)) === hmacOf('second value'), 'the new value');
  assert.ok(await metric(w, 'weir_secrets_refresh_total', { source: 'files', result: 'changed' }) >= 1);

  const enc = join(dir, 'var/secrets.enc');
  const good = readFileSync(enc);
  replace(enc, 'rubbish');
  await w.log((l) => l.level === 'warn' && /no sealed file.*the values from before stay/.test(l.msg));
  assert.equal(await signed(w), hmacOf('second value'));
  await until(async () => (await metric(w, 'weir_secrets_refresh_total', { source: 'files', result: 'failure' })) >= 3, 'failures are counted');
  assert.equal(w.lines.filter((l) => /the values from before stay/.test(l.msg)).length, 1, 'it is said once');
  assert.ok(await metric(w, 'weir_secrets_age_seconds', { source: 'files' }) > 0);
  replace(enc, good);
  await w.log((l) => /secrets: files can be read again/.test(l.msg));
  replace(join(dir, 'token.txt'), 'third value');
  await until(async () => (await signed(w)) === hmacOf('third value'), 'the third value');
});

test('a reload takes what is in the files then, and a run that began keeps what it had', async (t) => {
  const dir = folder(t, { 'token.txt': 'first' });
  const slow = `name: ask\ntrigger: { webhook: { path: /ask } }\nsteps:\n  - delay: 2s\n  - set: { signed: "\${ hex.encode(hmac('sha256', secrets.TOKEN, 'x')) }" }\n`;
  const w = await start(t, { 'a.yaml': slow }, { cwd: dir, env: { WEIR_SECRET_TOKEN_FILE: join(dir, 'token.txt') }, args: ['--set', 'secrets.look=0'] });
  const begun = signed(w);
  await until(async () => (await metric(w, 'http_server_active_requests')) >= 1, 'the request is under way');
  replace(join(dir, 'token.txt'), 'second');
  assert.equal(weir(['reload', '--admin', w.admin.slice(7)]).code, 0);
  assert.equal(await begun, hmacOf('first'));
  assert.equal(await signed(w), hmacOf('second'));
});

// Not weir reload by spawnSync: the stand-in lives in this process.
const reload = (w) => fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
// A command to its end; not by spawnSync, for the same reason.
const ended = (args, cwd, env) => new Promise((done) => {
  const c = spawn(binary, args, { cwd, env: { ...process.env, ...env } });
  let out = '', err = '';
  c.stdout.setEncoding('utf8').on('data', (d) => { out += d; });
  c.stderr.setEncoding('utf8').on('data', (d) => { err += d; });
  c.once('close', (code) => done({ code, out, err }));
});
const aws = (dir, more = '') => write(dir, { 'weir.yaml': `secrets:\n  look: 0\n  aws: { enabled: true, prefix: prod/weir/${more} }\n` });

test('secrets come from AWS with a good signature, and a changed one arrives', async (t) => {
  const dir = folder(t, { 'pipelines/a.yaml': asks() });
  const a = await secretsManager(t, { 'prod/weir/TOKEN': 'first of aws', 'prod/weir/unused': 'x' });
  aws(dir, ', refresh: 100ms');
  const env = { ...a.env };
  const w = await start(t, join(dir, 'pipelines'), { cwd: dir, env });
  assert.equal(await signed(w), hmacOf('first of aws'));
  assert.deepEqual([...new Set(a.asked)], ['prod/weir/TOKEN'], 'what nobody uses is not asked for');
  assert.deepEqual(a.refused, []);
  a.secrets['prod/weir/TOKEN'] = 'second of aws';
  await until(async () => (await signed(w)) === hmacOf('second of aws'), 'the new value');

  a.down = 'InternalServiceError';
  await w.log((l) => l.level === 'warn' && /prod\/weir\/TOKEN: it answered 500 InternalServiceError; the values from before stay/.test(l.msg));
  await until(async () => (await metric(w, 'weir_secrets_refresh_total', { source: 'aws', result: 'failure' })) >= 3, 'failures are counted');
  assert.equal(await signed(w), hmacOf('second of aws'));
  assert.equal(w.lines.filter((l) => /InternalServiceError/.test(l.msg)).length, 1, 'it is said once');
  a.down = 'reset';
  await w.log((l) => /prod\/weir\/TOKEN: .*the values from before stay/.test(l.msg) && !/500/.test(l.msg));
  assert.equal((await reload(w)).status, 200, 'a reload goes on with what is there');
  assert.equal(await signed(w), hmacOf('second of aws'));
  a.down = '';
  await w.log((l) => /secrets: aws can be read again/.test(l.msg));
  delete a.secrets['prod/weir/TOKEN'];
  await until(async () => (await fetch(`${w.edge}/ask`, { method: 'POST' })).status === 500, 'a secret that was deleted is gone');
  const out = JSON.stringify(w.lines) + w.stderr;
  for (const hidden of ['first of aws', 'second of aws', env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN]) assert.ok(!out.includes(hidden), hidden);
});

test('a pipeline that is new at a reload gets its secret from AWS', async (t) => {
  const dir = folder(t, { 'pipelines/a.yaml': asks() });
  const a = await secretsManager(t, { 'prod/weir/TOKEN': 'one', 'prod/weir/fresh': Buffer.from([1, 2, 255]) });
  aws(dir);
  const w = await start(t, join(dir, 'pipelines'), { cwd: dir, env: a.env });
  write(dir, { 'pipelines/a.yaml': asks('fresh') });
  assert.equal((await reload(w)).status, 200);
  assert.equal(await signed(w), hmacOf(Buffer.from([1, 2, 255])));
  assert.deepEqual([...new Set(a.asked)], ['prod/weir/TOKEN', 'prod/weir/fresh']);
});

test('AWS is asked by https, and only one whose certificate is right', async (t) => {
  const dir = folder(t, { 'pipelines/a.yaml': asks() });
  assert.equal(weir(['cert', 'self-signed'], { cwd: dir }).code, 0);
  const a = await secretsManager(t, { 'prod/weir/TOKEN': 'by https' }, { cert: readFileSync(join(dir, 'weir-cert.pem')), key: readFileSync(join(dir, 'weir-key.pem')) });
  aws(dir, ', timeout: 2s');
  assert.match((await ended(['check'], dir, a.env)).err, /W0521.*AWS Secrets Manager: prod\/weir\/TOKEN: .*the certificate is self-signed/);
  assert.deepEqual(a.asked, []);
  const w = await start(t, join(dir, 'pipelines'), { cwd: dir, env: { ...a.env, SSL_CERT_FILE: join(dir, 'weir-cert.pem') } });
  assert.equal(await signed(w), hmacOf('by https'));
});

test('list and get ask AWS; a stronger source spares it', async (t) => {
  const dir = folder(t, { 'pipelines/a.yaml': asks() });
  const a = await secretsManager(t, { 'prod/weir/TOKEN': 'one', 'prod/weir/other': 'of aws' });
  aws(dir);
  const run = (args, env) => ended(args, dir, { ...a.env, ...env });
  const r = await run(['secrets', 'list', '--json']);
  assert.equal(r.code, 0, r.err);
  assert.deepEqual(JSON.parse(r.out), [{ name: 'TOKEN', source: 'aws', place: 'prod/weir/TOKEN', also_in: [], hidden: false }]);
  assert.equal((await run(['secrets', 'get', 'other'])).out, 'of aws');
  a.asked.length = 0;
  assert.equal((await run(['check'], { WEIR_SECRET_TOKEN: 'x' })).code, 0);
  assert.deepEqual(a.asked, []);
  const wrongKey = await run(['check'], { AWS_SECRET_ACCESS_KEY: 'another-key' });
  assert.equal(wrongKey.code, 1);
  assert.match(wrongKey.err, /error\[W0521\]: AWS Secrets Manager: prod\/weir\/TOKEN: it answered 400 SignatureDoesNotMatch/);
  assert.match((await run(['check'], { AWS_ACCESS_KEY_ID: '' })).err, /there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/);
  assert.match((await run(['check'], { AWS_REGION: '' })).err, /which region\? Set AWS_REGION/);
  assert.match((await run(['check'], { AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://192.0.2.1:80' })).err, /http is for 127.0.0.1 only/);
  a.down = 'silent';
  assert.match((await run(['check', '--set', 'secrets.aws.timeout=300ms'])).err, /secrets.*W0521.*(has not answered within 300 ms|TOKEN: )/);
  a.down = '';
  delete a.secrets['prod/weir/TOKEN'];
  assert.match((await run(['check'])).err, /warning\[W0314\]: the secret is not set/);
});

test('all that is required and missing or malformed is said at once, with where it is used', (t) => {
  const dir = folder(t, { 'pipelines/a.yaml': `name: a
steps:
  - http: { url: "\${ env.ORDERS_URL }/x", headers: { a: "\${ secrets.github }" } }
  - set: \${ env.ORDERS_URL }
  - set: \${ env.NOT_DECLARED }
`, 'weir.yaml': `require:
  env:
    ORDERS_URL: url
    PORT: { format: int }
    WAIT: duration
    SIZE: { format: bytes }
    REGION: { pattern: "^(eu|us)$" }
    NAME:
    GOOD: url
  secrets: [github, stripe]
` });
  const env = { PORT: 'eighty', WAIT: '5 apples', SIZE: 'big', REGION: 'moon', GOOD: 'https://example.org', WEIR_SECRET_stripe: 'x' };
  for (const args of [['check'], ['run', '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0']]) {
    const r = weir(args, { cwd: dir, env });
    assert.equal(r.code, 1);
    const said = r.err.split('\n').filter((l) => /error|warning/.test(l) && /\[W/.test(l)).map((l) => l.replace(/^\S+ /, ''));
    assert.deepEqual(said, [
      'warning[W0313]: the environment variable ORDERS_URL is not set',
      'warning[W0314]: the secret is not set: WEIR_SECRET_github is not in the environment, and no other source has it',
      'warning[W0313]: the environment variable NOT_DECLARED is not set',
      'error[W0523]: the environment variable ORDERS_URL is required and is not set; used in pipelines/a.yaml:3, pipelines/a.yaml:4',
      'error[W0524]: the environment variable PORT must be a whole number; used in no pipeline',
      'error[W0524]: the environment variable WAIT must be a duration such as 250ms, 5s or 2h; used in no pipeline',
      'error[W0524]: the environment variable SIZE must be a size such as 64KiB or 1MiB; used in no pipeline',
      'error[W0524]: the environment variable REGION must be what matches its pattern: ^(eu|us)$; used in no pipeline',
      'error[W0523]: the environment variable NAME is required and is not set; used in no pipeline',
      'error[W0523]: the secret github is required and is not set; used in pipelines/a.yaml:3',
    ], r.err);
  }
  const good = weir(['check'], { cwd: dir, env: { ...env, PORT: '-80', WAIT: '5s', SIZE: '1KiB', REGION: 'eu', NAME: 'n', ORDERS_URL: 'http://o', WEIR_SECRET_GITHUB: 'g' } });
  assert.equal(good.code, 0, good.err);
  write(dir, { 'weir.yaml': 'require: { env: { A: frob, B: { x: 1 } }, secrets: { "a b": {} }, more: 1 }\n' });
  const bad = weir(['check'], { cwd: dir }).err;
  for (const text of [/W0522.*no such format/, /a format is one of nonempty url int duration bytes/, /W0522.*unknown key/, /this can't be a name/, /unknown key in 'require'/])
    assert.match(bad, text);
});
