import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { errnoOf } from './durable-file.ts';

/** Milliseconds after which what a run of another host hasn't touched counts as left behind. */
export const foreignStaleAfter = 120_000;

/** The run that holds a lock: what a lock file has in it, as JSON. */
export interface RunHolder {
  readonly pid: number;
  /** The process's start as the kernel counts it: tells a process from a later one with the same number. */
  readonly started: string;
  /** Host and boot; a pid means something only within the same one. */
  readonly machine: string;
  readonly verb: string;
  /** ISO time. */
  readonly since: string;
  readonly token: string;
}

/** This very process. */
export const thisRun = async (verb: string, now: Date): Promise<RunHolder> => ({
  pid: process.pid,
  started: (await processStart(process.pid)) ?? '',
  machine: await machineId(),
  verb,
  since: now.toISOString(),
  token: randomBytes(8).toString('hex'),
});

/** Who holds a lock; undefined where there is none, or nothing in it that says so. */
export const readHolder = async (path: string): Promise<RunHolder | undefined> => {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<RunHolder> | null;
    if (typeof value?.pid !== 'number' || value.pid <= 0 || typeof value.token !== 'string') {
      return undefined;
    }
    const { pid, token, started = '', machine = '', verb = 'a run', since = '' } = value;
    return { pid, token, started, machine, verb, since };
  } catch {
    return undefined;
  }
};

/** Whether the run that wrote `path` still runs. Within one boot the process is asked; across hosts the file's age decides. */
export const isAlive = async (path: string, holder: RunHolder): Promise<boolean> =>
  holder.machine === (await machineId())
    ? isRunning(holder.pid, holder.started)
    : !(await isOlderThan(path, foreignStaleAfter));

/** Whether that very process runs on this machine, by its number and its start. */
export const isRunning = async (pid: number, start: string): Promise<boolean> => {
  const started = await processStart(pid);
  if (started !== undefined) {
    return started === start;
  }
  try {
    process.kill(pid, 0);
    // Where /proc tells no start, a process with that number has to count as the one.
    return start === '';
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
};

/** Whether a file wasn't written to for so long; one that is gone is old. */
export const isOlderThan = async (path: string, milliseconds: number): Promise<boolean> => {
  try {
    return Date.now() - (await stat(path)).mtimeMs > milliseconds;
  } catch {
    return true;
  }
};

/** The run in words. */
export const describeHolder = (holder: RunHolder | undefined): string =>
  holder === undefined
    ? 'a run that has just begun'
    : `\`${holder.verb}\`, process ${holder.pid} on ${holder.machine.split(' ')[0] ?? '?'}, since ${holder.since}`;

/** Start of a process in clock ticks since boot (field 22 of /proc/PID/stat, proc(5)), or undefined. */
export const processStart = async (pid: number): Promise<string | undefined> => {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
};

/** Host and boot. */
export const machineId = async (): Promise<string> => {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${hostname()} ${boot.trim()}`.trim();
};
