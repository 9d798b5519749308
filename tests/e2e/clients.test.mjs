// The clients that people have: each asks the real binary, if it is installed here.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { spawn, spawnSync } from 'node:child_process';
import net from 'node:net';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { start, until, folder, metric } from './lib/weir.mjs';

const run = promisify(execFile);
const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
const unless = (command) => ({ skip: has(command) ? false : `${command} is not installed` });

const pipelines = {
  'echo.yaml': `
name: echo
trigger:
  webhook: { path: "/echo/{name}", methods: [GET, POST] }
steps:
  - reply: { json: { name: "\${ request.params.name }", body: "\${ request.body }" } }
`,
  'size.yaml': 'name: size\ntrigger: { webhook: { path: /size, methods: [POST] } }\nsteps:\n  - reply: { text: "${ string(size(request.raw)) }" }\n',
  'ip.yaml': 'name: ip\ntrigger: { webhook: { path: /ip, methods: [GET] } }\nsteps:\n  - reply: { text: "${ request.client_ip }" }\n',
};
const options = { shards: 2, args: ['--set', 'log.access=false'] };

const completed = (w) => metric(w, 'weir_runs_total', { pipeline: 'echo', outcome: 'completed' });

test('curl is served', unless('curl'), async (t) => {
  const w = await start(t, pipelines, options);
  const curl = async (...args) => (await run('curl', ['-sS', '--fail-with-body', ...args])).stdout;
  assert.deepEqual(JSON.parse(await curl(`${w.edge}/echo/a%20b`)), { name: 'a b', body: null });
  assert.deepEqual(JSON.parse(await curl(`${w.edge}/echo/x`, '-H', 'Content-Type: application/json', '-d', '{"n":1}')).body, { n: 1 });
  assert.deepEqual(JSON.parse(await curl(`${w.edge}/echo/x`, '-F', 'a=1', '-F', 'b=2')).body, { a: '1', b: '2' });
  assert.match(await curl('-I', `${w.edge}/echo/x`), /^HTTP\/1\.1 200/);
  assert.match(await curl('-0', `${w.edge}/echo/x`), /"name":"x"/);
  assert.equal(await curl(`${w.edge}/echo/[1-3]`, '-w', '%{num_connects}', '-o', '/dev/null'), '100', 'one connection for all');
  const large = join(folder(t, { large: 'x'.repeat(1 << 20) }), 'large');
  assert.equal(await curl(`${w.edge}/size`, '--data-binary', `@${large}`), '1048576'); // with Expect: 100-continue
  assert.equal(await curl(`${w.edge}/size`, '-H', 'Transfer-Encoding: chunked', '--data-binary', `@${large}`), '1048576');
});

test('fetch of Node is served', async (t) => {
  const w = await start(t, pipelines, options);
  const all = await Promise.all(Array.from({ length: 200 }, async (_, i) => (await fetch(`${w.edge}/echo/${i}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ i }) })).json()));
  assert.deepEqual(all, Array.from({ length: 200 }, (_, i) => ({ name: String(i), body: { i } })));
  const pieces = async function* () { for (let i = 0; i < 10; i++) yield Buffer.from(`piece ${i} `); };
  const streamed = await fetch(`${w.edge}/size`, { method: 'POST', body: pieces(), duplex: 'half' });
  assert.equal(await streamed.text(), '80');
});

test('an http agent of Node is served on connections that are kept', async (t) => {
  const w = await start(t, pipelines, options);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  t.after(() => agent.destroy());
  const sockets = new Set();
  const one = (i) => new Promise((done, fail) => http.get({ port: w.edgePort, path: `/echo/${i}`, agent }, (r) => {
    sockets.add(r.socket);
    let text = '';
    r.on('data', (d) => { text += d; }).on('end', () => done(JSON.parse(text).name)).on('error', fail);
  }).on('error', fail));
  const names = await Promise.all(Array.from({ length: 500 }, (_, i) => one(i)));
  assert.deepEqual(names, Array.from({ length: 500 }, (_, i) => String(i)));
  assert.equal(sockets.size, 4);
});

test('urllib and http.client of Python are served', unless('python3'), async (t) => {
  const w = await start(t, pipelines, options);
  const script = `
import http.client, json, urllib.request
base = "${w.edge}"
q = urllib.request.Request(base + "/echo/py", json.dumps({"a": [1]}).encode(), {"Content-Type": "application/json"})
assert json.load(urllib.request.urlopen(q)) == {"name": "py", "body": {"a": [1]}}
try:
    urllib.request.urlopen(base + "/nowhere")
    assert False
except urllib.error.HTTPError as e:
    assert e.code == 404 and json.load(e)["status"] == 404
c = http.client.HTTPConnection("127.0.0.1", ${w.edgePort})
for i in range(20):
    c.request("GET", "/echo/%d" % i)
    r = c.getresponse()
    assert r.status == 200 and json.load(r)["name"] == str(i)
c.request("POST", "/size", iter([b"abc", b"de"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
assert c.getresponse().read() == b"5"
c.request("HEAD", "/echo/x")
r = c.getresponse()
assert r.status == 200 and r.read() == b""
print("fine")
`;
  const r = await run('python3', ['-c', script]);
  assert.equal(r.stdout.trim(), 'fine');
});

test('ab is served, with and without kept connections', unless('ab'), async (t) => {
  const w = await start(t, pipelines, options);
  for (const more of [[], ['-k']]) {
    const { stdout } = await run('ab', ['-q', '-n', '2000', '-c', '8', ...more, `${w.edge}/echo/ab`]);
    assert.match(stdout, /Complete requests: +2000/);
    assert.match(stdout, /Failed requests: +0/);
    assert.doesNotMatch(stdout, /Non-2xx/);
    if (more.length) assert.match(stdout, /Keep-Alive requests: +2000/);
  }
});

test('wrk is served', unless('wrk'), async (t) => {
  const w = await start(t, pipelines, options);
  const { stdout } = await run('wrk', ['-t1', '-c16', '-d1s', `${w.edge}/echo/wrk`]);
  assert.doesNotMatch(stdout, /Socket errors|Non-2xx/);
  const [, n] = /(\d+) requests in/.exec(stdout);
  assert.ok(await completed(w) >= Number(n));
});

test('siege is served', unless('siege'), async (t) => {
  const w = await start(t, pipelines, options);
  const home = folder(t);
  const r = await run('siege', ['-b', '-c', '4', '-r', '50', '-q', '-j', `${w.edge}/echo/siege`], { env: { ...process.env, HOME: home } });
  assert.match(r.stdout, /"transactions":\s*200/);
  assert.match(r.stdout, /"failed_transactions":\s*0/);
});

test('hey is served', unless('hey'), async (t) => {
  const w = await start(t, pipelines, options);
  const { stdout } = await run('hey', ['-n', '1000', '-c', '8', `${w.edge}/echo/hey`]);
  assert.match(stdout, /\[200\]\s+1000 responses/);
});

test('h2load is served over HTTP/1.1', unless('h2load'), async (t) => {
  const w = await start(t, pipelines, options);
  const { stdout } = await run('h2load', ['--h1', '-n', '2000', '-c', '8', '-m', '10', `${w.edge}/echo/h2load`]);
  assert.match(stdout, /2000 succeeded, 0 failed, 0 errored, 0 timeout/);
  assert.match(stdout, /status codes: 2000 2xx/);
});

test('nginx in front passes all on, and the caller is known', unless('nginx'), async (t) => {
  const w = await start(t, pipelines, { ...options, args: [...options.args, '--set', 'trusted_proxies=127.0.0.1/32'] });
  const probe = net.createServer();
  await new Promise((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  const dir = folder(t);
  const conf = `daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 2048; }
http {
  access_log off; client_max_body_size 8m;
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  upstream weir { server 127.0.0.1:${w.edgePort}; keepalive 8; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://weir; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $http_x_test; }
  }
}
`;
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(dir, 'nginx.conf'), conf);
  const nginx = spawn('nginx', ['-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')], { stdio: 'ignore' });
  const ended = new Promise((done) => nginx.once('exit', done));
  t.after(async () => { nginx.kill('SIGTERM'); await ended; });
  const url = `http://127.0.0.1:${port}`;
  await until(() => fetch(`${url}/echo/x`).then((r) => r.ok, () => false), 'nginx is up');
  const all = await Promise.all(Array.from({ length: 300 }, async (_, i) => (await fetch(`${url}/echo/${i}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: `[${i}]` })).json()));
  assert.deepEqual(all, Array.from({ length: 300 }, (_, i) => ({ name: String(i), body: [i] })));
  assert.equal(await (await fetch(`${url}/ip`, { headers: { 'x-test': '203.0.113.7' } })).text(), '203.0.113.7');
  assert.equal(await (await fetch(`${url}/size`, { method: 'POST', body: 'x'.repeat(1 << 20) })).text(), '1048576');
  assert.equal((await fetch(`${url}/size`, { method: 'POST', body: 'x'.repeat((1 << 20) + 1) })).status, 413);
});
