// Jobs that are replayed with an edited body: by hand, from a file, by place; what is masked stays.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { binary, folder, start, until } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

async function stage(t, effect = 'idempotent') {
  const s = { dir: folder(t) };
  s.u = await upstream(t, (request, response, body) => {
    response.statusCode = JSON.parse(body).amount > 5 ? 503 : 200;
    response.end('{}');
  });
  s.w = await start(t, { 'pay.yaml': `
name: pay
respond: accepted
trigger: { webhook: { path: /pay, methods: [POST] } }
steps:
  - id: charge
    http: { method: POST, url: "${s.u.url}/charge", headers: { X-Secret: "\${ secrets.CRM }" }, json: "\${ request.body }" }
    effect: ${effect}
` }, { args: ['--store', `sqlite:${s.dir}/weir.db`], env: { WEIR_SECRET_CRM: 'hush-hush-hush' } });
  s.job = async (id) => (await fetch(`${s.w.admin}/api/v1/jobs/${id}`)).json();
  s.is = (id, state) => until(async () => (await s.job(id)).state === state, `job ${id} is ${state}`);
  s.dead = async (body) => {
    const r = await fetch(`${s.w.edge}/pay`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
    const { job } = await r.json();
    await s.is(job, 'dead');
    return job;
  };
  s.cli = (args, { env = {}, input } = {}) => new Promise((done) => {
    const child = spawn(binary, ['jobs', 'edit', ...args, ...(args.includes('--reason') ? [] : ['--reason', 'x']), '--admin', s.w.admin.slice(7)], { env: { ...process.env, SUDO_USER: '', USER: 'ada', TMPDIR: s.dir, VISUAL: '', ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const r = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (d) => { r.out += d; });
    child.stderr.setEncoding('utf8').on('data', (d) => { r.err += d; });
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    child.once('close', (code) => { assert.doesNotMatch(r.err, /Sanitizer|runtime error:/); done({ ...r, code }); });
  });
  /** An editor that runs SCRIPT, of which $1 is the file. */
  s.editor = (script) => {
    const path = join(s.dir, 'editor.sh');
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return { EDITOR: path };
  };
  return s;
}

const sent = (u) => u.requests.map((r) => JSON.parse(r.body));

test('a place is set, the difference is shown, and the new job runs with another key', async (t) => {
  const s = await stage(t);
  const job = await s.dead({ amount: 7, note: 'x' });
  const dry = await s.cli([job, '--set', '/amount=3', '--remove', '/note', '--dry-run']);
  assert.deepEqual([dry.code, dry.out, dry.err], [0, '- /amount: 7\n+ /amount: 3\n- /note: "x"\n', '']);
  assert.equal((await s.job(job)).superseded_by, undefined);
  const r = await s.cli([job, '--set', '/amount=3', '--remove', '/note', '--reason', 'a typo', '--wait']);
  assert.equal(r.code, 0, r.err);
  const id = r.out.match(/^new job: (\S+)$/m)[1];
  assert.match(r.out, /Its edited event will run through the pipeline pay from the start/);
  assert.match(r.out, /with other idempotency keys: charge/);
  assert.deepEqual(sent(s.u), [{ amount: 7, note: 'x' }, { amount: 3 }]);
  const keys = s.u.requests.map((q) => q.headers['idempotency-key']);
  assert.ok(keys[0] && keys[1] && keys[0] !== keys[1]);
  const [old, edited] = [await s.job(job), await s.job(id)];
  assert.deepEqual([old.state, old.superseded_by, old.edited], ['dead', id, undefined]);
  assert.deepEqual([edited.state, edited.replay_of, edited.edited], ['completed', job, true]);
  const [entry] = (await (await fetch(`${s.w.admin}/api/v1/audit`)).json()).entries;
  assert.deepEqual([entry.what, entry.who, entry.why, entry.replay, JSON.parse(entry.before), JSON.parse(entry.after)],
    ['jobs.edit', 'ada', 'a typo', id, { '/amount': 7, '/note': 'x' }, { '/amount': 3 }]);
});

test('it opens in the editor; what is masked and not touched stays as it is', async (t) => {
  const s = await stage(t);
  const job = await s.dead({ amount: 7, secret: 'is hush-hush-hush', list: [1, 2] });
  const r = await s.cli([job, '--yes', '--wait'], { env: s.editor(`grep -q 'is \\*\\*\\*' "$1" && stat -c %a "$1" > ${s.dir}/mode && sed -i 's/7/4/; s/2$/2, 3/' "$1"`) });
  assert.equal(r.code, 0, r.err);
  assert.equal(readFileSync(`${s.dir}/mode`, 'utf8'), '600\n');
  assert.deepEqual(sent(s.u)[1], { amount: 4, secret: 'is hush-hush-hush', list: [1, 2, 3] });
  assert.doesNotMatch(r.out, /hush/);
  const masked = await s.dead({ amount: 9, secret: 'hush-hush-hush' });
  const refused = await s.cli([masked], { env: s.editor(`sed -i 's/\\*\\*\\*/x***/' "$1"`) });
  assert.equal(refused.code, 1);
  assert.match(refused.err, /\/secret holds a masked text/);
  const whole = await s.cli([masked, '--body', '-', '--json'], { input: '{"amount":1,"secret":"***hush-hush-hush"}' });
  assert.equal(whole.code, 1); // it was masked, and what takes its place has a mask in it
  const told = await s.cli([masked, '--set', '/secret="hush-hush-hush2"', '--set', '/amount=1', '--json']);
  assert.deepEqual(JSON.parse(told.out).changes, [{ path: '/amount', before: 9, after: 1 }, { path: '/secret', before: '***', after: '***2' }]);
  const audit = await (await fetch(`${s.w.admin}/api/v1/audit`)).text();
  assert.doesNotMatch(audit, /hush/);
});

test('what is wrong is told, and nothing happens', async (t) => {
  const s = await stage(t);
  const job = await s.dead({ amount: 7 });
  const bad = async (args, code, err, options) => {
    const r = await s.cli(args, options);
    assert.equal(r.code, code, `${args.join(' ')}: ${r.err}`);
    assert.match(r.err, err, args.join(' '));
    return r;
  };
  await bad([job, '--set', '/amount'], 2, /--set takes a place and JSON/);
  await bad([job, '--set', '/amount=x'], 2, /--set takes a place and JSON/);
  await bad([job, '--set', '/a/b=1'], 2, /there is no '\/a\/b'/);
  await bad([job, '--set', 'amount=8'], 2, /a place begins with a slash: --set \/amount=8/);
  await bad([job], 2, /no terminal for an editor: use --set, --remove or --body/, { env: { EDITOR: '' } });
  await bad([job, '--body', '-', '--set', '/a=1'], 2, /--body is the whole/, { input: '{}' });
  await bad([job, '--body', '-'], 1, /standard input is not JSON: line 1/, { input: '{' });
  await bad([job, '--body', '/nowhere'], 1, /nowhere/);
  await bad([job], 1, /the editor .* ended badly/, { env: { EDITOR: 'false' } });
  const broken = await bad([job], 1, /is not JSON: line 2[^]*weir jobs edit .* --body (\S+)/, { env: s.editor('printf "{\\n" > "$1"') });
  assert.ok(existsSync(broken.err.match(/--body (\S+)/)[1])); // what was written is not lost
  const same = await s.cli([job], { env: { EDITOR: 'true' } });
  assert.deepEqual([same.code, same.out], [0, 'Nothing changes.\n']);
  await bad(['01890a5d-ac96-774b-bcce-b302099a8057', '--set', '/a=1'], 1, /there is no job/);
  assert.equal((await s.job(job)).superseded_by, undefined);
  const post = async (body) => { const r = await fetch(`${s.w.admin}/api/v1/jobs/${job}/edit`, { method: 'POST', body: JSON.stringify(body) }); return [r.status, (await r.json()).detail]; };
  for (const [body, detail] of [
    [{}, /nothing is to be edited/], [{ set: [] }, /'set' is not an object/], [{ remove: {} }, /'remove' is not an array/],
    [{ colour: 1 }, /there is no 'colour'/], [{ body: 1, reason: 1 }, /'reason' is not a string/], [{ set: { '/amount': 7 }, reason: 'x' }, /nothing changes/], [{ set: { '/amount': 1 } }, /a reason is needed/]]) {
    const [status, text] = await post(body);
    assert.ok(status === 400 || status === 422, `${JSON.stringify(body)}: ${status}`);
    assert.match(text, detail);
  }
  assert.equal((await post({ set: { '/amount': 1 }, reason: 'x' }))[0], 201);
  assert.equal((await post({ set: { '/amount': 2 }, reason: 'x' }))[0], 409);
});

test('a step that is not safe to repeat needs an ack here too', async (t) => {
  const s = await stage(t, 'unsafe');
  const job = await s.dead({ amount: 7 });
  const edit = async (more) => {
    const r = await fetch(`${s.w.admin}/api/v1/jobs/${job}/edit`, { method: 'POST', body: JSON.stringify({ set: { '/amount': 3 }, ...more }) });
    return [r.status, await r.json()];
  };
  assert.equal((await edit({ ack: ['other'] }))[0], 400);
  for (const more of [{}, { ack: [] }, { force: true }]) {
    const [status, body] = await edit(more);
    assert.equal(status, 409, JSON.stringify(body));
    assert.match(body.detail, /the step charge is not safe to repeat, and may have acted already: ack it \(--ack charge\) to let it act again$/);
  }
  assert.deepEqual(await edit({ ack: 'charge' }).then(([status, body]) => [status, body.detail]), [400, "'ack' is not a list of steps"]);
  assert.equal((await edit({ dry_run: true }))[0], 200);
  const refused = await s.cli([job, '--set', '/amount=3', '--yes']);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /the step charge is not safe to repeat/);
  assert.equal((await s.job(job)).superseded_by, undefined);
  assert.equal(sent(s.u).length, 1);
  const r = await s.cli([job, '--set', '/amount=3', '--ack', 'charge', '--yes', '--wait']);
  assert.equal(r.code, 0, r.err);
  assert.deepEqual(sent(s.u), [{ amount: 7 }, { amount: 3 }]);
});
