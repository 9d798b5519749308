// Starts the real binary with pipelines of a test, on free ports, and ends it by its pid.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const build = process.env.WEIR_BUILD ?? join(root, 'build/release');
export const binary = join(build, 'weir');
// A build with sanitizers is slower: whoever waits for something waits longer there.
export const slow = !build.endsWith('release');
// Figures of memory and of speed mean nothing in a build with sanitizers.
export const sanitized = readFileSync(binary).includes('__asan_init') || readFileSync(binary).includes('__tsan_init');

/** A folder that goes when the test goes. FILES: name to text. */
export function folder(t, files = {}) {
  const path = mkdtempSync(join(tmpdir(), 'weir-test-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  write(path, files);
  return path;
}

/** Writes FILES (name to text) below PATH. */
export function write(path, files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
}

/** Runs a command of weir to its end: { code, out, err }. */
export function weir(args, { cwd = root, env = {}, input } = {}) {
  // Half of such a run would go into looking for leaks; what runs for long is looked at in start.
  const r = spawnSync(binary, args, { cwd, env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0', ...env }, input, encoding: 'utf8', timeout: 60_000 });
  if (/AddressSanitizer|LeakSanitizer|runtime error:/.test(r.stderr)) throw new Error(`a sanitizer complains:\n${r.stderr}`);
  return { code: r.status, out: r.stdout, err: r.stderr, signal: r.signal };
}

/**
 * Starts weir run and waits until it is ready. PIPELINES: name to YAML text, or a folder.
 * The result: { edge, admin, edgePort, adminPort, pid, worker, lines, dir, log(predicate), stop(), kill(signal), ended }.
 * It sheds no load, as it would on a machine that is busy with other tests: who tests that gives WEIR_ENGINE_MAX_LAG.
 * LISTEN are the flags that say where and on how many shards; STDIO goes on behind standard error. PID is the supervisor's, which takes signals and ends last; WORKER is the first worker's.
 */
export async function start(t, pipelines, { args = [], env = {}, files = {}, shards = 1, cwd, prefix = [], stdio = [],
  listen = ['--edge', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--shards', String(shards)] } = {}) {
  const dir = typeof pipelines === 'string' ? pipelines : folder(t, pipelines);
  write(cwd ?? dir, files);
  const command = [...prefix, binary, 'run', dir, ...listen, '--log', 'json', ...args];
  const child = spawn(command[0], command.slice(1), { cwd: cwd ?? dir, env: { ...process.env, WEIR_ENGINE_MAX_LAG: '1m', ...env }, stdio: ['ignore', 'pipe', 'pipe', ...stdio] });
  const w = { dir, pid: child.pid, child, lines: [], stderr: '', waiting: [] };
  // Closed is the output when the worker has ended, too.
  w.ended = new Promise((done) => child.once('close', (code, signal) => done({ code, signal })));
  // What a client sees of a death is a reset connection: the death is said besides.
  child.once('exit', (code, signal) => { if (signal && !w.killed) console.error(`weir ${child.pid} was ended by ${signal}\n${w.stderr}`); });
  child.stderr.setEncoding('utf8').on('data', (text) => { w.stderr += text; });
  createInterface({ input: child.stdout }).on('line', (line) => {
    let entry;
    try { entry = JSON.parse(line); } catch { entry = { msg: line }; }
    w.lines.push(entry);
    w.waiting = w.waiting.filter(({ matches, done }) => { if (!matches(entry)) return true; done(entry); return false; });
  });
  // The first line of the log, there already or to come, that MATCHES.
  w.log = (matches) => new Promise((done, fail) => {
    const there = w.lines.find(matches);
    if (there) return done(there);
    w.waiting.push({ matches, done });
    w.ended.then(() => fail(new Error(`weir ended before that line was logged\n${w.stderr}\n${JSON.stringify(w.lines.slice(-5))}`)));
  });
  w.kill = (signal = 'SIGKILL') => { child.kill(signal); return w.ended; };
  w.stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    return w.ended;
  };
  t.after(async () => {
    const { code, signal } = await w.stop();
    if (/AddressSanitizer|LeakSanitizer|runtime error:|ThreadSanitizer/.test(w.stderr)) throw new Error(`a sanitizer complains:\n${w.stderr}`);
    if (!w.killed && (code !== 0 || signal)) throw new Error(`weir ended with ${code ?? signal}\n${w.stderr}`);
  });
  const ready = await w.log((l) => / is ready$/.test(l.msg));
  w.worker = ready.worker;
  w.edgePort = ready.edge_port;
  w.adminPort = ready.admin_port;
  w.edge = `http://127.0.0.1:${ready.edge_port}`;
  w.admin = `http://127.0.0.1:${ready.admin_port}`;
  return w;
}

/** The pid of the worker that was ready last. */
export const workerOf = (w) => w.lines.findLast((l) => / is ready$/.test(l.msg)).worker;

/** Waits until another worker than OLD is ready, and gives its pid. */
export const nextWorker = (w, old) => until(() => workerOf(w) !== old && workerOf(w), 'the next worker is ready');

/** The value of a metric: the sum of all samples whose line starts with NAME and has all LABELS. */
export async function metric(w, name, labels = {}) {
  const text = await (await fetch(`${w.admin}/metrics`)).text();
  let sum = 0;
  for (const line of text.split('\n')) {
    const m = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/.exec(line);
    if (!m || m[1] !== name) continue;
    if (Object.entries(labels).every(([k, v]) => (m[2] ?? '').includes(`${k}="${v}"`))) sum += Number(m[3]);
  }
  return sum;
}

/** Resident memory of PID, in KiB. */
export const rss = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

/** Waits until CONDITION (which may be async) holds; fails after some seconds with MESSAGE. */
export async function until(condition, message, ms = slow ? 30_000 : 15_000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${message}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}
