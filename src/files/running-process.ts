import { randomBytes } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { errnoOf } from '../domain/system-error.ts';

/** Milliseconds after which what a run of another host hasn't touched counts as left behind. */
export const foreignStaleAfter = 120_000;

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

/** Whether a file wasn't written to for so long, by the clock of its own file system; one that is gone is old. */
export const isOlderThan = async (path: string, milliseconds: number): Promise<boolean> => {
  const found = await stat(path).catch(() => undefined);
  return found === undefined || (await timeAt(dirname(path))) - found.mtimeMs > milliseconds;
};

/**
 * The time that a new file gets in a folder: of a share that is its server's, whatever the clocks of the hosts say that work there.
 * Where nothing can be written, this machine's.
 */
const timeAt = async (folder: string): Promise<number> => {
  const probe = join(folder, `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeFile(probe, '', { flag: 'wx' });
    return (await stat(probe)).mtimeMs;
  } catch {
    return Date.now();
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
};

/** Start of a process in clock ticks since boot (field 22 of /proc/PID/stat, proc(5)), or undefined. */
export const processStart = async (pid: number): Promise<string | undefined> => {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
};

/** Host and boot: a process's number means something only within the same one. */
export const machineId = async (): Promise<string> => {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${hostname()} ${boot.trim()}`.trim();
};
