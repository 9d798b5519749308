// Scripts in Lua in the real binary: node types that are files, reloads under load, long scripts beside others.
import test from 'node:test';
import http from 'node:http';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { build, folder, metric, root, start, until, weir, write } from './lib/weir.mjs';

const greet = `
return {
  summary = "Greets somebody.",
  output = "{ greeting }",
  example = "- greet: { name: Ada }\\n",
  config = {
    type = "object", required = { "name" },
    properties = {
      name = { type = "string", description = "Who is greeted." },
      word = { type = "string", enum = { "Hello", "Bye" }, default = "Hello", description = "How." },
      style = { type = "object", additionalProperties = false, description = "Style.",
                properties = { mark = { type = "string", default = "!", description = "Its end." } } },
    },
  },
  run = function(ctx, input, config)
    return { greeting = config.word .. ", " .. config.name .. (config.style and config.style.mark or "") }
  end,
}`;

const pipeline = (step) => `
name: greets
trigger:
  webhook: { path: /greet, methods: [POST] }
steps:
${step}
`;

const post = (w, path, body) => fetch(w.edge + path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

test('a file in lua/nodes is a node type with its own options', async (t) => {
  const dir = folder(t, { 'lua/nodes/greet.lua': greet, 'pipelines/greets.yaml': pipeline('  - greet: { name: "${ request.body.name }", style: {} }') });
  const w = await start(t, `${dir}/pipelines`);
  assert.deepEqual(await (await post(w, '/greet', { name: 'Ada' })).json(), { greeting: 'Hello, Ada!' });
  const wrong = await post(w, '/greet', { name: 7 });
  assert.ok(wrong.status >= 400);
  const shown = weir(['nodes', 'greet', '--lua', `${dir}/lua`]);
  assert.equal(shown.code, 0);
  for (const part of ['greet - Greets somebody.', 'name: string, required', 'default "Hello"', 'Plugin: lua']) assert.ok(shown.out.includes(part), part);
  const schema = JSON.parse(weir(['nodes', '--schema', '--lua', `${dir}/lua`]).out);
  assert.ok(schema.$defs['node.greet']);
});

test('weir check finds what is wrong with the options of such a type', async (t) => {
  const dir = folder(t, { 'lua/nodes/greet.lua': greet });
  const cases = [['{ nam: Ada }', /did you mean 'name'/], ['{ name: Ada, word: Hi }', /greet\.word|word/], ['{ word: Bye }', /name/], ['{ name: Ada, style: { mrk: x } }', /mark/]];
  for (const [options, expected] of cases) {
    write(dir, { 'pipelines/greets.yaml': pipeline(`  - greet: ${options}`) });
    const r = weir(['check', `${dir}/pipelines`]);
    assert.equal(r.code, 1, options);
    assert.match(r.err, expected);
    assert.match(r.err, /greets\.yaml:\d+:\d+: error/);
  }
});

test('a file that does not load says where, to whoever uses it', async (t) => {
  const dir = folder(t, { 'lua/nodes/broken.lua': 'return {\n  run = function(\n}', 'pipelines/greets.yaml': pipeline('  - broken: {}') });
  assert.match(weir(['check', `${dir}/pipelines`]).err, /broken\.lua:3:/);
  assert.match(weir(['nodes', 'broken', '--lua', `${dir}/lua`]).err, /no type 'broken': .*lua\/nodes\/broken\.lua:3:/);
});

const noTypes = {
  'set.lua': ['return { run = function() end }', /'set' is a type of weir's own or of a plugin/],
  'http.lua': ['return { run = function() end }', /'http' is a type of weir's own/],
  'webhook.lua': ['return { run = function() end }', /'webhook' is a type of weir's own/],
  'timeout.lua': ['return { run = function() end }', /every node has a key 'timeout'/],
  'schema.lua': ['return { config = { type = "object", properties = { a = { type = "strnig" } } }, run = function() end }', /#\/properties\/a\/type: must be one of/],
  'default.lua': ['return { config = { type = "object", properties = { a = { type = "string", default = 7 } } }, run = function() end }', /the default of 'a' does not fit its schema/],
  'field.lua': ['return { sumary = "x", run = function() end }', /unknown field 'sumary' of the node \(.*\): did you mean 'summary'\?/],
  'number.lua': ['return { summary = 7, run = function() end }', /summary must be a text, not a number/],
  'effect.lua': ['return { effect = "unsfe", run = function() end }', /effect is 'unsfe' \(there are none, idempotent and unsafe\): did you mean 'unsafe'\?/],
  'runless.lua': ['return { summary = "x" }', /the node has no function 'run'/],
  'syntax.lua': ['return {\n  run = functio(', /lua\/nodes\/syntax\.lua:2: unexpected symbol/],
  'binary.lua': ['\x1bLuaxxxxxxxx', /lua\/nodes\/binary\.lua: bytecode/],
  'deep.lua': [`return ${'('.repeat(300)}1${')'.repeat(300)}`, /lua\/nodes\/deep\.lua.*C stack overflow/],
  'round.lua': ['require "about"\nreturn { run = function() end }', /lua\/nodes\/about\.lua:1: module 'about' is not loaded yet: it requires itself/],
  'about.lua': ['return require "about"', /module 'about' is not loaded yet/],
};

test('a file that can not become a type harms nobody else, and is named', (t) => {
  const files = Object.fromEntries(Object.entries(noTypes).map(([name, [text]]) => [`lua/nodes/${name}`, text]));
  const fine = 'name: fine\ntrigger: { webhook: { path: /fine } }\nsteps:\n  - set: { x: 1 }\n  - good: {}\n';
  const dir = folder(t, { ...files, 'lua/nodes/good.lua': '\ufeffreturn { run = function() return 1 end }', 'pipelines/fine.yaml': fine });
  const r = weir(['check', `${dir}/pipelines`]);
  assert.equal(r.code, 0, r.err);
  const lines = r.err.split('\n');
  for (const [name, [, expected]] of Object.entries(noTypes)) {
    const line = lines.find((l) => l.startsWith(`${dir}/lua/nodes/${name}: warning[W0810]: `));
    assert.ok(line, `${name}: ${r.err}`);
    assert.match(line, expected);
  }
  assert.equal(weir(['check', '--strict', `${dir}/pipelines`]).code, 1);
  assert.equal(weir(['graph', `${dir}/pipelines/fine.yaml`]).code, 0);
  const listed = weir(['nodes', '--lua', `${dir}/lua`]);
  assert.equal(listed.code, 0);
  assert.match(listed.err, /set\.lua: warning\[W0810\]/);
  assert.match(listed.out, /\n {2}good /);
  assert.doesNotMatch(listed.out, /schema|syntax/);
  assert.match(weir(['nodes', 'set', '--lua', `${dir}/lua`]).out, /^set - Makes a value/);
  for (const name of ['schema', 'field', 'syntax', 'default']) {
    write(dir, { 'pipelines/fine.yaml': pipeline(`  - ${name}: {}`) });
    const used = weir(['check', `${dir}/pipelines`]);
    assert.equal(used.code, 1);
    assert.match(used.err, new RegExp(`fine\\.yaml:\\d+:5: error\\[W0203\\]: unknown node type '${name}': ${dir}/lua/nodes/${name}\\.lua is no node type: .*`));
  }
});

test('what a node refuses is shown where it stands, also a line of a script', (t) => {
  const cfg = 'return { config = { type = "object", additionalProperties = false, properties = { k = { type = "string" }, z = { type = "object", properties = { y = { type = "string" } } } } }, run = function() end }';
  const dir = folder(t, { 'lua/nodes/cfg.lua': cfg });
  const at = (step, place, expected) => {
    write(dir, { 'pipelines/greets.yaml': `name: greets\ntrigger: { webhook: { path: /greet } }\nsteps:\n${step}\n` });
    const r = weir(['check', `${dir}/pipelines`]);
    assert.equal(r.code, 1);
    assert.ok(r.err.includes(`greets.yaml:${place}: error[W0601]: `), r.err);
    assert.match(r.err, expected);
  };
  at('  - lua: { file: cfg.lua, config: { k: 5 } }', '4:40', /config: \/k: must be a string/);
  at('  - lua: { file: cfg.lua, config: { z: { y: 5 } } }', '4:40', /config: \/z\/y: must be a string/);
  at('  - lua: { file: cfg.lua, config: { nosuch: 5 } }', '4:45', /unknown property/);
  at('  - lua: { file: nope.lua }', '4:18', /No such file/);
  at('  - lua:\n      max_memory: 1KiB\n      script: return 1', '5:19', /max_memory is 1024/);
  at('  - lua: |\n      local x = 1\n\n      local y = = 2', '7:7', /:3: unexpected symbol/);
  at('  - lua: |2-\n\n      local x = = 1\n', '6:7', /:2: unexpected symbol/);
  at('  - lua:\n      script: |\n        local x = = 1\n', '6:9', /:1: unexpected symbol/);
  at('  - lua: return return', '4:10', /:1: unexpected symbol/);
});

test('no node is lent by a name that ctx has itself', (t) => {
  const dir = folder(t, {});
  for (const name of ['log', 'all', 'run', 'steps', 'sleep', 'now', 'deadline']) {
    write(dir, { 'pipelines/greets.yaml': pipeline(`  - lua: return 1\n    uses: { ${name}: { set: 1 } }`) });
    assert.match(weir(['check', `${dir}/pipelines`]).err, new RegExp(`'${name}' under 'uses' can't be lent by that name: ctx has sleep, now, .* and steps itself`));
  }
});

test('weir serves beside such a file', async (t) => {
  const dir = folder(t, { 'lua/nodes/set.lua': 'return { run = function() end }', 'pipelines/greets.yaml': pipeline('  - set: { x: 1 }') });
  const w = await start(t, `${dir}/pipelines`);
  assert.deepEqual(await (await post(w, '/greet', {})).json(), { x: 1 });
});

test('modules and tests beside nodes are no types, and nobody minds unless they are used', (t) => {
  const dir = folder(t, {
    'lua/nodes/helper.lua': 'return { f = function() return 7 end }',
    'lua/nodes/My-Node.lua': 'return { run = function() end }',
    'lua/nodes/good_test.lua': 'return { run = function() end }',
    'lua/nodes/good.lua': 'local h = require "helper"\nreturn { run = function() return h.f() end }',
    'pipelines/greets.yaml': pipeline('  - good: {}'),
  });
  const r = weir(['check', `${dir}/pipelines`]);
  assert.equal(r.code, 0);
  assert.equal(r.err, '');
  assert.doesNotMatch(weir(['nodes', '--lua', `${dir}/lua`]).out, /helper|My-Node|good_test/);
  const used = (name, expected) => {
    write(dir, { 'pipelines/greets.yaml': pipeline(`  - ${name}: {}`) });
    assert.match(weir(['check', `${dir}/pipelines`]).err, expected);
  };
  used('helper', /helper\.lua is no node type: .*the node has no function 'run'/);
  used('My-Node', /My-Node\.lua is no node type: the name of a type has/);
  used('good_test', /good_test\.lua is no node type: what ends in _test\.lua is the tests/);
});

test('a type that has come since the start is named as such', async (t) => {
  const dir = folder(t, { 'lua/nodes/greet.lua': greet, 'pipelines/greets.yaml': pipeline('  - greet: { name: Ada }') });
  const w = await start(t, `${dir}/pipelines`);
  write(dir, { 'lua/nodes/newone.lua': 'return { run = function() return 1 end }', 'pipelines/greets.yaml': pipeline('  - newone: {}') });
  const r = await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
  assert.notEqual(r.status, 200);
  assert.match(await r.text(), /unknown node type 'newone': .*lua\/nodes\/newone\.lua is newer than this process: start weir anew/);
});

test('lua: { file } checks config by the schema of the file and fills in defaults', async (t) => {
  const dir = folder(t, { 'lua/nodes/greet.lua': greet, 'pipelines/mine.lua': 'return { run = function(ctx, input, config) return config end }' });
  write(dir, { 'pipelines/greets.yaml': pipeline('  - lua: { file: greet.lua, config: { name: Ada } }') });
  const w = await start(t, `${dir}/pipelines`);
  assert.deepEqual(await (await post(w, '/greet', {})).json(), { greeting: 'Hello, Ada' });
  write(dir, { 'pipelines/greets.yaml': pipeline('  - lua: { file: greet.lua, config: { name: 7 } }') });
  assert.match(weir(['check', `${dir}/pipelines`]).err, /config: .*name/);
  write(dir, { 'pipelines/greets.yaml': pipeline('  - lua: { file: greet.lua, config: { name: "${ request.body.n }" } }') });
  assert.equal((await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' })).status, 200);
  assert.deepEqual(await (await post(w, '/greet', { n: 'Bob' })).json(), { greeting: 'Hello, Bob' });
  assert.equal((await post(w, '/greet', { n: 7 })).status, 422);
  write(dir, { 'pipelines/greets.yaml': pipeline('  - lua: { file: mine.lua, config: { a: [1] } }') });
  assert.equal((await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' })).status, 200);
  assert.deepEqual(await (await post(w, '/greet', {})).json(), { a: [1] });
});

test('a script lies below the Lua folder or the pipeline', (t) => {
  const node = 'return { run = function() return 1 end }\n';
  const dir = folder(t, { 'secret.lua': node, 'pipelines/below/fine.lua': node });
  for (const file of ['/etc/passwd', '../secret.lua', 'below/../../secret.lua', '..']) {
    write(dir, { 'pipelines/a.yaml': pipeline(`  - lua: { file: ${file} }`) });
    const r = weir(['check', `${dir}/pipelines`]);
    assert.equal(r.code, 1, file);
    assert.match(r.err, /a script lies in nodes\/ of the Lua folder or beside the pipeline/, file);
    assert.doesNotMatch(r.err, /near '/, file);
  }
  write(dir, { 'pipelines/a.yaml': pipeline('  - lua: { file: below/fine.lua }') });
  assert.equal(weir(['check', `${dir}/pipelines`]).code, 0);
});

test('limits of a file have the range that those of a pipeline have', (t) => {
  const dir = folder(t, { 'pipelines/greets.yaml': pipeline('  - limited: {}\n  - lua: { file: limited.lua }') });
  const check = (limits) => {
    write(dir, { 'lua/nodes/limited.lua': `return { limits = { ${limits} }, run = function() end }` });
    return weir(['check', `${dir}/pipelines`]);
  };
  const ranges = { max_instructions: [1000, 1e11], max_memory: [262144, 4294967296], max_time: [1, 3600000], max_steps: [1000, 1e9], max_keys: [64, 1048576], max_items: [1024, 16777216], max_log_lines: [1, 100000] };
  for (const [name, [min, max]] of Object.entries(ranges)) {
    assert.equal(check(`${name} = ${min}`).code, 0, name);
    assert.equal(check(`${name} = ${max}`).code, 0, name);
    for (const wrong of [min - 1, max + 1])
      assert.match(check(`${name} = ${wrong}`).err, new RegExp(`(the limit ${name} is ${wrong}, not ${min} to ${max}[^]*){2}`));
  }
  assert.match(check('max_memory = 1 << 40').err, /the limit max_memory is 1099511627776, not/);
  assert.match(check('max_memory = 29000').err, /the limit max_memory is 29000, not/);
  assert.match(check('max_tme = 100').err, /there is no limit 'max_tme': did you mean 'max_time'\?/);
  assert.match(check('colour = 1').err, /there is no limit 'colour'\n/);
  assert.match(check('1, 2').err, /limits must be a table/);
  assert.match(check("max_memory = '1MiB'").err, /the limit max_memory is no whole number/);
});

test('weir.uuid gives the same ones when a durable step is tried again, and others everywhere else', async (t) => {
  const again = `
local n = 0
return { run = function(ctx)
  n = n + 1
  ctx.log("info", "made", { n = n, ids = { weir.uuid(), weir.uuid() } })
  if n % 2 == 1 then weir.fail("unavailable", "not yet") end
end }`;
  const dir = folder(t, {
    'lua/nodes/again.lua': again,
    'pipelines/greets.yaml': `${pipeline('  - again: {}\n    retry: { attempts: 2, initial: 1ms }')}durable: true\n`,
    'pipelines/plain.yaml': pipeline('  - again: {}\n    retry: { attempts: 2, initial: 1ms }').replace('greets', 'plain').replace('/greet', '/plain'),
  });
  const w = await start(t, `${dir}/pipelines`, { args: ['--store', `sqlite:${dir}/weir.db`] });
  const made = () => w.lines.filter((l) => l.msg === 'made');
  const ids = async (path, n) => {
    await post(w, path, {});
    await until(() => made().length === n, 'both attempts are logged');
    return made().slice(-2).map((l) => l.fields.ids);
  };
  const [first, second] = await ids('/greet', 2);
  assert.deepEqual(first, second);
  assert.match(first[0], /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(first[0], first[1]);
  assert.notEqual((await ids('/greet', 4))[0][0], first[0]);
  const [one, two] = await ids('/plain', 6);
  assert.equal(new Set([...one, ...two]).size, 4);
  assert.match(one[0], /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
});

test('modules are required from beside the script and from std, and nowhere else', async (t) => {
  const dir = folder(t, {
    'lua/std/shout.lua': 'return { up = string.upper }',
    'lua/nodes/one.lua': 'local s, own = require "shout", require "near"\nreturn { run = function(_, input) return { s.up(input.t), own } end }',
    'lua/nodes/near.lua': 'return 5',
    'pipelines/greets.yaml': pipeline('  - one: {}'),
  });
  const w = await start(t, `${dir}/pipelines`);
  assert.deepEqual(await (await post(w, '/greet', { t: 'a' })).json(), ['A', 5]);
  write(dir, { 'lua/nodes/one.lua': 'require "absent"\nreturn { run = function() end }' });
  assert.match(weir(['check', `${dir}/pipelines`]).err, /one\.lua:1: there is no module 'absent'/);
});

test('a reload under load takes new code into force without a failed request', async (t) => {
  const code = (n) => `return { run = function(ctx) ctx.sleep(1) return { n = ${n} } end }`;
  const dir = folder(t, { 'lua/nodes/count.lua': code(0), 'pipelines/greets.yaml': pipeline('  - count: {}') });
  const w = await start(t, `${dir}/pipelines`, { shards: 2 });
  let stop = false, answers = 0;
  const seen = new Set();
  const client = async () => {
    while (!stop) {
      const r = await post(w, '/greet', {});
      assert.equal(r.status, 200);
      seen.add((await r.json()).n);
      answers++;
    }
  };
  const clients = [client(), client(), client(), client()];
  for (let n = 1; n <= 20; n++) {
    write(dir, { 'lua/nodes/count.lua': code(n) });
    const r = await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
    assert.equal(r.status, 200);
    const before = answers;
    await until(() => answers > before + 4, 'requests go on');
  }
  write(dir, { 'lua/nodes/count.lua': 'return {' });
  assert.equal((await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' })).status, 422);
  await until(() => seen.has(20), 'the latest good code is in force');
  stop = true;
  await Promise.all(clients);
  assert.ok(seen.size > 5);
  assert.equal((await (await post(w, '/greet', {})).json()).n, 20);
});

test('other options of a type need a restart, and a reload says so', async (t) => {
  const code = (more) => `return { config = { type = "object", properties = { ${more} } }, run = function() return 1 end }`;
  const dir = folder(t, { 'lua/nodes/mine.lua': code(''), 'pipelines/greets.yaml': pipeline('  - mine: {}') });
  const w = await start(t, `${dir}/pipelines`);
  write(dir, { 'lua/nodes/mine.lua': code('a = { type = "string" }') });
  const r = await fetch(`${w.admin}/api/v1/reload`, { method: 'POST' });
  assert.equal(r.status, 422);
  assert.match((await r.json()).text, /mine\.lua has other options than when weir was started/);
  assert.equal(await (await post(w, '/greet', {})).json(), 1);
});

test('an endless script is one failed node, and others are served meanwhile', async (t) => {
  const dir = folder(t, {
    'pipelines/bad.yaml': 'name: bad\ntrigger: { webhook: { path: /bad, methods: [POST] } }\nsteps:\n  - lua: while true do end\n',
    'pipelines/good.yaml': 'name: good\ntrigger: { webhook: { path: /good, methods: [POST] } }\nsteps:\n  - lua: return { n = input.n + 1 }\n',
  });
  const w = await start(t, `${dir}/pipelines`);
  let under = 0, failed = 0, between = 0;
  const bad = async () => {
    for (let i = 0; i < 5; i++) {
      under++;
      const r = await post(w, '/bad', {});
      under--;
      assert.equal(r.status, 500);
      assert.match((await r.json()).detail, /^bad\/steps_0_lua:1: it (ran|computed) .*\(max_/);
      failed++;
    }
  };
  const good = async () => {
    while (failed < 20) {
      const r = await post(w, '/good', { n: 1 });
      assert.deepEqual(await r.json(), { n: 2 });
      if (under > 0) between++;
    }
  };
  await Promise.all([bad(), bad(), bad(), bad(), good()]);
  assert.ok(between > 10);
  assert.equal(await metric(w, 'weir_lua_aborts_total'), 20);
});

const own = ['csv_rows', 'enrich', 'github_event', 'group_sum', 'slack_message', 'slugify'];

test('the nodes that weir brings load, say what they are, and their examples are right', (t) => {
  const types = JSON.parse(weir(['nodes', '--json', '--lua', `${root}/lua`]).out);
  for (const name of own) {
    const type = types.find((x) => x.name === name);
    assert.ok(type, name);
    assert.doesNotMatch(type.summary, /does not load/);
    for (const [option, p] of Object.entries(type.schema.properties)) assert.ok(p.description && p.examples, `${name}.${option}`);
    const dir = folder(t, { 'a.yaml': `name: a\ntrigger: { webhook: /x }\nsteps:\n${type.example.replace(/^(?=.)/gm, '  ')}` });
    const r = weir(['check', `${dir}/a.yaml`, '--lua', `${root}/lua`]);
    assert.equal(r.code, 0, r.err);
  }
});

test('weir test runs the tests of lua/, and shows what fails', (t) => {
  const good = weir(['test', `${root}/lua`]);
  assert.equal(good.code, 0, good.out);
  const files = new Set(good.out.match(/lua\/nodes\/\w+_test\.lua/g));
  for (const name of own) assert.ok(files.has(`lua/nodes/${name}_test.lua`), name);
  const dir = folder(t, {
    'x.lua': 'return { run = function(ctx, input) return { n = input.n + 1 } end }',
    'x_test.lua': `local t = require "weir.test"
      t.test("one more", function() t.eq(t.node("x.lua").run { n = 1 }, { n = 3 }) end)
      t.test("fine", function() t.eq(t.node("x.lua").run { n = 1 }, { n = 2 }) end)
      t.test("thrown", function() t.node("x.lua").run({ n = 1 }); error("no") end)`,
    'y_test.lua': 'local t = {',
  });
  const bad = weir(['test', dir]);
  assert.equal(bad.code, 1);
  assert.match(bad.out, /x_test\.lua\n +FAIL one more\n\s+x_test\.lua:2: is {7}\{"n":2\}\n\s+expected \{"n":3\}/);
  assert.match(bad.out, /ok +fine/);
  assert.match(bad.out, /y_test\.lua:1: /);
  assert.match(bad.out, /1 passed, 3 failed/);
  assert.deepEqual(JSON.parse(weir(['test', '--json', `${dir}/x_test.lua`]).out).tests.map((x) => x.passed), [false, true, false]);
  assert.equal(weir(['test', `${dir}/nope`]).code, 1);
});

test('the types for the language server know every function and every code', async (t) => {
  const types = readFileSync(`${root}/lua/types/weir.lua`, 'utf8');
  const w = await start(t, { 'a.yaml': `name: a
trigger: { webhook: { path: /names, methods: [POST] } }
steps:
  - lua: |
      local out = { weir = {}, ctx = {} }
      for k, v in pairs(weir) do
        table.insert(out.weir, k)
        if type(v) == "table" then for f in pairs(v) do table.insert(out.weir, k .. "." .. f) end end
      end
      for k in pairs(ctx) do table.insert(out.ctx, k) end
      return out
` });
  const names = await (await post(w, '/names', {})).json();
  assert.ok(names.weir.length >= 17 && names.ctx.length >= 5);
  for (const name of names.weir) assert.match(types, new RegExp(`^(function )?weir\\.${name.replace('.', '\\.')}\\b`, 'm'));
  for (const name of names.ctx) assert.match(types, new RegExp(`^function ctx\\.${name}\\(`, 'm'));
  const codes = [...readFileSync(`${root}/core/abi/weir.h`, 'utf8').matchAll(/^    X\((\w+), \d+, (NEVER|LATER)/gm)].map((m) => m[1].toLowerCase());
  assert.ok(codes.length >= 13);
  assert.deepEqual([...types.matchAll(/^---\| "(\w+)"/gm)].map((m) => m[1]), codes);
});

test('the examples of docs/lua.md do what it says', (t) => {
  const dir = folder(t);
  const page = readFileSync(`${root}/docs/lua.md`, 'utf8');
  let printed, ran = 0;
  for (const [, what, code] of page.matchAll(/<!-- (.+?) -->(?:\n```\w*\n([\s\S]*?)\n```)?/g)) {
    const [verb, ...rest] = what.split(' ');
    if (verb === 'file') write(dir, { [rest[0]]: `${code}\n` });
    if (verb === 'edit') {
      const [, from, to] = rest[1].split('/');
      write(dir, { [rest[0]]: readFileSync(`${dir}/${rest[0]}`, 'utf8').replace(from, to) });
    }
    if (verb === 'run') {
      const r = spawnSync('sh', ['-ec', code], { cwd: dir, encoding: 'utf8', timeout: 60_000, env: { ...process.env, NO_COLOR: '1', PATH: `${build}:${process.env.PATH}` } });
      assert.equal(r.status !== 0, rest[0] === 'fails', `${code}\n${r.stderr}`);
      printed = (r.stdout + r.stderr).trim();
      ran++;
    }
    if (verb === 'prints') assert.equal(printed, code.trim());
  }
  assert.equal(ran, 6);
});

test('a lent client takes what is left out from the script, and no more', async (t) => {
  const calls = [];
  const server = http.createServer(async (req, res) => {
    let body = '';
    for await (const piece of req) body += piece;
    calls.push([req.method, req.url, req.headers['x-a'] ?? null, body]);
    res.setHeader('content-type', 'application/json');
    res.end('{"ok":true}');
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => { server.closeAllConnections(); server.close(); });
  const url = `http://127.0.0.1:${server.address().port}`;
  const w = await start(t, {
    'a.yaml': `trigger: { webhook: { path: /a, methods: [POST] } }
steps:
  - lua: "return ctx.up(input)"
    uses: { up: { http: { base_url: "${url}/base" } } }
`,
    'b.yaml': `trigger: { webhook: { path: /b, methods: [POST] } }
steps:
  - lua: "return ctx.up(input)"
    uses: { up: { http: { method: POST, url: "${url}/fixed", headers: { x-a: mine } } } }
`,
    'c.yaml': `trigger: { webhook: { path: /c, methods: [POST] } }
steps:
  - lua: "return ctx.up(input)"
    uses: { up: { http: { base_url: "${url}", path: "/x/\${ input.id }" } } }
`,
  });
  const post = (path, body) => fetch(`${w.edge}${path}`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  assert.equal((await post('/a', { path: '/p', query: { q: 1 }, headers: { 'x-a': 'b' } })).status, 200);
  assert.equal((await post('/b', { json: { n: 1 } })).status, 200);
  assert.equal((await post('/c', { id: 7, path: '/evil', query: { q: 1 } })).status, 200);
  assert.deepEqual(calls, [['GET', '/base/p?q=1', 'b', ''], ['POST', '/fixed', 'mine', '{"n":1}'], ['GET', '/x/7', null, '']]);
  for (const path of ['no slash', '/a b', '/a\r\nX: y', '/a#b', 7]) assert.equal((await post('/a', { path })).status, 400, String(path));
  for (const path of ['/../x', '/a/..', '/./a', '/.', '/a/%2e%2E/x', '/a/.%2e?q=1', '/a/..%2fx', '/a%5C..%5cx']) {
    const r = await post('/a', { path });
    assert.equal(r.status, 400, path);
    assert.match((await r.json()).detail, /without the segments \. and \.\./, path);
  }
  assert.equal(calls.length, 3);
  for (const path of ['/...', '/.well-known/x', '/a..b', '/a?up=/../b', '/%2ea']) assert.equal((await post('/a', { path })).status, 200, path);
  const sent = calls.length;
  const refused = async (path, body, expected) => {
    const r = await post(path, body);
    assert.equal(r.status, 400, JSON.stringify(body));
    assert.match((await r.json()).detail, expected);
    assert.equal(calls.length, sent);
  };
  await refused('/a', { pth: '/x' }, /unknown key 'pth' \(what is taken: path, query and headers\): did you mean 'path'\?/);
  await refused('/a', { timeout: '1h' }, /unknown key 'timeout' \(what is taken: path, query and headers\)$/);
  for (const key of ['url', 'base_url', 'method']) await refused('/a', { path: '/p', [key]: 'DELETE' }, new RegExp(`unknown key '${key}'`));
  await refused('/a', { json: { no: 'body of a GET' } }, /'json' is not for who asks to say; what is taken: path, query and headers/);
  await refused('/b', { path: '/elsewhere' }, /'path' is not for who asks to say; what is taken: query and json/);
  await refused('/b', { headers: { 'x-a': 'theirs' } }, /'headers' is not for who asks to say/);
  await refused('/a', { query: 'a=1' }, /'query' must be a map, not a text/);
  await refused('/a', { headers: ['a'] }, /'headers' must be a map, not a list/);
  await refused('/a', 'x', /the argument must be a map, not a text; what is taken: path, query and headers/);
  await refused('/a', 7, /the argument must be a map, not a number/);
  assert.deepEqual(calls.slice(3).map((c) => c[1]), ['/base/...', '/base/.well-known/x', '/base/a..b', '/base/a?up=/../b', '/base/%2ea']);
});
