// Jobs as operators see them: listed, looked at, replayed, cancelled and discarded, over the admin
// API and the command line.
import test from 'node:test';
import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { start, until, weir } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';
import { pay, shop, unknown } from './lib/shop.mjs';

test('jobs are listed with filters, a page at a time', async (t) => {
  const s = await shop(t);
  const dead = [await s.pay('dead'), await s.pay('dead', 8, 'two'), await s.pay('dead', 9)];
  const good = await s.pay('completed', 1);
  const kept = await s.frail();
  const ids = async (query) => (await s.jobs(query)).jobs.map((j) => j.id);
  assert.deepEqual(await ids(''), [kept, good, ...dead.toReversed()]);
  assert.deepEqual(await ids('state=dead&pipeline=pay'), dead.toReversed());
  assert.deepEqual(await ids('state=completed'), [good]);
  assert.deepEqual(await ids('node=asked'), [kept]);
  assert.deepEqual(await ids('key=two'), [dead[1]]);
  assert.deepEqual(await ids('code=upstream&pipeline=frail'), [kept]);
  assert.equal((await ids('since=1h')).length, 5);
  assert.equal((await ids(`since=${encodeURIComponent(new Date(Date.now() - 60_000).toISOString())}`)).length, 5);
  assert.deepEqual(await ids(`since=${encodeURIComponent(new Date(Date.now() + 60_000).toISOString())}`), []);
  assert.equal((await ids('since=1969-01-01')).length, 5);
  const first = await s.jobs('limit=2');
  assert.equal(first.total, 5);
  assert.deepEqual(await ids(`limit=2&after=${first.next}`), [dead[2], dead[1]]);
  const last = await s.jobs(`limit=2&after=${(await s.jobs(`limit=2&after=${first.next}`)).next}`);
  assert.deepEqual([last.jobs.map((j) => j.id), last.next], [[dead[0]], undefined]);
  const job = (await s.jobs('state=dead&limit=1')).jobs[0];
  assert.deepEqual([job.id, job.pipeline, job.state, job.node, job.code, job.attempt], [kept, 'frail', 'dead', 'asked', 'upstream', 1]);
});

test('jobs are found by what they and their events say', async (t) => {
  const s = await shop(t);
  const ids = [];
  for (const amount of [7, 50, 500]) ids.push(await s.pay('dead', amount));
  const found = (where) => JSON.parse(s.cli('jobs', '--where', where, '--json').out).jobs.map((j) => j.id);
  assert.deepEqual(found('event.body.amount > 10'), [ids[2], ids[1]]);
  assert.deepEqual(found('event.body.amount > 10 && job.node == "charge" && event.path == "/pay/one" && job.attempt < 9'), [ids[2], ids[1]]);
  assert.deepEqual(found('job.id == "' + ids[0] + '"'), [ids[0]]);
  const page = await s.jobs('limit=1&where=' + encodeURIComponent('event.body.amount > 10'));
  assert.deepEqual([page.jobs[0].id, page.total], [ids[2], undefined]);
  assert.equal((await s.jobs(`limit=1&after=${page.next}&where=` + encodeURIComponent('event.body.amount > 10'))).jobs[0].id, ids[1]);
  const odd = s.cli('jobs', '--where', 'event.body.colour == "red"');
  assert.match(odd.err, /3 jobs are left out, since --where is an error for them: .*colour/);
  const wrong = s.cli('jobs', '--where', 'event.body.amount >');
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /where, at character \d+: /);
});

test('a condition sees of a job what is shown of it, and guesses nothing that is hidden', async (t) => {
  const s = await shop(t), secretText = 'hush-hush-hush';
  const headers = { 'content-type': 'application/json', authorization: 'Bearer X99', 'x-note': 'seen' };
  await fetch(`${s.w.edge}/pay/one?token=abc123&colour=red`, { method: 'POST', headers, body: JSON.stringify({ amount: 50, echo: secretText }) });
  await until(async () => (await s.jobs('state=dead')).total === 1, 'a dead job');
  const found = async (where) => (await s.jobs('where=' + encodeURIComponent(where))).jobs.length;
  const has = (name, value) => `event.headers.exists(h, h[0] == "${name}" && h[1].startsWith("${value}"))`;
  for (const where of [has('authorization', 'Bearer X'), 'event.query.contains("token=abc1")', `event.body.echo == "${secretText}"`,
    `event.body.echo.startsWith("${secretText.slice(0, 4)}")`])
    assert.equal(await found(where), 0, where);
  for (const where of [has('authorization', '***'), has('x-note', 'seen'), 'event.query == "token=***&colour=red"',
    'event.body.echo == "***" && event.body.amount == 50'])
    assert.equal(await found(where), 1, where);
});

test('what is asked of jobs in a wrong way is told', async (t) => {
  const s = await shop(t);
  const refused = async (method, path, status, detail, body) => {
    const r = await s.api(method, path, body);
    assert.equal(r.status, status, `${method} ${path}: ${JSON.stringify(r.body)}`);
    assert.match(r.body.detail, detail, `${method} ${path}`);
    return r;
  };
  await refused('GET', 'jobs?colour=red', 400, /no parameter 'colour'.*state pipeline code node since key fingerprint where after limit/);
  await refused('GET', 'jobs?state=broken', 400, /state must be scheduled/);
  await refused('GET', 'jobs?code=nope', 400, /code/);
  for (const limit of ['0', '1001', '-1', 'ten', '', '99999999999999999999']) await refused('GET', `jobs?limit=${limit}`, 400, /limit is a number from 1 to 1000/);
  await refused('GET', 'jobs?since=yesterday', 400, /10m, 2h or 3d.*2026-01-02T03:04:05Z/);
  await refused('GET', 'jobs?after=x', 400, /after/);
  await refused('GET', `jobs?key=${'k'.repeat(5000)}`, 400, /key has more than 4096 bytes/);
  await refused('GET', 'jobs/nope', 404, /'nope' is not the id of a job/);
  await refused('GET', `jobs/${unknown}`, 404, /there is no job 01890a5d/);
  await refused('GET', `jobs/${unknown}?x=1`, 400, /no parameter 'x'/);
  await refused('GET', `jobs/${unknown}/replay/now`, 404, /ID\/VERB/);
  await refused('POST', `jobs/${unknown}/explode`, 404, /replay plan edit cancel discard/);
  await refused('POST', `jobs/${unknown}/replay`, 404, /there is no job/);
  assert.equal((await refused('POST', 'jobs', 405, /GET/)).allow, 'GET, HEAD');
  assert.equal((await refused('POST', `jobs/${unknown}`, 405, /GET/)).allow, 'GET, HEAD');
  assert.equal((await refused('GET', `jobs/${unknown}/replay`, 405, /POST/)).allow, 'POST');
  assert.equal((await s.api('DELETE', `jobs/${unknown}`)).status, 405);
  await refused('POST', `jobs/${unknown}/replay`, 400, /not JSON/, '{');
  await refused('POST', `jobs/${unknown}/replay`, 400, /not an object/, '[]');
  await refused('POST', `jobs/${unknown}/replay`, 400, /no 'why' in the body; there are reason, who, force, from, original, ack, outputs, new_keys and plan/, { why: 'x' });
  await refused('POST', `jobs/${unknown}/replay`, 400, /'force' is not a boolean/, { force: 'yes' });
  await refused('POST', `jobs/${unknown}/cancel`, 400, /'reason' is not a string/, { reason: 1 });
  await refused('POST', `jobs/${unknown}/cancel`, 400, /'reason' has more than 4096 bytes/, { reason: 'r'.repeat(4097) });
  await refused('POST', `jobs/${unknown}/cancel`, 413, /64 KiB/, { reason: 'r'.repeat(70_000) });
  await refused('GET', 'incidents?after=x', 400, /after/);
  await refused('GET', 'audit?state=dead', 400, /no parameter 'state'/);
  await refused('GET', 'store?x=1', 400, /no parameter 'x' here; there are: none/);
  assert.equal((await s.api('POST', `jobs/${unknown}/replay`, '{}', { origin: 'http://elsewhere' })).status, 403);
  assert.equal((await fetch(`${s.w.admin}/api/v1/jobs`, { method: 'HEAD' })).status, 200);
});

test('a job is shown without the credentials of its event and without secrets', async (t) => {
  const s = await shop(t);
  const hidden = { authorization: 'Bearer AAAA', cookie: 'sid=BBBB', 'proxy-authorization': 'CCCC', 'x-api-key': 'DDDD', 'x-gitlab-token': 'EEEE', 'x-hub-signature-256': 'sha256=FFFF', 'x-client-secret': 'GGGG' };
  const id = await s.pay('dead', 7, 'one?token=HHHH&page=2&api%5Fkey=IIII', { ...hidden, 'x-shop': 'plain' });
  const raw = await (await fetch(`${s.w.admin}/api/v1/jobs/${id}`)).text();
  for (const value of ['AAAA', 'BBBB', 'CCCC', 'DDDD', 'EEEE', 'FFFF', 'GGGG', 'HHHH', 'IIII']) assert.ok(!raw.includes(value), value);
  const job = JSON.parse(raw);
  const headers = Object.fromEntries(job.event.headers);
  for (const name of Object.keys(hidden)) assert.equal(headers[name], '***', name);
  assert.equal(headers['x-shop'], 'plain');
  assert.equal(job.event.query, 'token=***&page=2&api%5Fkey=***');
  assert.deepEqual([job.event.method, job.event.path, job.event.raw, job.event.params], ['POST', '/pay/one', '{"amount":7}', [['shop', 'one']]]);
  assert.deepEqual([job.state, job.node, job.attempts.length, job.attempts[0].node], ['dead', 'charge', 1, 'charge']);
  const kept = await s.frail();
  const text = await (await fetch(`${s.w.admin}/api/v1/jobs/${kept}`)).text();
  assert.ok(!text.includes('hush'));
  const [told] = JSON.parse(text).attempts[0].trace.steps;
  assert.deepEqual([told.id, told.output.body], ['told', 'you are Bearer ***']);
  const people = s.cli('jobs', 'show', kept);
  assert.ok(!people.out.includes('hush'));
  // It is kept for the replay all the same.
  s.p.broken = false;
  const again = (await s.replay(id)).body.id;
  await s.state(again, 'completed');
  // What is no text is shown as base64.
  await fetch(`${s.w.edge}/frail`, { method: 'POST', body: Buffer.from([0xff, 0xfe, 0x00]) }).then((r) => r.arrayBuffer());
  s.p.broken = true;
  await fetch(`${s.w.edge}/frail`, { method: 'POST', body: Buffer.from([0xff, 0xfe, 0x00]) }).then((r) => r.arrayBuffer());
  await until(async () => (await s.jobs('pipeline=frail')).total === 2, 'the failed run is kept');
  const coded = await s.job((await s.jobs('pipeline=frail&limit=1')).jobs[0].id);
  assert.deepEqual([coded.event.raw, coded.event.raw_base64], [undefined, '//4A']);
});

test('a dead job is replayed once, discarded with a reason, and the audit knows who', async (t) => {
  const s = await shop(t);
  const id = await s.pay('dead'), other = await s.frail();
  s.p.broken = false;
  const r = await s.replay(id, { who: 'grace', reason: 'the bank is back' });
  assert.equal(r.status, 201);
  assert.equal(r.body.replay_of, id);
  assert.equal(r.location, `/api/v1/jobs/${r.body.id}`);
  await s.state(r.body.id, 'completed');
  assert.equal((await s.job(r.body.id)).replay_of, id);
  assert.equal((await s.job(id)).superseded_by, r.body.id);
  const twice = await s.replay(id);
  assert.equal(twice.status, 409);
  assert.match(twice.body.detail, new RegExp(`was replayed as ${r.body.id}, which is completed`));
  assert.equal((await s.replay(r.body.id)).status, 409);
  const forced = await s.replay(r.body.id, { force: true });
  assert.equal(forced.status, 201);
  await s.state(forced.body.id, 'completed');
  assert.equal((await s.api('POST', `jobs/${other}/discard`)).status, 400);
  const gone = await s.api('POST', `jobs/${other}/discard`, { reason: 'a test', who: 'grace' });
  assert.deepEqual([gone.status, gone.body], [200, { id: other, state: 'discarded' }]);
  assert.equal((await s.api('POST', `jobs/${other}/cancel`, { reason: 'x' })).status, 409);
  const { entries } = (await s.api('GET', 'audit')).body;
  assert.deepEqual(entries.map((e) => [e.who, e.what, e.job, e.why, e.after]), [
    ['grace', 'jobs.discard', other, 'a test', 'discarded'],
    ['api', 'jobs.replay', r.body.id, 'a test', 'completed'],
    ['grace', 'jobs.replay', id, 'the bank is back', 'dead'],
  ]);
  assert.equal(entries[2].replay, r.body.id);
});

test('a job that waits is cancelled', async (t) => {
  const s = await shop(t);
  const { job } = (await s.send('late')).body;
  await s.state(job, 'retryable');
  assert.ok((await s.job(job)).due_ms > Date.now() + 1_000_000);
  const shown = s.cli('jobs', 'show', job);
  assert.match(shown.out, /^state +retryable\n/m);
  assert.match(shown.out, /^due +\S+ \(in \d+m\)$/m);
  assert.match(shown.out, new RegExp(`End it: weir jobs cancel ${job}`));
  const r = s.cli('jobs', 'cancel', job, '--reason', 'no need');
  assert.deepEqual([r.code, r.out, r.err], [0, `${job} is cancelled\n`, '']);
  const again = s.cli('jobs', 'cancel', job, '--reason', 'x');
  assert.equal(again.code, 1);
  assert.match(again.err, /^weir jobs: .*cancelled/);
});

test('weir jobs lists, groups, shows and discards', async (t) => {
  const s = await shop(t);
  const none = s.cli('jobs');
  assert.deepEqual([none.code, none.out, none.err], [0, 'There is no such job.\n', '']);
  const ids = [await s.pay('dead'), await s.pay('dead', 8), await s.pay('dead', 9)];
  const good = await s.pay('completed', 1), kept = await s.frail();
  const list = s.cli('jobs', 'list', '--state', 'dead', '--pipeline', 'pay');
  assert.deepEqual([list.code, list.err], [0, '']);
  const lines = list.out.trimEnd().split('\n');
  assert.match(lines[0], /^ID +PIPELINE +STATE +STEP +CODE +AGE +MESSAGE$/);
  assert.deepEqual(lines.slice(1).map((l) => l.split(/ +/).slice(0, 5)), ids.toReversed().map((id) => [id, 'pay', 'dead', 'charge', 'upstream']));
  const page = s.cli('jobs', '--step', 'charge', '--limit', '2');
  const next = /^There are more: weir jobs (.*)$/m.exec(page.out)[1].split(' ');
  assert.deepEqual(next.slice(0, 4), ['--step', 'charge', '--limit', '2']);
  assert.match(weir(['jobs', ...next]).out, new RegExp(`^${ids[0]} `, 'm'));
  assert.doesNotMatch(weir(['jobs', ...next]).out, /There are more/);
  assert.deepEqual(JSON.parse(s.cli('jobs', '--json', '--code', 'upstream', '--since', '1h').out).jobs.map((j) => j.id), [kept, ...ids.toReversed()]);
  const groups = s.cli('jobs', '--group-by', 'fingerprint');
  assert.deepEqual([groups.code, groups.err], [0, '']);
  assert.match(groups.out, new RegExp(`^JOBS +PIPELINE .*\\n3 +pay +charge +upstream .* ${ids[2]} .*\\n1 +frail +asked +upstream .*\\n$`));
  const grouped = JSON.parse(s.cli('jobs', '--group-by', 'fingerprint', '--pipeline', 'pay', '--json').out);
  assert.deepEqual([grouped.groups.map((g) => [g.jobs, g.node, g.newest]), grouped.jobs, grouped.whole], [[[3, 'charge', ids[2]]], 3, true]);
  const incidents = s.cli('incidents');
  assert.deepEqual([incidents.code, incidents.err], [0, '']);
  assert.match(incidents.out, new RegExp(`^JOBS +PIPELINE .*\\n1 +frail +asked +upstream .* ${kept} .*\\n3 +pay +charge +upstream .* ${ids[2]} .*\\n$`));
  assert.deepEqual(JSON.parse(s.cli('incidents', '--pipeline', 'pay', '--json').out).incidents.map((i) => i.count), [3]);

  const show = s.cli('jobs', 'show', ids[0]);
  assert.deepEqual([show.code, show.err], [0, '']);
  assert.match(show.out, new RegExp(`^job +${ids[0]}\\nstate +dead: .*\\npipeline +pay\\nrevision +[0-9a-f]{16}\\nkey +one\\ncame `));
  assert.match(show.out, /^failed +charge: upstream: .*503/m);
  assert.match(show.out, /^Event\n {2}POST \/pay\/one from 127\.0\.0\.1, request \S+\n(.*\n)* {2}content-type: application\/json\n(.*\n)*\n {2}\{"amount":7\}\n/m);
  assert.match(show.out, /^The way through pay\n {2}\+ check +set +< 1ms +\{"amount":7\} *\n {2}> choose +switch +(< )?\d+ms *\n {2}\| {2}x charge +http +(< )?\d+ms +.*503.*\n {2}\| {2}\. free +set *\n {2}\. receipt +set *\n {2}\(\. not reached, \+ done, x failed, > went inside\)$/m);
  assert.match(show.out, /^Attempts.*\n {2}# +BEGAN .*\n {2}1 +20\S+Z +\S+ +charge +upstream /m);
  assert.match(show.out, new RegExp(`weir replay ${ids[0]}\n`));
  assert.match(s.cli('jobs', 'show', good).out, /^state +completed\n/m);
  assert.equal(JSON.parse(s.cli('jobs', 'show', ids[0], '--json').out).event.raw, '{"amount":7}');
  assert.match(weir(['jobs', '--admin', s.w.admin.slice(7)], { env: { FORCE_COLOR: '1' } }).out, /\x1b\[31mdead\x1b\[0m/);

  assert.deepEqual([s.cli('jobs', 'discard', kept).code, s.cli('jobs', 'discard', kept, '--reason', '').code], [2, 2]);
  assert.deepEqual(s.cli('jobs', 'discard', kept, '--reason', "it's a test").out, `${kept} is discarded\n`);
  assert.deepEqual(JSON.parse(s.cli('jobs', 'discard', ids[0], '--reason', 'x', '--json').out), { id: ids[0], state: 'discarded' });
  const audit = s.cli('audit');
  assert.match(audit.out, new RegExp(`^WHEN .*\\n20\\S+Z +ada +discard +${ids[0]} +dead +discarded +- +x\\n20\\S+Z +ada +discard +${kept} +dead +discarded +- +it's a test\\n$`));
  assert.equal(JSON.parse(s.cli('audit', '--limit', '1', '--json').out).entries.length, 1);
  const stats = s.cli('store', 'stats');
  assert.deepEqual([stats.code, stats.err], [0, '']);
  assert.match(stats.out, /^jobs dead +2$/m);
  assert.match(stats.out, /^jobs discarded +2$/m);
  assert.equal(JSON.parse(s.cli('store', '--json').out).jobs.completed, 1);
});

test('metrics tell of replays, and of jobs that wait', async (t) => {
  const s = await shop(t);
  const metric = async (name) => Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(await (await fetch(`${s.w.admin}/metrics`)).text())?.[1]);
  assert.equal(await metric('weir_replays_total'), 0);
  assert.equal((await s.replay(await s.pay('dead'))).status, 201);
  assert.equal(await metric('weir_replays_total'), 1);
  await s.send('late'); // its next attempt is due in an hour
  await until(async () => (await metric('weir_oldest_ready_job_age_seconds{pipeline="late"}')) === 0, 'it is looked at');
  assert.equal(await metric('weir_oldest_ready_job_age_seconds{pipeline="pay"}'), NaN);
});

test('metrics count jobs by pipeline and state, and tell of commits', async (t) => {
  const s = await shop(t);
  const all = async () => (await (await fetch(`${s.w.admin}/metrics`)).text());
  const jobs = async () => Object.fromEntries([...(await all()).matchAll(/^weir_jobs\{pipeline="(\w+)",state="(\w+)"\} (\d+)$/gm)].map(([, p, state, n]) => [`${p} ${state}`, Number(n)]));
  assert.deepEqual(await jobs(), {});
  const dead = await s.pay('dead');
  await s.send('late');
  await until(async () => (await jobs())['late retryable'] === 1, 'the other one has failed, too');
  assert.deepEqual(await jobs(), { 'pay running': 0, 'pay dead': 1, 'late running': 0, 'late retryable': 1 });
  s.cli('jobs', 'discard', dead, '--reason', 'x');
  assert.deepEqual(await jobs(), { 'pay running': 0, 'pay dead': 0, 'pay discarded': 1, 'late running': 0, 'late retryable': 1 });
  await until(async () => { // no commit between two lines
    const text = await all(), value = (name) => Number(new RegExp(`^${name.replace(/[{}+]/g, '\\$&')} (\\S+)$`, 'm').exec(text)[1]);
    return value('weir_journal_commit_seconds_count') === value('weir_store_commits_total') && value('weir_journal_batch_size_sum') === value('weir_store_operations_total') &&
      value('weir_journal_commit_seconds_bucket{le="+Inf"}') === value('weir_store_commits_total') && value('weir_journal_batch_size_bucket{le="4096"}') > 0;
  }, 'histograms count what the counters do');
});

test('many jobs are run again, or given up, by what they have in common', async (t) => {
  const s = await shop(t);
  const ids = [];
  for (const amount of [6, 50, 500]) ids.push(await s.pay('dead', amount));
  const kept = await s.frail();
  const dead = async () => (await s.jobs('state=dead')).jobs.filter((j) => !j.superseded_by).map((j) => j.id);
  const { fingerprint } = await s.job(ids[0]);
  assert.notEqual((await s.job(kept)).fingerprint, fingerprint);
  assert.deepEqual((await s.jobs(`fingerprint=${fingerprint}`)).jobs.map((j) => j.id), ids.toReversed());
  // a plan and the batch of it take the same jobs, and a condition sees no more than a list shows
  const plan = await s.wait('replay', 'plan', '--fingerprint', fingerprint, '--where', 'event.body.amount > 10');
  assert.match(plan.out, /^2 +pay +charge +upstream/m);
  assert.match((await s.wait('replay', 'plan', '--where', 'event.body.amount > 10')).out, /^1 are left out, since --where is an error for them: /m);
  const where = 'event.body.amount > 10 && !event.headers.exists(h, h[0] == "host" && h[1] == "***")';
  const got = (await s.api('GET', `batches/plan?where=${encodeURIComponent(where)}&pipeline=pay`)).body;
  assert.deepEqual([got.total, got.groups], [2, [{ pipeline: 'pay', node: 'charge', code: 'upstream', jobs: 2 }]]);
  const nothing = await s.wait('replay', 'plan', '--step', 'nosuch');
  assert.deepEqual([nothing.code, nothing.err], [1, 'weir replay: there is no such job\n']);
  const made = await s.api('POST', 'batches', { where, pipeline: 'pay', plan: got.plan, ack: ['charge'], reason: 'x' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.deepEqual([made.body.total, made.body.filter.where], [2, where]);
  assert.equal((await s.api('POST', 'batches', { where: 'event.body.amount >', pipeline: 'pay', reason: 'x' })).status, 400);
  await until(async () => (await s.api('GET', `batches/${made.body.id}`)).body.state === 'completed', 'the batch is over');
  assert.deepEqual((await s.api('GET', `batches/${made.body.id}`)).body.items.dead, 2);
  assert.match(s.cli('jobs', '--state', 'dead').out, /dead, replayed/);
  // given up
  assert.deepEqual((await s.api('POST', 'jobs/discard', { reason: 'x' })).status, 400);
  assert.deepEqual((await s.api('POST', 'jobs/discard', { pipeline: 'pay' })).status, 400);
  assert.equal((await s.api('POST', 'jobs/discard', { pipeline: 'pay', state: 'ready', reason: 'x' })).status, 400);
  assert.deepEqual((await s.api('POST', 'jobs/discard', { where: 'event.body.amount == 6', dry_run: true, pipeline: 'pay' })).body, { discarded: 1, dry_run: true });
  const would = s.cli('jobs', 'discard', '--fingerprint', fingerprint, '--dry-run');
  assert.deepEqual([would.code, would.out], [0, '5 dead jobs would be discarded\n']);
  assert.equal(s.cli('jobs', 'discard', '--fingerprint', fingerprint, '--yes').code, 2);
  const one = s.cli('jobs', 'discard', '--fingerprint', fingerprint, '--where', 'event.body.amount == 6', '--reason', 'a test', '--yes');
  assert.deepEqual([one.code, one.out], [0, '1 dead job discarded\n']);
  assert.equal((await s.job(ids[0])).state, 'discarded');
  assert.equal(s.cli('jobs', 'discard', '--fingerprint', fingerprint, '--max', '1', '--reason', 'a test').out, '1 dead job discarded\n');
  assert.equal(s.cli('jobs', 'discard', '--pipeline', 'pay', '--reason', 'a test').out, '3 dead jobs discarded\n');
  assert.deepEqual(await dead(), [kept]);
  const { entries } = (await s.api('GET', 'audit')).body;
  assert.deepEqual([entries[0].what, entries[0].who, entries[0].why, entries[0].before, entries[0].after], ['jobs.discard', 'ada', 'a test', 'dead', 'discarded']);
  assert.equal(entries.filter((e) => e.what === 'jobs.discard').length, 5);
  assert.equal(s.cli('jobs', 'discard', '--reason', 'x').code, 2);
  // who it is, is known without the environment
  assert.equal(weir(['jobs', 'discard', kept, '--reason', 'x', '--admin', s.w.admin.slice(7)], { env: { SUDO_USER: '', USER: '' } }).code, 0);
  assert.equal((await s.api('GET', 'audit')).body.entries[0].who, userInfo().username);
});

test('weir replay says what it does, and waits until it is done', async (t) => {
  const s = await shop(t);
  const id = await s.pay('dead');
  const refusing = s.cli('replay', id, '--yes', '--reason', 'x');
  assert.equal(refusing.code, 1);
  assert.match(refusing.out, /^ *> charge +http +is not safe to repeat, and may act a second time: it needs --ack, or --output$/m);
  assert.match(refusing.err, /^weir replay: the step charge is not safe to repeat/);
  const silent = s.cli('replay', id, '--yes', '--ack', 'charge');
  assert.equal(silent.code, 2);
  assert.match(silent.err, /^weir replay: --reason TEXT is needed with --yes/);
  const why = ['--ack', 'charge', '--reason', 'the bank is back'];
  const failing = await s.wait('replay', id, '--yes', '--wait', ...why);
  assert.equal(failing.code, 1);
  assert.match(failing.out, /^Its event will run through the pipeline pay from the start, as a new job\.\n(.*\n)*  > charge +http +may act a second time, as you said\n(.*\n)*new job: \S+\n(.*\n)*dead: charge: .*503/);
  const second = /^new job: (\S+)$/m.exec(failing.out)[1];
  s.p.broken = false;
  const r = await s.wait('replay', second, '--wait', ...why);
  assert.deepEqual([r.code, r.err], [0, '']);
  assert.match(r.out, /^new job: \S+\n(.*\n)*completed\n$/m);
  const twice = s.cli('replay', id, ...why);
  assert.equal(twice.code, 1);
  assert.match(twice.out, new RegExp(`It was replayed before, as ${second}\\.`));
  assert.match(twice.err, /^weir replay: job \S+ was replayed as/);
  const done = /^new job: (\S+)$/m.exec(r.out)[1];
  const json = await s.wait('replay', done, '--force', '--wait', '--json', ...why);
  assert.equal(json.code, 0);
  assert.deepEqual([JSON.parse(json.out).replay_of, JSON.parse(json.out).state], [done, 'completed']);
  const refused = s.cli('replay', done, '--json', ...why);
  assert.equal(refused.code, 1);
  assert.equal(JSON.parse(refused.out).status, 409);
  assert.match(s.cli('audit').out, new RegExp(`ada +replay +${second} .* the bank is back\n`));
});

test('commands about jobs end with the codes of all commands', async (t) => {
  const s = await shop(t);
  const wrong = [['jobs', 'explode'], ['jobs', 'replay', unknown], ['jobs', 'show'], ['jobs', 'show', 'nope'], ['jobs', 'show', unknown, '--state', 'dead'], ['jobs', 'list', 'x'],
    ['jobs', '--group-by', 'colour'], ['jobs', '--state', 'broken'], ['jobs', '--since', 'yesterday'], ['jobs', '--limit', '0'], ['jobs', '--state', 'dead', '--state', 'ready'], ['jobs', 'cancel', unknown], ['replay', unknown], ['replay', 'run', '--yes'], ['replay', 'run', '--rate', '5', '--reason', 'x'], ['jobs', '--reason', 'x'], ['jobs', 'discard', unknown], ['replay'], ['replay', 'nope'], ['replay', unknown, '--timeout', 'soon'],
    ['store', 'explode'], ['incidents', 'x'], ['audit', '--what']];
  for (const args of wrong) {
    const r = s.cli(...args);
    assert.equal(r.code, 2, args.join(' '));
    assert.match(r.err, /^weir (jobs|replay|store|incidents|audit): /);
    assert.equal(r.out, '');
  }
  for (const args of [['jobs', 'show', unknown], ['replay', unknown, '--reason', 'x'], ['jobs', 'cancel', unknown, '--reason', 'x']]) {
    const r = s.cli(...args);
    assert.deepEqual([r.code, r.out], [1, ''], args.join(' '));
    assert.match(r.err, /^weir (jobs|replay): \S/);
  }
  for (const args of [['jobs'], ['jobs', 'show', unknown], ['replay', unknown, '--reason', 'x'], ['incidents'], ['audit'], ['store', 'stats']]) {
    assert.equal(weir([...args, '--admin', '127.0.0.1:1']).code, 3, args.join(' '));
    assert.match(weir([args[0], '--help']).out, /^Examples:\n {2}weir /m);
  }
});

test('without a store the questions are answered with 503', async (t) => {
  const w = await start(t, { 'a.yaml': 'trigger: { webhook: /a }\nsteps: [ { reply: 204 } ]\n' }, { args: ['--store', 'none'] });
  for (const [method, path] of [['GET', 'jobs'], ['GET', `jobs/${unknown}`], ['POST', `jobs/${unknown}/replay`], ['GET', 'incidents'], ['GET', 'audit'], ['GET', 'store']]) {
    const r = await fetch(`${w.admin}/api/v1/${path}`, { method });
    assert.equal(r.status, 503, path);
    assert.match((await r.json()).detail, /keeps no jobs: store\.url is none/);
  }
  const r = weir(['jobs', '--admin', w.admin.slice(7)]);
  assert.equal(r.code, 1);
  assert.match(r.err, /^weir jobs: this weir keeps no jobs/);
});

test('jobs ask for the token', async (t) => {
  const s = await shop(t, { args: ['--set', 'admin.token=t0ken'] });
  for (const [method, path] of [['GET', 'jobs'], ['GET', `jobs/${unknown}`], ['POST', `jobs/${unknown}/replay`], ['GET', 'incidents'], ['GET', 'audit'], ['GET', 'store']]) {
    assert.equal((await s.api(method, path)).status, 401, path);
  }
  assert.equal((await s.api('GET', 'jobs', undefined, { authorization: 'Bearer t0ken' })).status, 200);
  assert.equal(s.cli('jobs').code, 1);
  assert.equal(s.cli('jobs', '--set', 'admin.token=t0ken').code, 0);
});
