// The schemas for editors take what weir takes, and refuse what they can of what it refuses.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { folder, root, weir } from './lib/weir.mjs';

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
const schema = (name) => ajv.compile(JSON.parse(readFileSync(join(root, 'schemas', name), 'utf8')));
const pipeline = schema('pipeline.schema.json');
const settings = schema('settings.schema.json');
const read = (text) => parse(text, { version: '1.2', schema: 'core' });

const files = [
  ...readdirSync(join(root, 'pipelines')).filter((f) => f.endsWith('.yaml') && !f.endsWith('.test.yaml')).map((f) => join('pipelines', f)),
  ...readdirSync(join(root, 'plugins')).map((f) => join('plugins', f, 'example.yaml')).filter((f) => existsSync(join(root, f))),
];

for (const file of files) {
  test(`${file} fits the schema of pipelines`, () => {
    assert.ok(pipeline(read(readFileSync(join(root, file), 'utf8'))), JSON.stringify(pipeline.errors, null, 1));
  });
}

test("the schema of pipelines has every type's own example", () => {
  for (const t of JSON.parse(weir(['nodes', '--json'], { cwd: '/' }).out)) {
    const part = read(t.example);
    const whole = t.kind === 'trigger' ? { trigger: part, steps: [{ reply: {} }] } : { steps: part };
    assert.ok(pipeline(whole), `${t.name}: ${JSON.stringify(pipeline.errors, null, 1)}`);
  }
});

const steps = (text) => `steps:\n${text}`;
const wrong = {
  'a key that is unknown': 'stepz: []\n',
  'no steps': 'name: a\n',
  'an unknown type of node': steps('  - repyl: {}\n'),
  'an unknown option': steps('  - reply: { stauts: 200 }\n'),
  'an option of a wrong type': steps('  - http: { url: "http://a/", follow: 7 }\n'),
  'two types in one node': steps('  - reply: {}\n    set: 1\n'),
  'an id in capitals': steps('  - id: Book\n    set: 1\n'),
  'a webhook without path': 'trigger:\n  webhook: { methods: [GET] }\nsteps:\n  - reply: {}\n',
};
for (const [what, text] of Object.entries(wrong)) {
  test(`${what}: the schema refuses it, and so does weir check`, (t) => {
    assert.equal(weir(['check', folder(t, { 'a.yaml': text })]).code, 1);
    assert.equal(pipeline(read(text)), false);
  });
}

test('an expression may stand where another type is asked for', () => {
  const text = steps('  - reply: { status: "${ 200 + 1 }", json: { a: 1 } }\n  - http: { url: "${ env.U }/x", query: "${ input }" }\n');
  assert.ok(pipeline(read(text)), JSON.stringify(pipeline.errors));
});

test('the schema of settings takes deploy/weir.yaml and refuses an unknown key', () => {
  const text = readFileSync(join(root, 'deploy/weir.yaml'), 'utf8');
  const open = text.split('\n').map((l) => l.replace(/^# (?=\s*\w+:)/, '')).join('\n');
  assert.ok(settings(read(open) ?? {}), JSON.stringify(settings.errors));
  assert.ok(settings({ edge: { listen: ['127.0.0.1:1', '[::1]:2'], max_body: '4MiB' } , log: { level: 'debug' } }), JSON.stringify(settings.errors));
  assert.equal(settings({ edge: { lisen: 'x' } }), false);
  assert.equal(settings({ shards: 'many' }), false);
});
