// The wall clock is set while weir runs, an hour on and a day back: nothing is lost, no moment fires twice, and what
// waits for a time waits no longer than it should. A library in front of libc moves the clock of that process alone.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder, sanitized, start, until } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

const source = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long offset(void)
{
    char text[32] = { 0 };
    int fd = open(getenv("CLOCK_OFFSET"), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
        text[0] = 0;
    if (fd >= 0)
        close(fd);
    return atol(text);
}
int clock_gettime(clockid_t id, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int rc = real(id, t);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
        t->tv_sec += offset();
    return rc;
}
time_t time(time_t *out)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}
int gettimeofday(struct timeval *tv, void *zone)
{
    (void)zone;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    *tv = (struct timeval){ t.tv_sec, t.tv_nsec / 1000 };
    return 0;
}
`;

const durable = (name, steps, more = '') => `name: ${name}\ntrigger: { webhook: { path: "/${name}/{n}" } }\nrespond: accepted\n${more}steps:\n${steps}`;

for (const [what, step] of [['an hour on', 3600], ['a day back', -86400]]) {
  test(`the clock is set ${what}: jobs, retries, pauses and schedules go on`, { skip: sanitized && 'a sanitizer wants to be the first library' }, async (t) => {
    const dir = folder(t);
    writeFileSync(join(dir, 'shim.c'), source);
    const cc = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', join(dir, 'shim.so'), join(dir, 'shim.c'), '-ldl'], { encoding: 'utf8' });
    assert.equal(cc.status, 0, cc.stderr);
    const set = (seconds) => writeFileSync(join(dir, 'offset'), String(seconds));
    set(0);
    const calls = {};
    const up = await upstream(t, (q, r) => {
      const [, name] = q.url.split('/');
      calls[name] = (calls[name] ?? 0) + 1;
      if (name === 'again' && calls.again === 1) { r.statusCode = 500; r.end(); return; }
      setTimeout(() => r.end('ok'), name === 'slow' ? 1500 : name === 'line' ? 100 : 0);
    });
    const call = (name) => `  - http: { url: "${up.url}/${name}", method: GET }\n`;
    const w = await start(t, {
      'slow.yaml': durable('slow', call('slow')),
      'line.yaml': durable('line', call('line'), 'concurrency: 1\n'),
      'again.yaml': durable('again', call('again'), 'retry: { schedule: [3s, 3s] }\n'),
      'pause.yaml': durable('pause', `  - delay: 3s\n${call('pause')}`),
      'tick.yaml': 'name: tick\ntrigger: { schedule: { every: 1s, catch_up: none } }\nsteps:\n  - log: "fired ${ request.body.scheduled_at }"\n',
      'limit.yaml': 'name: limit\ntrigger: { webhook: { path: /limit, methods: [GET] } }\nsteps:\n  - ratelimit: { key: a, limit: 5/60s }\n  - reply: { text: ok }\n',
    }, { shards: 2, args: ['--store', `sqlite:${join(dir, 'weir.db')}`], env: { LD_PRELOAD: join(dir, 'shim.so'), CLOCK_OFFSET: join(dir, 'offset') } });
    const fired = () => w.lines.map((l) => /^fired (\S+)$/.exec(l.msg)?.[1]).filter(Boolean);
    const post = async (path) => assert.equal((await fetch(`${w.edge}${path}`, { method: 'POST' })).status, 202);
    await until(() => fired().length >= 2, 'the schedule fires');
    for (let i = 0; i < 5; i++) await fetch(`${w.edge}/limit`);
    for (let n = 0; n < 60; n++) await post(`/line/${n}`);
    for (const name of ['slow', 'again', 'pause']) await post(`/${name}/1`);
    await until(() => calls.again === 1 && calls.slow === 1, 'they have begun');
    const began = performance.now();
    set(step);
    await until(() => calls.again === 2 && calls.pause === 1, 'what waits is done').catch(async (e) => { e.message += JSON.stringify(calls) + JSON.stringify(w.lines.slice(-6)); throw e; });
    const took = performance.now() - began;
    assert.ok(step > 0 || took > 1500, `${took} ms: nothing waits for less`);
    await until(() => calls.line === 60, 'all that stood in line are done');
    await post('/slow/2');
    await until(() => calls.slow === 2, 'what comes later is done as well');
    assert.equal((await fetch(`${w.edge}/limit`)).status, 429); // its time is not over
    if (step > 0) {
      const n = fired().length;
      await until(() => fired().length > n + 1, 'the schedule goes on');
    }
    const all = fired();
    assert.equal(new Set(all).size, all.length, `a moment fired twice: ${all}`);
    const jobs = await (await fetch(`${w.admin}/api/v1/jobs?state=dead`)).json();
    assert.equal((jobs.jobs ?? jobs.items ?? []).length, 0, JSON.stringify(jobs));
    assert.deepEqual([calls.again, calls.pause, calls.slow, calls.line], [2, 1, 2, 60]);
  });
}
