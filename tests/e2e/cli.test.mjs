// The commands as a user meets them: what they print, what they refuse, how they exit.
import test from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { binary, folder, root, start, until, weir, write } from './lib/weir.mjs';

const good = (name = 'good') => `name: ${name}\ntrigger:\n  webhook: { path: /${name} }\nsteps:\n  - reply: { json: { a: 1 } }\n`;
const steps = (text) => `steps:\n${text}`;
// What is said of each class of mistakes: code, place, what stands under the caret, and the text.
const mistakes = {
  'YAML syntax': { code: 'W0101', at: /a\.yaml:\d+:\d+/, text: steps('  - set: { a: 1\n  - reply: {}\n') },
  'a tab': { code: 'W0106', at: /a\.yaml:2:1/, text: 'steps:\n\t- reply: {}\n' },
  'a key twice': { code: 'W0107', at: /a\.yaml:3:1/, text: 'name: a\nsteps: [{ reply: {} }]\nname: b\n' },
  'an unknown key of a node': { code: 'W0204', at: /a\.yaml:3:5/, under: "did you mean 'timeout'?", text: steps('  - set: 1\n    timout: 10s\n') },
  'an unknown key at the top': { code: 'W0204', at: /a\.yaml:1:1/, under: "did you mean 'name'?", text: 'nam: a\nsteps:\n  - reply: {}\n' },
  'a key in the wrong place': { code: 'W0204', at: /a\.yaml:2:\d+/, text: steps('  - http: { url: "http://127.0.0.1:1/", retry: 3 }\n') },
  'an unknown type of node': { code: 'W0203', at: /a\.yaml:2:5/, under: "did you mean 'reply'?", text: steps('  - repyl: {}\n') },
  'an unknown type of trigger': { code: 'W0211', at: /a\.yaml:1:12/, under: "did you mean 'webhook'?", text: 'trigger: { webhok: { path: /x } }\nsteps:\n  - reply: {}\n' },
  'a node without type': { code: 'W0205', at: /a\.yaml:2:5/, text: steps('  - id: a\n') },
  'a node with two types': { code: 'W0206', at: /a\.yaml:3:5/, text: steps('  - set: 1\n    reply: {}\n') },
  "a value against the type's schema": { code: 'W0208', at: /a\.yaml:2:22/, text: steps('  - reply: { status: many }\n') },
  'a duration that is none': { code: 'W0207', at: /a\.yaml:3:14/, text: steps('  - set: 1\n    timeout: soon\n') },
  'a block that is missing': { code: 'W0209', at: /a\.yaml:2:5/, text: steps('  - foreach: "${ input }"\n') },
  'a case that is never reached': { code: 'W0215', at: /a\.yaml:6:\d+/, text: steps('  - switch:\n    cases:\n      - when: ${ true }\n        do: [{ set: 1 }]\n      - when: ${ input == 1 }\n        do: [{ set: 2 }]\n') },
  'an expression that ends early': { code: 'W0401', at: /a\.yaml:2:\d+/, text: steps('  - set: ${ 1 + }\n') },
  'an unknown name': { code: 'W03', at: /a\.yaml:2:13/, text: steps('  - set: ${ reqest.body }\n') },
  'an unknown function': { code: 'W0401', at: /a\.yaml:2:13/, text: steps('  - set: ${ upcase(input) }\n') },
  'a bad regular expression': { code: 'W0401', at: /a\.yaml:2:\d+/, text: steps('  - set: ${ request.path.matches("(") }\n') },
  'an unknown step': { code: 'W0306', at: /a\.yaml:4:\d+/, text: steps('  - id: book\n    set: 1\n  - set: ${ steps.bok }\n') },
  'a step that has not run yet': { code: 'W0307', at: /a\.yaml:2:\d+/, text: steps('  - set: ${ steps.late }\n  - id: late\n    set: 1\n') },
  'an id twice': { code: 'W0301', at: /a\.yaml:4:\d+/, text: steps('  - id: a\n    set: 1\n  - id: a\n    set: 2\n') },
  'a pipeline that is not there': { code: 'W0508', at: /a\.yaml:2:\d+/, text: steps('  - call: nobody\n') },
  'a path that is none': { code: 'W0502', at: /a\.yaml:1:\d+/, text: 'trigger: { webhook: { path: "/a/{b" } }\nsteps:\n  - reply: {}\n' },
};

for (const [what, { code, at, under, text }] of Object.entries(mistakes)) {
  test(`check finds ${what}, and points at it`, (t) => {
    const dir = folder(t, { 'a.yaml': text });
    const r = weir(['check', dir]);
    assert.equal(r.code, 1);
    assert.equal(r.out, '');
    assert.match(r.err, at);
    assert.ok(r.err.includes(`error[${code}`), r.err);
    const lines = r.err.split('\n');
    const caret = lines.findIndex((l) => /^ +\| +\^/.test(l));
    assert.ok(caret > 0, r.err);
    // The caret stands under the column that the first line names.
    const [, line, column] = /:(\d+):(\d+):/.exec(r.err);
    const [, shown, source] = /^ *(\d+) \| (.*)$/.exec(lines[caret - 1]);
    assert.equal(shown, line);
    assert.equal(source, text.split('\n')[line - 1]);
    assert.equal(lines[caret].indexOf('^') - lines[caret].indexOf('|') - 1, Number(column));
    if (under) assert.ok(lines[caret].endsWith(under), r.err);
    const explained = weir(['explain', /\[(W\d+)\]/.exec(r.err)[1]]);
    assert.equal(explained.code, 0);
  });
}

test('check of what is good says so, or nothing', (t) => {
  const dir = folder(t, { 'a.yaml': good('a'), 'b.yml': good('b'), 'a.test.yaml': 'not: a pipeline\n', 'weir.yaml': 'shards: 1\n' });
  const r = weir(['check', dir]);
  assert.deepEqual([r.code, r.out], [0, '2 pipelines checked, no errors\n']);
  assert.deepEqual(JSON.parse(weir(['check', dir, '--json', '--set', 'log.level=info']).out).filter((d) => d.severity === 'error'), []);
  const quiet = weir(['check', '-q', dir]);
  assert.deepEqual([quiet.code, quiet.out], [0, '']);
});

test('check shows all mistakes of all files at once, sorted', (t) => {
  const dir = folder(t, { 'b.yaml': steps('  - repyl: {}\n  - set: ${ nope }\n'), 'a.yaml': 'nam: x\nsteps:\n  - delay: soon\n', 'c.yaml': good('c') });
  const { code, out } = weir(['check', '--json', dir]);
  assert.equal(code, 1);
  const found = JSON.parse(out).filter((d) => d.severity === 'error');
  assert.deepEqual(found.map((d) => [d.file.split('/').pop(), d.line]), [['a.yaml', 1], ['a.yaml', 3], ['b.yaml', 2], ['b.yaml', 3]]);
  for (const d of found) {
    assert.match(d.code, /^W\d{4}$/);
    assert.ok(d.message && d.column > 0 && d.length > 0, JSON.stringify(d));
  }
  assert.match(weir(['check', dir]).err, /4 errors, \d+ warnings?\n$/);
});

test('routes that clash are found across files', (t) => {
  const dir = folder(t, { 'a.yaml': good('a').replace('/a', '"/x/{one}"'), 'b.yaml': good('b').replace('/b', '"/x/{two}"') });
  const r = weir(['check', dir]);
  assert.equal(r.code, 1);
  assert.match(r.err, /b\.yaml:3:\d+: error\[W0501\]/);
  assert.match(r.err, /a\.yaml/);
});

test('warnings are shown, and count only if asked', (t) => {
  const dir = folder(t, { 'a.yaml': steps('  - switch: ${ request.path }\n    cases: { a: [{ set: 1 }] }\n') });
  const r = weir(['check', dir]);
  assert.equal(r.code, 0);
  assert.match(r.err, /warning\[W0803\]/);
  assert.equal(weir(['check', '--strict', dir]).code, 1);
  assert.equal(weir(['check', '--strict', '--json', dir]).code, 1);
});

test('run refuses exactly what check refuses, in the same words', (t) => {
  const files = Object.fromEntries(Object.values(mistakes).map((m, i) => [`m${i}.yaml`, m.text]));
  const dir = folder(t, files);
  const check = weir(['check', dir]), run = weir(['run', dir, '--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0']);
  assert.equal(run.code, 1);
  assert.equal(run.err.split('\n\n')[0].trim().length > 0, true);
  const findings = (text) => text.split('\n').filter((l) => /(error|warning)\[W/.test(l));
  assert.deepEqual(findings(run.err), findings(check.err));
  assert.ok(findings(run.err).length >= Object.keys(mistakes).length);
});

test('explain lists the codes, and says what one means', () => {
  const list = weir(['explain']);
  assert.equal(list.code, 0);
  assert.match(list.out, /^W0101  error    the file is not YAML$/m);
  assert.match(weir(['explain', 'w0204']).out, /^W0204 \(error\): unknown key\n\nThe key means nothing here/);
  const codes = JSON.parse(weir(['explain', '--json']).out);
  assert.equal(codes.length, list.out.trim().split('\n').length);
  assert.equal(new Set(codes.map((c) => c.code)).size, codes.length);
  for (const c of codes) assert.ok(c.title && c.explanation.endsWith('\n'), c.code);
  assert.match(weir(['explain', 'edge.max_body']).out, /WEIR_EDGE_MAX_BODY +1MiB/);
  const none = weir(['explain', 'edge.max_bdy']);
  assert.equal(none.code, 2);
  assert.match(none.err, /did you mean 'edge.max_body'/);
});

test('nodes lists the types, and shows one with options and an example', () => {
  assert.match(weir(['nodes']).out, /Triggers:\n[\s\S]*  webhook +Starts a run[\s\S]*Nodes:\n[\s\S]*  switch +Runs one of/);
  const http = weir(['nodes', 'http']).out;
  assert.match(http, /Short form: http: url\n/);
  assert.match(http, /\n  max_body: bytes, default "10MiB"\n/);
  assert.match(http, /\nExample:\n- /);
  assert.match(weir(['nodes', 'foreach']).out, /Brings into scope: item/);
  const all = JSON.parse(weir(['nodes', '--json']).out);
  assert.deepEqual(all.filter((n) => n.kind === 'trigger').map((n) => n.name), ['event', 'schedule', 'sse', 'webhook', 'websocket']);
  const one = JSON.parse(weir(['nodes', 'foreach', '--json']).out);
  assert.deepEqual(one, all.find((n) => n.name === 'foreach'));
  assert.equal(one.blocks[0].path, 'do');
  assert.equal(JSON.parse(weir(['nodes', '--schema']).out).title.length > 0, true);
  const none = weir(['nodes', 'swich']);
  assert.deepEqual([none.code, none.err], [2, "weir nodes: there is no type 'swich'; did you mean 'switch'?\n"]);
});

test("each type's example passes the check", (t) => {
  for (const n of JSON.parse(weir(['nodes', '--json', '--lua', join(root, 'lua')]).out)) {
    if (n.name === 'call') continue; // it calls a pipeline that isn't there
    const indented = n.example.trimEnd().replace(/^/gm, '  ');
    const durable = n.name === 'wait' ? 'durable: true\n' : '';
    const text = n.kind === 'node' ? `${durable}steps:\n${indented}\n` : `trigger:\n${indented}\nsteps:\n  - reply: {}\n`;
    const r = weir(['check', folder(t, { 'a.yaml': text }), '--lua', join(root, 'lua')]);
    assert.equal(r.code, 0, `${n.name}\n${r.err}`);
  }
});

test('expr evaluates against an event, and points at mistakes', (t) => {
  const dir = folder(t, { 'e.json': '{"path":"/x","headers":{"X-Key":"k"},"query":"a=1&a=2","body":{"items":[1,2,3]}}', 'bad.json': '{"bdy":1}', 'half.json': '{' });
  const expr = (text, ...more) => weir(['expr', text, ...more], { cwd: dir });
  assert.deepEqual([expr('1 + 2').code, expr('1 + 2').out], [0, '3\n']);
  assert.equal(expr('${ request.body.items.map(i, i * 2) }', '--event', 'e.json').out.replace(/\s/g, ''), '[2,4,6]');
  assert.equal(expr('request.headers["x-key"] + request.query.a + request.path', '-e', 'e.json').out, '"k2/x"\n');
  assert.equal(weir(['expr', 'input.n', '--event', '-'], { input: '{"body":{"n":7}}' }).out, '7\n');
  assert.equal(weir(['expr', 'env.WHO'], { env: { WHO: 'me' } }).out, '"me"\n');
  const early = expr("'é' + ");
  assert.deepEqual([early.code, early.err.split('\n')[1].indexOf('^')], [1, 6]);
  const name = expr("'é' + foo");
  assert.deepEqual([name.code, name.err], [1, "'é' + foo\n      ^ unknown name 'foo'; here are request, input and env\n"]);
  const lines = expr('1 +\n  foo');
  assert.equal(lines.err.split('\n').slice(0, 2).join('\n').startsWith('  foo\n  ^ unknown name'), true, lines.err);
  assert.equal(expr('request.body.nope', '-e', 'e.json').code, 1);
  assert.match(expr('request.body.nope', '-e', 'e.json').err, /request\.body.*nope/);
  assert.equal(expr('request.body.nope ?? 5', '-e', 'e.json').out, '5\n');
  assert.equal(expr('1', '-e', 'bad.json').code, 2);
  assert.match(expr('1', '-e', 'half.json').err, /half\.json/);
  assert.equal(expr('1', '-e', 'none.json').code, 2);
  assert.equal(weir(['expr']).code, 2);
  assert.match(weir(['expr', '--functions']).out, /^text\.split\(/m);
  assert.ok(JSON.parse(weir(['expr', '--functions', '--json']).out).some((f) => f.name === 'sha256'));
});

test('try shows each step with input and output, and the reply', (t) => {
  const dir = folder(t, {
    'p.yaml': 'name: p\ntrigger:\n  webhook: { path: "/p/{id}", methods: [POST] }\nsteps:\n  - id: sum\n    set: { total: "${ input.a + 1 }" }\n  - reply: { status: 201, json: "${ steps.sum }" }\n',
    'e.json': '{"method":"POST","path":"/p/7","body":{"a":41}}',
    'bad.yaml': 'name: bad\ntrigger:\n  webhook: { path: /bad }\nsteps:\n  - id: boom\n    set: "${ request.body.missing.x }"\n',
  });
  const text = weir(['try', 'p.yaml', '--event', 'e.json'], { cwd: dir });
  assert.equal(text.code, 0, text.err);
  assert.match(text.out, /^- sum \(set\) [\d.]+ ms\n    input  \{/m);
  assert.match(text.out, /\nreply 201 application\/json\n\{"total": ?42\}/);
  const json = JSON.parse(weir(['try', 'p.yaml', '-e', 'e.json', '--json'], { cwd: dir }).out);
  assert.deepEqual([json.status, json.content_type, JSON.parse(json.body)], [201, 'application/json', { total: 42 }]);
  const ended = json.events.filter((e) => e.event === 'node.ended');
  assert.deepEqual(ended[0].output, { total: 42 });
  assert.equal(json.events.at(-1).event, 'run.ended');
  const failed = weir(['try', 'bad.yaml'], { cwd: dir, input: '' });
  assert.equal(failed.code, 1);
  const sent = '{"method":"POST","path":"/bad","body":{}}';
  const boom = weir(['try', 'bad.yaml', '--event', '-'], { cwd: dir, input: sent });
  assert.equal(boom.code, 1);
  assert.match(boom.out, /^x boom \(set\)[\s\S]*error  script: .*missing[\s\S]*\nreply 500 application\/problem\+json\n/m);
  const boomJson = JSON.parse(weir(['try', 'bad.yaml', '--event', '-', '--json'], { cwd: dir, input: sent }).out);
  assert.deepEqual([boomJson.status, boomJson.events.find((e) => e.code)?.code], [500, 'script']);
  assert.equal(weir(['try', 'p.yaml', '-e', '-'], { cwd: dir, input: '{"path":"/nowhere"}' }).code, 1);
  assert.equal(weir(['try']).code, 2);
  assert.equal(weir(['try', 'none.yaml'], { cwd: dir }).code, 1);
});

test('version and help', () => {
  assert.match(weir(['version']).out, /^weir \d+\.\d+\.\d+ \(plugin ABI 1\.\d+\)\n$/);
  assert.match(weir(['--version']).out, /^weir /);
  assert.match(JSON.parse(weir(['version', '--json']).out).version, /^\d/);
  const all = weir(['help']);
  assert.equal(all.code, 0);
  assert.equal(weir([]).code, 2);
  const names = [...all.out.matchAll(/^  ([a-z]+) {2,}/gm)].map((m) => m[1]);
  assert.ok(names.length >= 11, all.out);
  for (const name of names.filter((n) => n !== 'help')) {
    const help = weir([name, '--help']);
    if (name !== 'run' && /^ +--admin ADDRESS/m.test(help.out)) assert.match(help.out, /--ca FILE[^]*--insecure /, name);
    assert.equal(help.code, 0, name);
    assert.equal(help.out, weir(['help', name]).out);
    assert.match(help.out, new RegExp(`^weir ${name} - .+\\n\\nUsage: weir ${name}`));
    assert.match(help.out, /\nOptions:\n[\s\S]*-h, --help[\s\S]*\nExit status: 0 .+2 .+\.\n$/);
    for (const line of help.out.split('\n')) assert.ok(line.length <= 110, `${name}: ${line}`);
  }
});

test('what is used wrongly is 2, with a hint', (t) => {
  const dir = folder(t, { 'a.yaml': good() });
  const hints = [
    [['chek'], /there is no command 'chek'; did you mean 'check'\?/],
    [['help', 'chek'], /did you mean 'check'/],
    [['check', '--jsn', dir], /unknown option --jsn; did you mean --json\?/],
    [['check', '-x', dir], /unknown option -x/],
    [['check', '--config'], /--config needs a value/],
    [['check', '--json=1', dir], /--json takes no value/],
    [['version', 'word'], /unexpected word 'word'/],
    [['check', dir, '--set', 'edge.lisen=x'], /--set edge\.lisen=x: .*edge\.listen/],
    [['check', dir, '--set', 'edge.max_body'], /write --set KEY=VALUE/],
    [['check', dir, '--set', 'edge.max_body=lots'], /edge\.max_body/],
    [['run', dir, '--shards', 'many'], /--shards: /],
    [['run', dir, '--edge', 'nowhere'], /--edge: /],
    [['reload', '--admin', 'nowhere'], /admin/],
    [['tail', '--count', '0'], /--count takes a number from 1/],
  ];
  for (const [args, hint] of hints) {
    const r = weir(args);
    assert.match(r.err, hint, args.join(' '));
    assert.equal(r.code, 2, args.join(' '));
    assert.equal(r.out, '', args.join(' '));
  }
});

test('without a server reload, drain and tail exit with 3 and say where they looked', () => {
  for (const command of ['reload', 'drain', 'tail']) {
    const r = weir([command, '--admin', '127.0.0.1:1']);
    assert.equal(r.code, 3, command);
    assert.match(r.err, /no weir answers at 127\.0\.0\.1:1/);
  }
});

test('reload, tail and drain speak to a running weir', async (t) => {
  const w = await start(t, { 'a.yaml': good('a') });
  const admin = ['--admin', w.admin.slice(7)];
  const post = () => fetch(`${w.edge}/a`, { method: 'POST' });
  write(w.dir, { 'a.yaml': good('a').replace('a: 1', 'a: 2') });
  const fine = weir(['reload', ...admin]);
  assert.deepEqual([fine.code, fine.err], [0, '']);
  assert.deepEqual(await (await post()).json(), { a: 2 });
  write(w.dir, { 'a.yaml': good('a').replace('reply:', 'repyl:') });
  const bad = weir(['reload', ...admin]);
  assert.equal(bad.code, 1);
  assert.match(bad.err, /a\.yaml:5:5: error\[W0203\][\s\S]*did you mean 'reply'/);
  assert.equal(weir(['reload', '--json', ...admin]).code, 1);
  assert.ok(JSON.parse(weir(['reload', '--json', ...admin]).out).detail);
  assert.deepEqual(await (await post()).json(), { a: 2 });

  const watch = async (...args) => {
    const child = spawn(binary, ['tail', '--count', '1', ...args, ...admin]);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (d) => { out += d; });
    const ended = new Promise((done) => child.once('exit', done));
    let over = false;
    ended.then(() => { over = true; });
    await until(async () => { await post(); await new Promise((done) => setTimeout(done, 20)); return over; }, 'the end of weir tail');
    return { code: await ended, out };
  };
  const json = await watch('--json', '--pipeline', 'a');
  assert.equal(json.code, 0);
  const events = json.out.trim().split('\n').map((l) => JSON.parse(l));
  assert.equal(events.at(-1).event, 'run.ended');
  assert.ok(events.every((e) => e.pipeline === 'a'));
  assert.match((await watch()).out, /run\.ended +a +completed 200/);

  const drain = weir(['drain', ...admin]);
  assert.equal(drain.code, 0, drain.err);
  assert.equal((await w.ended).code, 0);
});

test('a file, the environment and a flag set the same setting, the later of them wins', async (t) => {
  const port = async (...args) => new URL((await start(t, { 'a.yaml': good('a') }, ...args)).edge).port;
  const size = async (options, n) => {
    const w = await start(t, { 'a.yaml': good('a') }, options);
    const r = await fetch(`${w.edge}/a`, { method: 'POST', body: 'x'.repeat(n) });
    await w.stop();
    return r.status;
  };
  const file = { files: { 'weir.yaml': 'edge:\n  max_body: 10\n' } };
  assert.equal(await size(file, 11), 413);
  assert.equal(await size({ ...file, env: { WEIR_EDGE_MAX_BODY: '20' } }, 11), 200);
  assert.equal(await size({ ...file, env: { WEIR_EDGE_MAX_BODY: '20' } }, 21), 413);
  assert.equal(await size({ ...file, env: { WEIR_EDGE_MAX_BODY: '20' }, args: ['--set', 'edge.max_body=30'] }, 21), 200);
  assert.equal(await size({ ...file, env: { WEIR_EDGE_MAX_BODY: '20' }, args: ['--set', 'edge.max_body=30'] }, 31), 413);
  assert.notEqual(await port({ env: { WEIR_EDGE_LISTEN: '127.0.0.1:1' } }), '1'); // --edge is stronger
});

test('a setting that is unknown or wrong is refused with its place and a hint', (t) => {
  const dir = folder(t, { 'p/a.yaml': good(), 'weir.yaml': 'edge:\n  lisen: 127.0.0.1:0\n', 'value.yaml': 'edge: { max_body: lots }\n' });
  const unknown = weir(['check', 'p'], { cwd: dir });
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /weir\.yaml:2:3: error\[W0505\][\s\S]*\^+ did you mean '(edge\.)?listen'\?/);
  assert.match(weir(['run', 'p', '--config', 'value.yaml'], { cwd: dir }).err, /value\.yaml:1:\d+: error\[W0506\]/);
  assert.equal(weir(['check', 'p', '--config', 'none.yaml'], { cwd: dir }).code, 1);
  const env = weir(['check', join(dir, 'p')], { env: { WEIR_EDGE_LISEN: 'x' } });
  assert.match(env.err, /warning\[W0507\][\s\S]*WEIR_EDGE_LISTEN/);
  const wrong = weir(['check', join(dir, 'p')], { env: { WEIR_SHARDS: 'x' } });
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /WEIR_SHARDS/);
});
