// What /proc says of processes: CPU time and resident memory (memory.mjs has it in full).
import { readFileSync } from 'node:fs';

const TICKS = 100; // a second has so many in /proc, on every Linux that Node runs on

/** Fields of /proc/PID/stat behind the command's name; null: it has ended. */
function stat(pid) {
  try { const s = readFileSync(`/proc/${pid}/stat`, 'latin1'); return s.slice(s.lastIndexOf(')') + 2).split(' '); } catch { return null; }
}

/** Seconds of CPU, user and system, that PIDS have taken. */
export const cpu = (pids) => pids.reduce((sum, pid) => { const s = stat(pid); return sum + (s ? (Number(s[11]) + Number(s[12])) / TICKS : 0); }, 0);

/** The same of this process and of its children that have ended. */
export const ownCpu = () => { const s = stat(process.pid); return (Number(s[11]) + Number(s[12]) + Number(s[13]) + Number(s[14])) / TICKS; };

/** Seconds in which a CPU of the machine was busy. */
export const busy = () => { const f = readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/).slice(1).map(Number); return (f[0] + f[1] + f[2] + f[5] + f[6] + f[7]) / TICKS; };

/** Resident memory of one process in bytes, at little cost. */
export const resident = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) * 1024;

/** Of it, what is the process' own. The rest are pages of its files, each there once its code has first run: libc's for a local time may come after a minute. */
export const anonymous = (pid) => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) * 1024;
