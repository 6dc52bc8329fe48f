import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { machineId, processStart } from './running-process.ts';

/** The run that holds a lock: what a lock file has in it, as JSON. */
export interface RunHolder {
  readonly pid: number;
  /** The process's start as the kernel counts it: tells a process from a later one with the same number. */
  readonly started: string;
  /** Host and boot; a pid means something only within the same one. */
  readonly machine: string;
  /** The host alone: what the first versions wrote for a run of sync, and know one by. */
  readonly host: string;
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
  host: hostname(),
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
    const { pid, token, started = '', host = '', verb = 'a run', since = '' } = value;
    // Without the boot, the process's start has to tell it from one of an earlier boot with its number.
    const { machine = host === hostname() ? await machineId() : host } = value;
    return { pid, token, started, machine, host, verb, since };
  } catch {
    return undefined;
  }
};

/** Whether it is, or was, a run of this boot of this host, whose process can be asked. */
export const isHere = async ({ machine }: RunHolder): Promise<boolean> => machine === (await machineId());

/** The run in words. */
export const describeHolder = (holder: RunHolder | undefined): string =>
  holder === undefined
    ? 'a run that has just begun'
    : `\`${holder.verb}\`, process ${holder.pid} on ${holder.machine.split(' ')[0] ?? '?'}, since ${holder.since}`;
