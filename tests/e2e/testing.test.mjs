// weir test: pipelines are tested without a network, with a clock in the test's hand.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { over, place, post, upstream } from './lib/jobs.mjs';
import { binary, folder, root, until, weir } from './lib/weir.mjs';

/** Plays tests of a pipeline with these steps: { code, out, err, dir, json }. */
function play(t, steps, tests, args = [], more = '') {
  const dir = folder(t, {
    'p.yaml': `trigger: { webhook: { path: /in, methods: [POST] } }\n${more}\nsteps:${steps}\n`,
    'p.test.yaml': `pipeline: p.yaml\ntests:\n${tests}`,
  });
  const r = weir(['test', dir, ...args], { cwd: dir });
  return { ...r, dir, json: () => JSON.parse(r.out), again: (...a) => weir(['test', dir, ...a], { cwd: dir }) };
}

const CALL = '\n  - id: ask\n    http: { url: "http://up.test/${ request.body.n }" }\n    retry: { attempts: 4, initial: 1h, max: 1d, jitter: false, on: [upstream, timeout] }\n    timeout: 30d\n';

test('the tests of the pipelines that come along pass', () => {
  const r = weir(['test', join(root, 'pipelines'), '--coverage']);
  assert.equal(r.code, 0, r.out + r.err);
  assert.match(r.out, /^\d+ passed, 0 failed$/m);
  assert.match(r.out, /^\d+ of \d+ blocks were entered$/m);
});

test('answers come attempt by attempt, and hours between them take no time', (t) => {
  const r = play(t, CALL, `
  - name: the third one works
    mock: { ask: [{ status: 500 }, { error: timeout }, { json: { ok: true }, after: 5m }] }
    request: { path: /in, json: { n: 7 } }
    expect: { status: 200, json: { ok: true }, ran: [ask, ask, ask], took: 3h5m, calls: { ask: [{ url: "http://up.test/7" }, {}, {}] } }
  - name: none works
    mock: { ask: { status: 500 } }
    request: { path: /in, json: { n: 7 } }
    expect: { status: 502, errors: { ask: upstream }, calls: { ask: 4 } }
`);
  assert.equal(r.code, 0, r.out + r.err);
});

test('a test that fails shows what was expected, what happened, and the way', (t) => {
  const r = play(t, CALL, `
  - name: it is wrong
    mock: { ask: { json: { ok: false, list: [1, 2] } } }
    request: { path: /in, json: { n: 7 } }
    expect: { status: 201, json: { ok: true, list: [1] } }
`);
  assert.equal(r.code, 1);
  assert.match(r.out, /FAIL it is wrong\n +\S+p\.test\.yaml:4\n +status\n +- 201\n +\+ 200\n +json\.ok\n +- true\n +\+ false\n +json\.list\n +- \[1\]\n +\+ \[1,2\]\n +the way it went: ask\n/);
  assert.match(r.out, /^0 passed, 1 failed$/m);
  const json = JSON.parse(r.again('--json').out);
  assert.deepEqual([json.passed, json.failed, json.tests[0].passed, json.tests[0].line], [0, 1, false, 4]);
  const junit = join(r.dir, 'r.xml');
  r.again('--junit', junit);
  assert.match(readFileSync(junit, 'utf8'), /<testsuite name="[^"]*p\.test\.yaml" tests="1" failures="1"[^]*<failure [^]*status/);
});

test('nothing outside is in reach, and a mock is of a step that exists', (t) => {
  const r = play(t, CALL, `
  - name: no mock
    request: { path: /in, json: { n: 7 } }
    expect: { status: 500 }
  - name: another step
    mock: { aks: {} }
    request: { path: /in, json: { n: 7 } }
    expect: { status: 200 }
  - name: one too few
    mock: { ask: [{ status: 500 }] }
    request: { path: /in, json: { n: 7 } }
    expect: { status: 500 }
`);
  assert.equal(r.code, 1);
  assert.match(r.out, /step 'ask' sends GET http:\/\/up\.test\/7, and no mock answers/);
  assert.match(r.out, /mock: there is no step 'aks'; the author has named ask/);
  assert.match(r.out, /mock: 'ask' has 1 answers, and one more was asked for/);
});

test('matchers', (t) => {
  const r = play(t, '\n  - reply: { json: { id: "${ uuid() }", n: 1, list: [], at: "${ now() }" } }', `
  - name: they match
    at: 2027-03-04T05:06:07Z
    request: { path: /in }
    expect: { json: { id: { $match: "^[0-9a-f-]{36}$" }, n: { $type: number }, list: { $type: list }, x: { $absent: true }, at: 1804136767000 } }
  - name: they do not
    request: { path: /in }
    expect: { json: { id: { $match: "^x" }, n: { $type: string }, x: { $any: true }, list: { $exact: [1] } } }
`);
  assert.match(r.out, /ok +they match/);
  for (const name of ['id', 'n', 'x', 'list']) assert.match(r.out, new RegExp(`^ +json\\.${name}$`, 'm'));
});

test('a durable pipeline: waits, retries of the job, and crashes', (t) => {
  const r = play(t, `
  - id: first
    http: { method: PUT, url: http://up.test/first, json: { at: "\${ now() }" } }
  - wait: 10d
  - id: second
    http: { method: PUT, url: http://up.test/second, json: { at: "\${ now() }" } }
  - id: third
    if: "\${ false }"
    set: 1
`, `
  - name: ten days later
    mock: { first: {}, second: [{ status: 500 }, {}] }
    request: { path: /in }
    expect: { status: 202, job: completed, calls: { first: 1, second: 2 }, took: 240h5m }
  - name: a crash while the second is under way
    mock: { first: {}, second: {} }
    crash: { during: second }
    request: { path: /in }
    expect: { job: { state: completed, attempt: 2 }, calls: { first: 1, second: 2 } }
  - name: a crash behind the first
    mock: { first: {}, second: {} }
    crash: { after: first }
    request: { path: /in }
    expect: { job: completed, calls: { first: 1, second: 1 } }
  - name: a crash that never comes
    mock: { first: {}, second: {} }
    crash: { after: third }
    request: { path: /in }
    expect: { job: completed }
  - name: a crash of nothing
    mock: { first: {}, second: {} }
    crash: { after: fourth }
    request: { path: /in }
    expect: { job: completed }
`, [], 'respond: accepted\nretry: { schedule: [5m, 1h] }');
  assert.match(r.out, /^3 passed, 2 failed$/m, r.out + r.err);
  assert.match(r.out, /crash: the step was not reached/);
  assert.match(r.out, /:\d+\n +crash: there is no step 'fourth'\n(?! +job)/);
  const lost = play(t, CALL, '\n  - name: cut\n    mock: { ask: {} }\n    crash: { after: ask }\n    request: { path: /in, json: { n: 1 } }\n    expect: { status: 200 }\n');
  assert.match(lost.out, /crash: a run of this pipeline ends with its process; durable: true or steps keeps it\n0 passed/);
});

test('a step whose answer is kept did not run again', (t) => {
  const r = play(t, `
  - id: one
    http: { method: PUT, url: http://up.test/one }
  - id: w
    wait: 3d
  - id: two
    set: 2
`, `
  - name: a wait
    mock: { one: {} }
    request: { path: /in }
    expect: { job: completed, ran: [one, w, two], calls: { one: 1 } }
  - name: a crash and a wait
    mock: { one: {} }
    crash: { after: one }
    request: { path: /in }
    expect: { job: completed, ran: [one, w, two], calls: { one: 1 } }
  - name: a crash in the middle of it
    mock: { one: {} }
    crash: { during: one }
    request: { path: /in }
    expect: { job: completed, ran: [one, w, two], calls: { one: 2 } }
`, [], 'durable: steps');
  assert.equal(r.code, 0, r.out + r.err);
});

test('an event that is no request, steps that are replaced, and other pipelines', (t) => {
  const dir = folder(t, {
    'a.yaml': 'trigger: { event: { on: breaker.open } }\nsteps:\n  - id: other\n    call: b\n  - id: sum\n    set: "${ steps.other + 1 }"\n',
    'b.yaml': 'trigger: { webhook: /b }\nsteps:\n  - set: 41\n',
    'a.test.yaml': `pipeline: a.yaml
with: [b.yaml]
tests:
  - { name: it is called, event: { breaker: x }, expect: { steps: { sum: 42 } } }
  - { name: it is replaced, event: { breaker: x }, mock: { other: { output: 1 } }, expect: { steps: { sum: 2 } } }
`,
  });
  const r = weir(['test', dir]);
  assert.equal(r.code, 0, r.out + r.err);
});

test('--update writes what happened, and leaves the rest of the file alone', (t) => {
  const r = play(t, CALL, `
  # a comment that stays
  - name: it changes
    mock: { ask: { json: { ok: false } } }
    request: { path: /in, json: { n: 7 } }
    expect:
      status: 201
      json: { ok: true }

  - name: this is right
    mock: { ask: { json: { ok: 1 } } }
    request: { path: /in, json: { n: 7 } }
    expect: { status: 200 } # and stays
`);
  assert.equal(r.code, 1);
  assert.match(r.again('--update').out, /updated: /);
  const text = readFileSync(join(r.dir, 'p.test.yaml'), 'utf8');
  assert.match(text, /# a comment that stays\n[^]*    expect:\n      status: 200\n      json: \{ "ok": false \}\n\n  - name: this is right[^]*expect: \{ status: 200 \} # and stays\n/);
  assert.equal(r.again().code, 0);
});

test('what --update writes passes, and comments and matchers that hold are kept', (t) => {
  const steps = '\n  - foreach: "${ [1, 2] }"\n    do:\n      - id: call\n        http: { url: "http://up.test/${ item }" }\n  - reply: { json: { id: "${ uuid() }", n: 2, list: [{ id: "${ uuid() }", v: 1 }], ref: { $any: 5 }, it: "it\'s" } }';
  const r = play(t, steps, `
  - name: it changes
    mock: { call: {} }
    request: { path: /in }
    expect: # of all
      # the status
      status: 201 # it's wrong
      json:
        # an id
        id: { $match: "^[0-9a-f-]{36}$" } # kept
        gone: { $type: number } # gone
        n: 1   # one # two
        list: # items
          # an item
          - { id: { $type: string }, v: 7 }
        ref: 5
        it: "it's # not"   # c
      calls: # they
        call: { count: 3, url: "http://up.test/1" }
      # at the end

  - name: braces
    mock: { call: {} }
    request: { path: /in }
    expect: { status: 201, json: { id: { $type: string }, gone: 1 } } # of these
  - { name: no line of its own, mock: { call: {} }, request: { path: /in }, expect: { status: 3 } }
`);
  assert.equal(r.code, 1);
  const updated = r.again('--update');
  assert.match(updated.err, /p\.test\.yaml:28: 'expect' is left as it is: it has to begin a line/);
  const text = readFileSync(join(r.dir, 'p.test.yaml'), 'utf8');
  assert.ok(text.includes(`
    expect: # of all
      # the status
      status: 200 # it's wrong
      json:
        # an id
        id: { $match: "^[0-9a-f-]{36}$" } # kept
        gone: { $absent: true } # gone
        n: 2 # one # two
          # an item
        list: [{ "id": {"$type":"string"}, "v": 1 }] # items
        ref: { $exact: {"$any":5} }
        it: "it's" # c
      calls: { "call": [{ "url": "http://up.test/1" }, { "url": "http://up.test/2" }] } # they
      # at the end

  - name: braces
`), text);
  assert.ok(text.includes('    expect: # of these\n      status: 200\n      json: { "id": {"$type":"string"}, "gone": { $absent: true } }\n'), text);
  assert.match(r.again().out, /^2 passed, 1 failed$/m);
});

test('--update leaves a file alone that would become too large to be read', (t) => {
  const r = play(t, `\n  - reply: { text: ${'x'.repeat(400_000)} }`, [1, 2, 3].map((n) => `
  - name: number ${n}
    request: { path: /in }
    expect:
      text: y
`).join(''));
  const before = readFileSync(join(r.dir, 'p.test.yaml'), 'utf8');
  const updated = r.again('--update');
  assert.match(updated.err, /p\.test\.yaml is left as it is: .* more than 1048576 bytes/);
  assert.doesNotMatch(updated.out, /updated:/);
  assert.equal(readFileSync(join(r.dir, 'p.test.yaml'), 'utf8'), before);
});

test('a variable of the environment may be a number, a boolean, or a text', (t) => {
  const r = play(t, '\n  - reply: { json: ["${ env.LIMIT }", "${ env.ON }", "${ env.NAME }"] }', `
  - name: they are texts
    env: { LIMIT: 5, ON: true, NAME: x }
    request: { path: /in }
    expect: { json: ["5", "true", x] }
`);
  assert.equal(r.code, 0, r.out + r.err);
});

test('a file that is wrong is told with its place', (t) => {
  const dir = folder(t, { 'p.yaml': 'trigger: { webhook: /x }\nsteps: []\n', 'p.test.yaml': 'pipeline: p.yaml\ntests:\n  - name: x\n    request: { paht: /x }\n    expct: {}\n' });
  const r = weir(['test', dir]);
  assert.equal(r.code, 1);
  assert.match(r.err, /p\.test\.yaml:5:5: error\[W0116\]: a test has no 'expct'; there are name, request,.*\n +5 \| +expct: \{\}\n +\| +\^+ did you mean 'expect'\?/);
  assert.equal(weir(['test', folder(t, { 'x.yaml': 'trigger: { webhook: /x }\nsteps: []\n' })]).code, 1);
});

test('what would mean nothing in a file of tests is refused, with what was meant', (t) => {
  const wrong = (what, message, hint) => {
    const r = play(t, CALL, `\n  - name: x\n    request: { path: /in }\n    ${what}\n`);
    assert.equal(r.code, 1, what);
    assert.match(r.err, message, what);
    if (hint) assert.ok(r.err.includes(`did you mean '${hint}'?`), `${what}: ${r.err}`);
    assert.equal(r.out, '', what);
  };
  const none = 'expect: {}';
  wrong(`mock: { ask: { error: timeoutt } }\n    ${none}`, /there is no code of an error 'timeoutt'/, 'timeout');
  wrong(`mock: { ask: { after: soon } }\n    ${none}`, /'after' is a duration/);
  wrong(`moc: { ask: {} }\n    ${none}`, /a test has no 'moc'/, 'mock');
  wrong(`crash: { before: ask }\n    ${none}`, /'crash' has no 'before'; there are after, during/);
  wrong(`crash: {}\n    ${none}`, /'crash' is \{ after: STEP \} or/);
  wrong('expect: { json: { a: { $tpye: number } } }', /there is no matcher '\$tpye'/, '$type');
  wrong('expect: { json: [{ $type: intger }] }', /there is no type 'intger'; there are string, number/);
  wrong('expect: { steps: { ask: { $match: "(" } } }', /'\$match': /);
  wrong('expect: { json: { $match: a, b: 1 } }', /a matcher stands in a map of its own/);
  wrong('expect: { took: long }', /'took' is a duration/);
  const fine = play(t, '\n  - reply: { json: { $tpye: 1, n: null } }', '\n  - name: x\n    request: { path: /in }\n    expect: { json: { $tpye: 1, n: { $type: null } } }\n');
  assert.equal(fine.code, 0, fine.out + fine.err);
});

test('an answer that nobody asked for, a name that no test has, a pipeline that does not load', (t) => {
  const r = play(t, CALL, `
  - name: one too many
    mock: { ask: [{ status: 500 }, {}, {}] }
    request: { path: /in, json: { n: 7 } }
    expect: { status: 200 }
`);
  assert.match(r.out, /mock: 'ask' has 3 answers, and 2 were asked for\n +the way/);
  const none = r.again('--name', 'zzz');
  assert.deepEqual([none.code, none.err], [1, "weir test: of the 1 tests here none has 'zzz' in its name\n"]);
  const broken = play(t, '\n  - sett: 1', '\n  - name: x\n    request: { path: /in }\n    expect: { status: 200, json: {} }\n');
  assert.match(broken.out, /the pipeline can't be loaded:\n.*unknown node type 'sett'/);
  assert.doesNotMatch(broken.out, /^ +- 200/m);
});

test('--watch plays again when a file changes', async (t) => {
  const dir = folder(t, {
    'p.yaml': 'trigger: { webhook: { path: /in, methods: [GET] } }\nsteps:\n  - reply: { json: { n: 1 } }\n',
    'p.test.yaml': 'pipeline: p.yaml\ntests:\n  - { name: one, request: { method: GET, path: /in }, expect: { json: { n: 2 } } }\n',
  });
  const child = spawn(binary, ['test', dir, '--watch'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = new Promise((done) => child.once('exit', done));
  t.after(async () => { child.kill(); await gone; });
  let out = '';
  child.stdout.on('data', (d) => { out += d; });
  await until(() => /0 passed, 1 failed\nwaiting/.test(out), 'it was played');
  writeFileSync(join(dir, 'p.yaml'), 'trigger: { webhook: { path: /in, methods: [GET] } }\nsteps:\n  - reply: { json: { n: 2 } }\n');
  await until(() => /1 passed, 0 failed\nwaiting/.test(out), 'it was played again');
});

test('--watch sees folders that come later', async (t) => {
  const dir = folder(t, { 'other.txt': '' });
  const child = spawn(binary, ['test', '--watch'], { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = new Promise((done) => child.once('exit', done));
  t.after(async () => { child.kill(); await gone; });
  let out = '';
  child.stdout.on('data', (d) => { out += d; });
  await until(() => /^waiting/m.test(out), 'it was played');
  writeFileSync(join(dir, 'other.txt'), 'no test');
  mkdirSync(join(dir, 'lua/nodes'), { recursive: true });
  writeFileSync(join(dir, 'lua/nodes/a_test.lua'), 'require("weir.test").test("one", function() end)\n');
  await until(() => /1 passed, 0 failed\nwaiting/.test(out), 'the new folder was seen');
  mkdirSync(join(dir, 'pipelines'));
  writeFileSync(join(dir, 'pipelines/p.yaml'), 'trigger: { webhook: /in }\nsteps: []\n');
  writeFileSync(join(dir, 'pipelines/p.test.yaml'), 'pipeline: p.yaml\ntests:\n  - { name: two, request: { path: /in }, expect: {} }\n');
  await until(() => /2 passed, 0 failed\nwaiting/.test(out), 'and another one');
});

test('a test is made of a real job, and passes', async (t) => {
  const u = await upstream(t, (call, res) => { res.statusCode = call.path === '/bad' ? 500 : 200; res.end('{"reserved":true}'); });
  const go = place(t, { 'book.yaml': `trigger: { webhook: { path: /book, methods: [POST] } }\nrespond: accepted\ndurable: steps\nsteps:\n  - id: reserve\n    http: { method: PUT, url: "${u.url}/room", json: "\${ request.body }" }\n  - id: fail\n    if: \${ request.body.bad }\n    http: { method: PUT, url: "${u.url}/bad", json: {} }\n` });
  const w = await go();
  const { job } = await (await post(w, '/book', { room: 'blue', bad: true })).json();
  await over(w, job, 'dead');
  const r = weir(['test', 'record', job, '--admin', w.admin.slice(7)]);
  assert.equal(r.code, 0, r.err);
  assert.match(r.out, /reserve: \{ status: 200, json: \{"reserved":true\} \}\n[^]*path: "\/book"\n[^]*json: \{"room":"blue","bad":true\}\n[^]*job: dead\n/);
  writeFileSync(join(go.dir, 'book.test.yaml'), r.out);
  const played = weir(['test', join(go.dir, 'book.test.yaml')]);
  assert.equal(played.code, 0, played.out + played.err);
});
