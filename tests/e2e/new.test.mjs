// weir new, weir completion and weir man: what they write works.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binary, build, folder, root, start, weir } from './lib/weir.mjs';

const commands = weir(['man', '--list']).out.trim().split('\n').slice(1).map((p) => p.slice(5));

test('a new pipeline passes check, is laid out, and runs', async (t) => {
  const dir = folder(t);
  const r = weir(['new', 'pipeline', 'my-orders'], { cwd: dir });
  assert.equal(r.code, 0, r.err);
  assert.match(r.out, /^wrote pipelines\/my-orders\.yaml\nwrote pipelines\/my-orders\.test\.yaml\nwrote schemas\/pipeline\.schema\.json\n\nNext:\n {2}weir check pipelines\/my-orders\.yaml\n/);
  assert.equal(weir(['check', 'pipelines'], { cwd: dir }).code, 0);
  assert.equal(weir(['fmt', '--check', '.'], { cwd: dir }).code, 0);
  assert.equal(readFileSync(join(dir, 'schemas/pipeline.schema.json'), 'utf8'), weir(['nodes', '--schema'], { cwd: dir }).out);
  const tests = weir(['test', 'pipelines'], { cwd: dir });
  assert.equal(tests.code, 0, tests.out + tests.err);
  assert.match(tests.out, /2 passed, 0 failed/);
  const w = await start(t, join(dir, 'pipelines'));
  const send = (body) => fetch(`${w.edge}/my-orders`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  assert.deepEqual(await (await send({ name: 'Ada' })).json(), { greeting: 'Hello, Ada!' });
  assert.equal((await send({})).status, 422); // as its test says
  // The command that is said to come next does what it says.
  const next = /^ {2}(echo .*)$/m.exec(r.out)[1].replace('| weir', `| ${binary}`);
  const tried = spawnSync('sh', ['-c', next], { cwd: dir, encoding: 'utf8' });
  assert.match(tried.stdout, /\{"greeting":"Hello, Ada!"\}/);
});

test('nothing is overwritten, and names are checked', (t) => {
  const dir = folder(t, { 'pipelines/a.test.yaml': 'mine\n' });
  const r = weir(['new', 'pipeline', 'a', '--folder', dir]);
  assert.equal(r.code, 1);
  assert.match(r.err, /pipelines\/a\.test\.yaml is there already; nothing was written/);
  assert.ok(!existsSync(join(dir, 'pipelines/a.yaml')));
  for (const [kind, name] of [['pipeline', 'A'], ['pipeline', '../x'], ['plugin', 'a-b'], ['lua-node', '1a'], ['robot', 'a']])
    assert.equal(weir(['new', kind, name, '--folder', dir]).code, 2, `${kind} ${name}`);
  assert.equal(weir(['new', 'pipeline']).code, 2);
});

test('names that no node can have are refused, and nothing is written', (t) => {
  const dir = folder(t);
  const refused = (kind, name, message) => {
    const r = weir(['new', kind, name], { cwd: dir });
    assert.equal(r.code, 2, `${kind} ${name}: ${r.out}`);
    assert.match(r.err, message);
    assert.deepEqual(readdirSync(dir), [], `${kind} ${name}`);
  };
  for (const kind of ['lua-node', 'plugin']) {
    refused(kind, 'http', /'http' is a node type already, of the plugin http; take another name, such as my_http/);
    refused(kind, 'webhook', /'webhook' is a trigger already/);
    for (const key of ['id', 'if', 'timeout', 'retry', 'effect', 'catch', 'uses', 'do', 'cases', 'default']) refused(kind, key, /has a meaning of its own in every step/);
  }
  refused('lua-node', 'greet_test', /would be read as a test.*such as greet\n/);
  refused('pipeline', 'weir', /weir\.yaml has settings/);
  assert.equal(weir(['new', 'lua-node', 'greet'], { cwd: dir }).code, 0);
  assert.match(weir(['new', 'plugin', 'greet'], { cwd: dir }).err, /'greet' is a node type already, in lua\/nodes\/greet\.lua/);
  // The project that counts is the one that is written into.
  assert.equal(weir(['new', 'plugin', 'greet', '-C', 'elsewhere'], { cwd: dir }).code, 0);
});

test('a new pipeline is written whole, or not at all', (t) => {
  const dir = folder(t, { 'weir.yaml': 'nonsense: 1\n' });
  let r = weir(['new', 'pipeline', 'a'], { cwd: dir });
  assert.equal(r.code, 1);
  assert.match(r.err, /weir\.yaml:1:1: error.*nothing was written/s);
  assert.deepEqual(readdirSync(dir), ['weir.yaml']);
  // Without the node types that it needs it would not pass weir check.
  const bare = folder(t, { 'none/.keep': '' });
  r = weir(['new', 'pipeline', 'a', '--plugins', 'none'], { cwd: bare });
  assert.equal(r.code, 1);
  assert.match(r.err, /nothing was written: it would not pass weir check here/);
  assert.deepEqual(readdirSync(bare), ['none']);
  // One of that name is in another file.
  const other = folder(t, { 'pipelines/b.yaml': 'name: a\nsteps:\n  - set: 1\n' });
  r = weir(['new', 'pipeline', 'a'], { cwd: other });
  assert.equal(r.code, 2);
  assert.match(r.err, /'a' is a pipeline already, in pipelines\/b\.yaml/);
});

test('a new plugin builds and its test passes', (t) => {
  const dir = folder(t);
  const made = weir(['new', 'plugin', 'smtp', '-C', dir]);
  assert.equal(made.code, 0);
  // This weir is not the one that the shell finds: the commands that come next name it.
  assert.ok(made.out.includes(`  make -C plugins/smtp WEIR=${realpathSync(binary)}\n`), made.out);
  // A binary with sanitizers can load a plugin that has none.
  const make = (...args) => spawnSync('make', ['-s', '-C', join(dir, 'plugins/smtp'), ...args, `WEIR=${realpathSync(binary)}`, `PLUGINS=${join(realpathSync(build), 'plugins')}`], { encoding: 'utf8' });
  const r = make('test');
  assert.equal(r.status, 0, r.stdout + r.stderr);
  assert.match(r.stdout, /\{"hello":"Ada"\}/);
  assert.doesNotMatch(r.stderr, /warning/);
  assert.equal(make('clean').status, 0);
  assert.ok(!existsSync(join(dir, 'plugins/smtp/smtp.so')));
});

test('a new Lua node has a test that passes', (t) => {
  const dir = folder(t);
  assert.equal(weir(['new', 'lua-node', 'clean_it'], { cwd: dir }).code, 0);
  const r = weir(['test', 'lua/nodes/clean_it_test.lua'], { cwd: dir });
  assert.equal(r.code, 0, r.out + r.err);
  assert.match(r.out, /2 passed, 0 failed/);
  assert.match(weir(['nodes', 'clean_it'], { cwd: dir }).out, /Greets somebody/);
});

test('a Lua node that does not load is said to be so by its test', (t) => {
  const dir = folder(t);
  assert.equal(weir(['new', 'lua-node', 'greet_all'], { cwd: dir }).code, 0);
  const node = join(dir, 'lua/nodes/greet_all.lua'), tests = join(dir, 'lua/nodes/greet_all_test.lua');
  writeFileSync(node, `local x = = 1\n${readFileSync(node, 'utf8')}`);
  let r = weir(['test', 'lua'], { cwd: dir });
  assert.equal(r.code, 1);
  assert.match(r.out, /greet_all_test\.lua:4: \S*greet_all\.lua:1: unexpected symbol near '='\n +1 \| local x = = 1\n +\| {11}\^\n/);
  writeFileSync(tests, 'local t = require "weir.test"\n\nt.test("there is none", function()\n  t.node("nosuch.lua")\nend)\n');
  r = weir(['test', 'lua', '--json'], { cwd: dir });
  assert.deepEqual(JSON.parse(r.out).tests.map((o) => [o.name, o.line, o.passed]), [['there is none', 3, false]]);
  assert.match(r.out, /greet_all_test\.lua:4: .*nosuch\.lua/);
  writeFileSync(tests, 'local t = require "weir.test"\nt.test(5, function() end)\n');
  assert.match(weir(['test', 'lua'], { cwd: dir }).out, /FAIL \(the file\)\n +lua\/nodes\/greet_all_test\.lua:2: t\.test takes a name/);
});

/** What bash offers for a line; the word that is completed is its last one. */
function offers(...words) {
  const script = `source <("$WEIR" completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weir; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const r = spawnSync('bash', ['-c', script, 'bash', 'weir', ...words], { cwd: root, encoding: 'utf8', env: { ...process.env, WEIR: binary, PATH: `${build}:${process.env.PATH}` } });
  assert.equal(r.stderr, '');
  return r.stdout.trim().split('\n').filter(Boolean);
}

test('bash completes commands, words, options and their values', () => {
  assert.deepEqual(offers('').sort(), [...commands, 'help'].sort());
  assert.deepEqual(offers('chec'), ['check']);
  assert.deepEqual(offers('help', 'grap'), ['graph']);
  assert.deepEqual(offers('check', '--s').sort(), ['--set', '--strict']);
  assert.deepEqual(offers('graph', 'x.yaml', '--format', ''), ['text', 'mermaid', 'dot', 'svg']);
  assert.deepEqual(offers('graph', 'x.yaml', '-f', 'sv'), ['svg']);
  assert.deepEqual(offers('new', 'lu'), ['lua-node']);
  assert.deepEqual(offers('check', 'pipelines/hel'), ['pipelines/hello.test.yaml', 'pipelines/hello.yaml']);
  assert.deepEqual(offers('check', '--plugins', 'pipe'), ['pipelines']);
  assert.deepEqual(offers('nodes', 'ht'), ['http']);
  assert.ok(offers('nodes', '').includes('webhook'));
  assert.deepEqual(offers('man', 'gra'), ['graph']);
  assert.deepEqual(offers('explain', 'W020').slice(0, 2), ['W0201', 'W0202']);
  assert.deepEqual(offers('explain', 'edge.max_b'), ['edge.max_body']);
  assert.deepEqual(offers('nodes', 'http', ''), []);
  for (const c of commands) {
    const help = weir([c, '--help']).out;
    const own = [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map((m) => m[1]);
    assert.equal(new Set(own).size, own.length, `${c} lists an option twice`);
    assert.deepEqual(offers(c, '--').sort(), own.sort(), c);
  }
});

test('zsh and fish are told of the same', (t) => {
  const zsh = weir(['completion', 'zsh']).out, fish = weir(['completion', 'fish']).out;
  for (const c of commands) {
    assert.ok(zsh.includes(`\n    ${c})\n`), c);
    assert.ok(fish.includes(`complete -c weir -n __fish_use_subcommand -a ${c} -d `), c);
  }
  assert.match(zsh, /'\(-f --format\)'\{-f,--format\}'\[how to draw it \(text\)\]:format:\(text mermaid dot svg\)'/);
  assert.match(fish, /from graph' -l format -s f -x -a 'text mermaid dot svg' -d /);
  // Quotes are balanced on every line: no text of ours ends one early.
  for (const line of fish.split('\n').filter((l) => !l.startsWith('#'))) assert.equal((line.replace(/\\./g, '').match(/'/g) ?? []).length % 2, 0, line);
  const dir = folder(t, { 'weir.zsh': zsh, 'weir.fish': fish });
  for (const shell of ['zsh', 'fish'].filter((s) => spawnSync(s, ['--version']).status === 0))
    assert.equal(spawnSync(shell, ['-n', join(dir, `weir.${shell}`)]).status, 0, shell);
  const offered = (line) => spawnSync('fish', ['-c', `source '${join(dir, 'weir.fish')}'; complete -C '${line}'`], { encoding: 'utf8', cwd: root, env: { ...process.env, PATH: `${build}:${process.env.PATH}` } }).stdout.split('\n').map((l) => l.split('\t')[0]);
  if (spawnSync('fish', ['--version']).status === 0) {
    assert.ok(offered('weir ch').includes('check'));
    assert.deepEqual(offered('weir run --log ').filter((w) => w), ['json', 'text']);
    assert.ok(offered('weir jobs list --st').includes('--state'));
    assert.deepEqual(offered('weir nodes ht').filter((w) => w), ['http']);
    assert.ok(offered('weir man gra').includes('graph') && offered('weir explain W02').includes('W0204'));
    assert.ok(offered('weir check pipelines/gatew').includes('pipelines/gateway.yaml'));
  }
  assert.equal(weir(['completion', 'tcsh']).code, 2);
});

test('there is a manual page of each command, with its options, that troff takes', () => {
  const groff = spawnSync('groff', ['--version']).status === 0;
  for (const c of commands) {
    const page = weir(['man', c]).out;
    assert.match(page, new RegExp(`^\\.TH WEIR-${c.toUpperCase()} 1 `, 'm'));
    for (const section of ['NAME', 'SYNOPSIS', 'OPTIONS', 'EXIT STATUS']) assert.ok(page.includes(`\n.SH ${section}\n`), `${c}: ${section}`);
    for (const [, option] of weir([c, '--help']).out.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)) assert.ok(page.includes(`\\fB\\-\\-${option.replaceAll('-', '\\-')}\\fR`), `${c}: ${option}`);
    if (!groff) continue;
    const r = spawnSync('groff', ['-man', '-Tascii', '-ww'], { input: page, encoding: 'utf8' });
    assert.deepEqual([r.status, r.stderr], [0, ''], c);
  }
  assert.match(weir(['man']).out, /^\.BR weir\\-check \(1\)$/m);
  assert.equal(weir(['man', 'nothing']).code, 2);
});
