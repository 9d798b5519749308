// weir import n8n: what it makes of workflows passes weir check, and does what the workflow did.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { folder, start, weir } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

const data = join(dirname(fileURLToPath(import.meta.url)), 'data/n8n');
const workflow = (name) => join(data, `${name}.json`);
// Workflows of others, if there are any: WEIR_N8N_DATA, or shared/data beside the project.
const others = process.env.WEIR_N8N_DATA ?? join(dirname(fileURLToPath(import.meta.url)), '../../../shared/data/n8n');
/** Imports a workflow into a folder: { dir, report, files }. */
function imported(t, path) {
  const dir = folder(t);
  const r = weir(['import', 'n8n', path, '--output', join(dir, 'p'), '--report', join(dir, 'report.json')]);
  assert.equal(r.code, 0, r.err);
  const report = JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8'));
  return { dir: join(dir, 'p'), report, err: r.err, files: report.pipelines.map((p) => join(dir, 'p', `${p.name}.yaml`)) };
}

/** What weir check says against the pipelines. */
function mistakes(dir) {
  const errors = JSON.parse(weir(['check', '--json', dir]).out).filter((d) => d.severity === 'error');
  return errors.map((d) => `${d.file}:${d.line}: ${d.message}`);
}

test('every workflow of ours passes check and is laid out', (t) => {
  for (const name of readdirSync(data)) {
    const { dir, report } = imported(t, join(data, name));
    assert.deepEqual(mistakes(dir), [], name);
    assert.equal(weir(['fmt', '--check', dir]).code, 0, name);
    const { total, mapped, partly, todo, dropped } = report.nodes;
    assert.equal(mapped + partly + todo + dropped, total, name);
  }
});

test('every workflow of others passes check', { skip: !existsSync(others) && `there is no ${others}; WEIR_N8N_DATA names another` }, (t) => {
  const names = readdirSync(others).filter((n) => n.endsWith('.json'));
  const sum = { total: 0, todo: 0 };
  for (const name of names) {
    const { dir, report, files } = imported(t, join(others, name));
    for (const file of files) parse(readFileSync(file, 'utf8')); // another reader of YAML agrees
    assert.deepEqual(mistakes(dir), [], name);
    sum.total += report.expressions.total;
    sum.todo += report.expressions.todo;
  }
  assert.ok(names.length > 0);
  assert.ok(sum.todo < sum.total / 8, `${sum.todo} of ${sum.total} expressions are left to do`);
  t.diagnostic(`${names.length} workflows, ${sum.total} expressions, ${sum.todo} to do`);
});

const send = (w, path, body) => fetch(`${w.edge}${path}`, { method: body ? 'POST' : 'GET', headers: { 'content-type': 'application/json', 'user-agent': 'tester' }, body: body && JSON.stringify(body) });

test('an if, two sets and an answer do what they did', async (t) => {
  const w = await start(t, imported(t, workflow('order')).dir);
  const big = await send(w, '/orders/north', { amount: 500 });
  assert.equal(big.status, 201);
  assert.equal(big.headers.get('x-kind'), 'big');
  assert.deepEqual(await big.json(), { kind: 'big', amount: 500, agent: 'tester' });
  assert.deepEqual(await (await send(w, '/orders/north', { amount: 5 })).json(), { kind: 'small', amount: 5, agent: 'tester' });
});

test('switches of both kinds lead where they led', async (t) => {
  const w = await start(t, imported(t, workflow('switch')).dir);
  const way = async (kind) => (await send(w, '/route', { kind })).json();
  assert.deepEqual(await way('a'), { way: 1, got: 'A' });
  assert.deepEqual(await way('b'), { way: 3 });
  assert.deepEqual(await way('zebra'), { way: 2, got: 'other ZEBRA' });
});

test('nodes behind one output run side by side and are merged', async (t) => {
  const p = await upstream(t, (request, response, body) => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/users/7') response.end(JSON.stringify({ name: `Ada ${request.headers['x-who']}` }));
    else response.end(JSON.stringify({ left: JSON.parse(body).n }));
  });
  const { dir, report } = imported(t, workflow('parallel'));
  assert.deepEqual(report.nodes, { total: 5, mapped: 4, partly: 1, todo: 0, dropped: 0 });
  assert.match(report.notes[0].why, /list of two/);
  const w = await start(t, dir, { env: { BASE_URL: p.url } });
  assert.deepEqual(await (await send(w, '/both?id=7')).json(), { user: 'Ada 7', left: 2, count: 2 });
});

test('items are gone through one by one', async (t) => {
  const w = await start(t, imported(t, workflow('loop')).dir);
  const items = [{ sku: 'a', price: 2, n: 3 }, { sku: 'b', price: 7, n: 2 }];
  const r = await (await send(w, '/loop', { items })).json();
  assert.deepEqual(r, [{ sku: 'a', total: 6 }, { dear: 'b' }]);
});

test('a loop ends at itself, clocks become schedules', (t) => {
  const { files, report } = imported(t, workflow('batches'));
  const doc = parse(readFileSync(files[0], 'utf8'));
  assert.equal(files.length, 1);
  assert.deepEqual(doc.trigger, [{ schedule: { cron: '0 6 * * 1,3', timezone: 'Europe/Berlin' } }, { schedule: { every: '10m' } }]);
  assert.equal(doc.timeout, '5m');
  assert.deepEqual(doc.steps.map((s) => s.id), ['list', 'loop', 'told']);
  assert.equal(doc.steps[1].foreach, '${ steps.list.body }');
  assert.deepEqual(doc.steps[1].do.map((s) => s.id), ['send', 'pause']);
  assert.deepEqual(doc.steps[1].do[1].wait, { for: '2m' });
  assert.equal(doc.steps[2].http.url, 'http://127.0.0.1:1/done?n=${ size(steps.loop) }');
  assert.ok(report.notes.some((n) => n.node === 'Run now'));
});

test('an error output is a way of its own, the error trigger hears of dead jobs', async (t) => {
  const { dir, files } = imported(t, workflow('errors'));
  assert.equal(files.length, 2);
  const heard = parse(readFileSync(files[1], 'utf8'));
  assert.deepEqual(heard.trigger, { event: 'job.dead' });
  assert.equal(heard.steps[0].http.json.text, '${ request.body.pipeline } failed: ${ request.body.message }');
  assert.equal(heard.steps[1].lua.config.message, 'told of ${ steps.tell.body.id }');
  const p = await upstream(t, (request, response) => {
    response.statusCode = request.url === '/bad' ? 500 : 200;
    response.setHeader('content-type', 'application/json');
    response.end('{"name":"fine"}');
  });
  // The URL comes with the event, so its host has to be allowed; the rest is as it was made.
  const text = readFileSync(files[0], 'utf8').replace('url: ${ request.body.url }', `url: ${p.url}/\${ request.body.url }`);
  assert.deepEqual(mistakes(dir), []);
  const w = await start(t, { 'errors.yaml': text });
  assert.deepEqual(await (await send(w, '/errors', { url: 'good' })).json(), { good: 'fine' });
  assert.deepEqual(await (await send(w, '/errors', { url: 'bad' })).json(), { bad: true });
});

test('what has no counterpart is a step that fails, under a TODO, and is in the report', (t) => {
  const { files, report, err } = imported(t, workflow('tangled'));
  const text = readFileSync(files[0], 'utf8');
  for (const what of ['Mail (n8n-nodes-base.gmail) has no counterpart', 'the expression {{ $fromAI(\'x\') }}: $fromAI has no counterpart',
    'here n8n goes on at "Poll": the way goes back', 'Agent (@n8n/n8n-nodes-langchain.agent)'])
    assert.ok(text.includes(`# TODO n8n: ${what}`), what);
  const all = [];
  const walk = (v) => { if (v && typeof v === 'object') { if (v.lua) all.push(v); Object.values(v).forEach(walk); } };
  walk(parse(text));
  assert.ok(all.length >= 4);
  for (const step of all) assert.match(step.lua, /^error\("TODO/m);
  assert.match(text, /-- {3}return items\.map\(i => `\$\$\{i\.json\.a\}`\);/);
  const named = new Set(report.todos.map((d) => d.node));
  for (const node of ['Code', 'Mail', 'Agent', 'Model', 'Ask', 'Poll']) assert.ok(named.has(node), node);
  assert.ok(report.todos.some((d) => d.pipeline === 'tangled' && d.step === 'mail' && d.type === 'n8n-nodes-base.gmail'));
  assert.match(err, /^Tangled: 1 pipeline of 15 nodes: \d+ mapped, \d+ mapped in part, \d+ to do, \d+ without effect; 7 expressions, 2 to do$/m);
});

test('it prints, refuses to overwrite, and takes standard input', (t) => {
  const r = weir(['import', 'n8n', workflow('order')]);
  assert.equal(r.code, 0);
  assert.equal(parse(r.out).name, 'orders_answers');
  const json = JSON.parse(weir(['import', 'n8n', '-', '--json'], { input: readFileSync(workflow('errors'), 'utf8') }).out);
  assert.deepEqual(json.pipelines.map((p) => p.name), ['errors', 'errors_2']);
  const dir = folder(t);
  assert.equal(weir(['import', 'n8n', workflow('order'), '-o', dir]).code, 0);
  const again = weir(['import', 'n8n', workflow('order'), '-o', dir]);
  assert.equal(again.code, 1);
  assert.match(again.err, /orders_answers\.yaml: File exists; --force overwrites it/);
  assert.equal(weir(['import', 'n8n', workflow('order'), '-o', dir, '--force']).code, 0);
});

test('a workflow that is too much for a file is refused, and long keys are written', (t) => {
  const set = (jsonOutput) => JSON.stringify({ nodes: [{ name: 'A', type: 'n8n-nodes-base.set', typeVersion: 3.4, parameters: { mode: 'raw', jsonOutput } }] });
  const dir = folder(t, { 'many.json': set(`[${'1,'.repeat(120_000)}1]`), 'key.json': set(JSON.stringify({ ['k'.repeat(3000)]: 1 })) });
  assert.match(weir(['import', 'n8n', join(dir, 'many.json')]).err, /the pipeline many would be /);
  const r = weir(['import', 'n8n', join(dir, 'key.json')]);
  assert.equal(Object.keys(parse(r.out).steps[0].set)[0].length, 3000);
});

test('what is no workflow is refused', (t) => {
  const dir = folder(t, { 'a.json': '[]', 'b.json': '{', 'c.json': '{"nodes":[]}', 'd.json': '{"nodes":[1,{"type":5}],"connections":[3]}' });
  assert.match(weir(['import', 'n8n', join(dir, 'a.json')]).err, /it is no workflow of n8n/);
  assert.match(weir(['import', 'n8n', join(dir, 'b.json')]).err, /line 1, column/);
  assert.equal(weir(['import', 'n8n', join(dir, 'c.json')]).code, 0);
  assert.equal(weir(['import', 'n8n', join(dir, 'd.json')]).code, 0);
  assert.equal(weir(['import', 'n8n', join(dir, 'none.json')]).code, 1);
  assert.equal(weir(['import']).code, 2);
  assert.equal(weir(['import', 'zapier', 'x']).code, 2);
});

/** A workflow whose only work is a Set of the VALUES, behind WEBHOOKS. */
function setting(values, webhooks = [{ path: 'x', httpMethod: 'POST', responseMode: 'lastNode' }]) {
  const names = webhooks.map((_, i) => `W${i}`);
  const string = Object.entries(values).map(([name, value]) => ({ name, value }));
  return {
    name: 'values',
    nodes: [...webhooks.map((parameters, i) => ({ name: names[i], type: 'n8n-nodes-base.webhook', parameters })), { name: 'S', type: 'n8n-nodes-base.set', parameters: { values: { string } } }],
    connections: Object.fromEntries(names.map((name) => [name, { main: [[{ node: 'S', type: 'main', index: 0 }]] }])),
  };
}

test('expressions give what JavaScript gives, or fail, or are noted', (t) => {
  const expressions = [
    '$json.body.a || "none"', '$json.body.a && "yes"', '$json.body.a ? 1 : 2', '!$json.body.a', '$json.body.a || $json.body.b || 7', '($json.body.a && $json.body.b) ? "both" : "not"',
    '$json.body.a == 1', '$json.body.a == "5"', '$json.body.a != "x"', '$json.body.a == true', '$json.body.a == ""', '$json.body.a == 0', '$json.body.a === 5', '$json.body.a === null', '$json.body.a !== undefined', '$json.body.a == null',
    '$json.body.n / 2', '$json.body.n / $json.body.m / 2', '($json.body.n + 1) / 2', '$json.body.n * 1.5', '-$json.body.n % 3', '$json.query.q + 1', '$json.query.q * 2', '$json.query.q > 5', '$json.query.q / 2',
    '[1, 5, "x"].includes($json.body.a)', '$json.body.list.includes("b")', '$json.body.t.includes("b")', '$json.body.t.slice(0, 100)', '$json.body.t.slice(2, 1)', '$json.body.t.substring(3, 1)', '$json.body.t.split(",").length', '$json.body.o?.p ?? 1',
    '`a\\n${ $json.body.n }\\u00e9`', '"\\ud83d\\ude00" + $json.body.t', '$json.body.list.map(item => item + $json.body.t)', 'parseInt($json.query.q, 10)', 'Number($json.query.q) === 5', '"x" + $json.body.n / 2',
  ];
  const texts = ['Total: ${{ $json.body.n }}', 'half: $${{ $json.body.n / 2 }} of {{ $json.body.t }}', 'a ${b} {{ $json.query.q }}$'];
  const dir = folder(t);
  writeFileSync(join(dir, 'w.json'), JSON.stringify(setting(Object.fromEntries([...expressions.map((e, i) => [`e${i}`, `={{ ${e} }}`]), ...texts.map((e, i) => [`t${i}`, `=${e}`])]))));
  const { files, report } = imported(t, join(dir, 'w.json'));
  assert.equal(report.expressions.todo, 0, JSON.stringify(report.todos));
  const values = parse(readFileSync(files[0], 'utf8')).steps[0].set;
  const base = { n: 5, m: 2, t: 'a,b', list: ['a', 'b'], b: 'other' };
  const bodies = [{}, { a: '', n: 4 }, { a: 0, n: -7 }, { a: 1, o: {} }, { a: 5, o: { p: null } }, { a: '5', o: { p: 3 } }, { a: 'x' }, { a: '1' }, { a: false }, { a: true }, { a: null }, { a: 'abc' }].map((b) => ({ ...base, ...b }));
  const query = { q: '5' };
  let compared = 0;
  for (const body of bodies) {
    writeFileSync(join(dir, 'e.json'), JSON.stringify({ body, query: 'q=5' }));
    const of = (js) => new Function('$json', `return ${js}`)({ body, query });
    const here = (text) => {
      const r = weir(['expr', '--event', join(dir, 'e.json'), '--', text.replace(/^\$\{ (.*) \}$/s, '$1')]);
      return r.code === 0 ? JSON.parse(r.out) : undefined;
    };
    expressions.forEach((js, i) => {
      const is = here(values[`e${i}`]), wanted = JSON.parse(JSON.stringify(of(js) ?? null));
      if (is === undefined && 'a' in body) assert.fail(`${js} of ${JSON.stringify(body)}: ${values[`e${i}`]} fails`);
      if (is !== undefined) assert.deepEqual(is, wanted, `${js} of ${JSON.stringify(body)}: ${values[`e${i}`]}`);
      compared++;
    });
  }
  assert.equal(compared, bodies.length * expressions.length);
  // Texts: through a whole run.
  for (const body of bodies.slice(1, 3)) {
    writeFileSync(join(dir, 'e.json'), JSON.stringify({ method: 'POST', path: '/x', query: 'q=5', body: { ...body, a: 'x' } }));
    const r = weir(['try', files[0], '--event', join(dir, 'e.json')]);
    const reply = JSON.parse(r.out.trim().split('\n').at(-1));
    texts.forEach((text, i) => assert.equal(reply[`t${i}`], text.replace(/\{\{ (.*?) \}\}/g, (_, js) => new Function('$json', `return ${js}`)({ body, query })), text));
  }
});

test('webhooks that clash or share steps pass check, and parameters are those of their paths', (t) => {
  const dir = folder(t);
  const of = (values, webhooks) => {
    writeFileSync(join(dir, 'w.json'), JSON.stringify(setting(values, webhooks)));
    const r = imported(t, join(dir, 'w.json'));
    assert.deepEqual(mistakes(r.dir), []);
    return { ...r, yaml: readFileSync(r.files[0], 'utf8') };
  };
  let r = of({ id: '={{ $json.params.userId }}', zz: '={{ $json.params.nope }}' }, [{ path: 'a/:userId', httpMethod: 'GET' }, { path: 'a/:other', httpMethod: 'GET' }, { path: 'b', httpMethod: 'POST' }]);
  assert.match(r.yaml, /path: \/a\/\{userid\}\n/);
  assert.match(r.yaml, /path: \/a\/\{other\}\/2\n/);
  assert.match(r.yaml, /# TODO n8n: the trigger "W1": another webhook of this workflow has \/a\/\{other\} already/);
  assert.match(r.yaml, /id: \$\{ request\.params\.userid \}/);
  assert.match(r.yaml, /zz: .*TODO/);
  assert.ok(r.report.todos.some((d) => d.node === 'W1') && r.report.todos.some((d) => /no path of a webhook has ':nope'/.test(d.why)));
  // Without ':id' there is none; behind several webhooks too.
  r = of({ id: '={{ $json.params.id }}', b: '={{ $json.body.x }}' }, [{ path: 'a', httpMethod: 'POST' }, { path: 'a', httpMethod: 'POST' }]);
  assert.match(r.yaml, /path: \/a-2\n/);
  assert.match(r.yaml, /b: \$\{ request\.body\.x \}/);
  assert.match(r.yaml, /id: .*TODO/);
});
