import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { errnoOf } from '../domain/system-error.ts';

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
