// A real PostgreSQL server on a free port, ended by the pid of its postmaster.
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const versions = '/usr/lib/postgresql';
const newest = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a))[0] : undefined;
const bin = newest && join(versions, newest, 'bin');
/** Why tests with a server have to be skipped; false: they need not. */
export const missing = bin && existsSync(join(bin, 'postgres')) ? false : 'PostgreSQL is not installed';

// The server refuses to run as root.
const root = process.getuid() === 0;
const id = (flag) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
const as = (args) => (root ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', ...args] : args);

function run(args) {
  const [command, ...rest] = as(args);
  const r = spawnSync(command, rest, { encoding: 'utf8', cwd: '/' });
  if (r.status !== 0) throw new Error(`${args.join(' ')}: ${r.stderr ?? r.error}`);
}

const free = () => new Promise((done) => {
  const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
});

/**
 * Starts a server whose data go with the test: { port, dir, url, start(), end(signal), pid, psql(sql) }.
 * The user is 'app' with the password 'pa55w0rd-Zq81', the database 'app'.
 */
export async function postgres(t, options = []) {
  const dir = mkdtempSync(join(tmpdir(), 'weir-pg-'));
  if (root) chownSync(dir, id('-u'), id('-g'));
  const data = join(dir, 'data');
  const p = { dir, port: await free(), child: null };
  t.after(async () => { await p.end('SIGQUIT'); rmSync(dir, { recursive: true, force: true }); });
  run([join(bin, 'initdb'), '-D', data, '-U', 'postgres', '--auth-local=trust', '--auth-host=scram-sha-256', '-E', 'UTF8', '--locale=C', '-N']);
  p.start = async () => {
    const [command, ...args] = as([join(bin, 'postgres'), '-D', data, '-p', String(p.port), '-k', dir, '-c', 'listen_addresses=127.0.0.1',
      '-c', 'fsync=off', '-c', 'logging_collector=off', ...options.flatMap((o) => ['-c', o])]);
    p.child = spawn(command, args, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
    p.ended = new Promise((done) => p.child.once('exit', done));
    p.log = '';
    p.child.stderr.setEncoding('utf8').on('data', (d) => { p.log += d; });
    const end = Date.now() + 30_000;
    while (spawnSync(join(bin, 'pg_isready'), ['-q', '-h', dir, '-p', String(p.port)]).status !== 0) {
      if (Date.now() > end || p.child.exitCode !== null) throw new Error(`PostgreSQL did not start:\n${p.log}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  // setpriv has become the postmaster: the child's pid is its.
  p.end = async (signal = 'SIGINT') => {
    if (!p.child || p.child.exitCode !== null || p.child.signalCode !== null) return;
    process.kill(p.child.pid, signal);
    await p.ended;
  };
  p.psql = (sql, database = 'app') => {
    const r = spawnSync(join(bin, 'psql'), ['-h', dir, '-p', String(p.port), '-U', 'postgres', '-d', database, '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', sql], { encoding: 'utf8' });
    if (r.status !== 0) throw new Error(r.stderr);
    return r.stdout.trim();
  };
  await p.start();
  p.psql("create role app login password 'pa55w0rd-Zq81'", 'postgres');
  p.psql('create database app owner app', 'postgres');
  p.psql('grant all on schema public to app');
  p.url = `postgresql://app:pa55w0rd-Zq81@127.0.0.1:${p.port}/app`;
  return p;
}
