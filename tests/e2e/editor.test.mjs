// What an editor shows of a pipeline: the language server of the YAML extension for VS Code, with the schema that
// the file's first line names.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { folder, root, weir } from './lib/weir.mjs';

const program = join(dirname(fileURLToPath(import.meta.url)), 'node_modules/yaml-language-server/bin/yaml-language-server');

/** Starts the language server; it is asked by `ask(method, params)`. */
async function server(t, home) {
  const child = spawn(process.execPath, [program, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => new Promise((done) => { child.once('exit', done); child.kill(); }));
  let input = Buffer.alloc(0), last = 0;
  const waiting = new Map(), told = [];
  const send = (message) => {
    const text = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
    child.stdin.write(`Content-Length: ${text.length}\r\n\r\n`);
    child.stdin.write(text);
  };
  const take = (m) => {
    if (m.method && m.id !== undefined) {
      // The server asks for settings, and to be registered.
      const result = m.method === 'workspace/configuration' ? m.params.items.map(() => ({})) : null;
      send({ id: m.id, result });
    } else if (m.id !== undefined) {
      const { done, fail } = waiting.get(m.id);
      if (m.error) fail(new Error(m.error.message)); else done(m.result);
    } else {
      for (const w of [...told]) if (m.method === w.method && w.matches(m.params)) { told.splice(told.indexOf(w), 1); w.done(m.params); }
    }
  };
  child.stdout.on('data', (piece) => {
    input = Buffer.concat([input, piece]);
    for (;;) {
      const head = input.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(input.subarray(0, head).toString())[1]);
      if (input.length < head + 4 + length) return;
      const text = input.subarray(head + 4, head + 4 + length).toString();
      input = input.subarray(head + 4 + length);
      take(JSON.parse(text));
    }
  });
  const s = {
    ask: (method, params) => new Promise((done, fail) => { waiting.set(++last, { done, fail }); send({ id: last, method, params }); }),
    tell: (method, params) => send({ method, params }),
    hear: (method, matches) => new Promise((done) => told.push({ method, matches, done })),
  };
  const uri = pathToFileURL(home).href;
  await s.ask('initialize', { processId: process.pid, rootUri: uri, workspaceFolders: [{ uri, name: 'home' }],
    capabilities: { textDocument: { completion: { completionItem: { snippetSupport: true, documentationFormat: ['markdown'] } }, hover: { contentFormat: ['markdown'] } }, workspace: { configuration: true } } });
  s.tell('initialized', {});
  return s;
}

let version = 0;
/** Opens TEXT as the file PATH and gives what is wrong with it. */
async function open(s, path, text) {
  const uri = pathToFileURL(path).href;
  const heard = s.hear('textDocument/publishDiagnostics', (p) => p.uri === uri);
  s.tell('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: ++version, text } });
  return (await heard).diagnostics;
}

/** Opens a file with `|` at the cursor: { uri, position, text }. */
async function at(s, path, marked) {
  const offset = marked.indexOf('|');
  const text = marked.slice(0, offset) + marked.slice(offset + 1);
  await open(s, path, text);
  const before = marked.slice(0, offset).split('\n');
  return { textDocument: { uri: pathToFileURL(path).href }, position: { line: before.length - 1, character: before.at(-1).length } };
}

/** What is offered at the cursor: label to documentation. */
async function offers(s, path, marked) {
  const { items } = await s.ask('textDocument/completion', await at(s, path, marked));
  const all = new Map();
  for (const i of items) all.set(i.label, `${all.get(i.label) ?? ''}${i.documentation?.value ?? i.documentation ?? ''}\n`);
  return all;
}

const modeline = '# yaml-language-server: $schema=../schemas/pipeline.schema.json\n';
const start = `${modeline}name: a\ntrigger:\n  webhook: { path: /a }\nsteps:\n`;

test('an editor completes node types, options and their values, with what they mean', async (t) => {
  const dir = folder(t, { 'schemas/pipeline.schema.json': weir(['nodes', '--schema']).out });
  const s = await server(t, dir);
  const file = (name) => join(dir, 'pipelines', `${name}.yaml`);

  const top = await offers(s, file('top'), `${modeline}name: a\n|`);
  for (const key of ['trigger', 'respond', 'durable', 'steps', 'catch', 'finally']) assert.ok(top.has(key), key);

  const types = await offers(s, file('types'), `${start}  - id: x\n    |`);
  for (const { name, kind } of JSON.parse(weir(['nodes', '--json']).out)) assert.equal(types.has(name), kind === 'node', name);
  for (const key of ['if', 'timeout', 'retry', 'catch']) assert.ok(types.has(key), key);
  assert.match(types.get('http'), /Sends an HTTP request/);

  const options = await offers(s, file('options'), `${start}  - id: x\n    http:\n      url: http://127.0.0.1/\n      |`);
  for (const option of ['method', 'headers', 'json', 'parse', 'timeouts', 'max_body']) assert.ok(options.has(option), option);
  assert.match(options.get('parse'), /How the body of the answer is read/);

  const values = await offers(s, file('values'), `${start}  - id: x\n    http:\n      url: http://127.0.0.1/\n      parse: |`);
  for (const value of ['auto', 'json', 'text', 'bytes']) assert.ok(values.has(value), value);
  const responds = await offers(s, file('responds'), `${modeline}name: a\nrespond: |\nsteps: []\n`);
  assert.deepEqual([...responds.keys()].filter((k) => ['result', 'accepted'].includes(k)).sort(), ['accepted', 'result']);

  const triggers = await offers(s, file('triggers'), `${modeline}name: a\ntrigger:\n  |\nsteps: []\n`);
  for (const trigger of ['webhook', 'schedule', 'event']) assert.ok(triggers.has(trigger), trigger);

  const inner = await offers(s, file('inner'), `${start}  - id: x\n    parallel:\n    branches:\n      one:\n        - id: y\n          |`);
  assert.ok(inner.has('http') && inner.has('foreach') && inner.has('timeout'));
});

test('an editor says what stands under the cursor', async (t) => {
  const dir = folder(t, { 'schemas/pipeline.schema.json': weir(['nodes', '--schema']).out });
  const s = await server(t, dir);
  const hover = async (name, marked) => JSON.stringify((await s.ask('textDocument/hover', await at(s, join(dir, 'pipelines', `${name}.yaml`), marked)))?.contents ?? '');
  assert.match(await hover('a', `${start}  - id: x\n    fore|ach: { items: "\${ input }" }\n    do: []\n`), /Runs a block for each item/);
  assert.match(await hover('c', `${start}  - id: x\n    fore|ach: \${ input }\n    do: []\n`), /list to go through/);
  assert.match(await hover('b', `${start}  - id: x\n    http: { url: "http://x/", max_b|ody: 1KiB }\n`), /largest body/);
});

test('an editor finds what weir check finds of keys and values, and nothing in good files', async (t) => {
  const s = await server(t, root);
  for (const name of readdirSync(join(root, 'pipelines')).filter((n) => n.endsWith('.yaml') && !n.endsWith('.test.yaml'))) {
    const path = join(root, 'pipelines', name);
    assert.deepEqual(await open(s, path, readFileSync(path, 'utf8')), [], name);
  }
  const wrong = async (text) => (await open(s, join(root, 'pipelines', `wrong${version}.yaml`), `${start}${text}`)).map((d) => `${d.range.start.line}: ${d.message}`);
  assert.match((await wrong('  - id: x\n    http: { url: "http://x/", parse: jsn }\n')).join('\n'), /^6: .*"auto", "json", "text", "bytes"/m);
  assert.match((await wrong('  - id: x\n    set: 1\n    timout: 2s\n')).join('\n'), /^7: .*timout/m);
  assert.notEqual((await wrong('  - id: x\n    htp: 1\n')).length, 0);
});
