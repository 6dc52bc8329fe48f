import { readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isRunning } from './running-process.ts';
import { discard, temporaryBeside, writerOf } from './temporary.ts';

/** Milliseconds after which what a run of another host hasn't touched counts as left behind. */
export const foreignStaleAfter = 120_000;

/** Removes what runs that were killed left in a folder under temporary names, whatever its target was; what a run is writing stays. */
export const discardLeftIn = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder).catch(() => [])) {
    const file = path.join(folder, name);
    if ((await isBeingWritten(file)) === false) {
      await discard(file);
    }
  }
};

/**
 * Whether the run is at work that a temporary name tells of: the process is asked where it can be, else the file's age tells.
 * Undefined for a name that tells of none.
 */
export const isBeingWritten = async (file: string): Promise<boolean | undefined> => {
  const writer = await writerOf(file);
  if (writer === undefined) {
    return undefined;
  }
  return writer.isHere
    ? isRunning(writer.pid, writer.started)
    : !(await isOlderThan(file, foreignStaleAfter));
};

/** Whether a file wasn't written to for so long, by the clock of its own file system; one that is gone is old. */
export const isOlderThan = async (file: string, milliseconds: number): Promise<boolean> => {
  const found = await stat(file).catch(() => undefined);
  return found === undefined || (await timeBeside(file)) - found.mtimeMs > milliseconds;
};

/**
 * The time that a new file gets beside another one: on a share that is its server's, whatever the clocks of the hosts say that work
 * there. Where nothing can be written, this machine's.
 */
const timeBeside = async (file: string): Promise<number> => {
  const probe = await temporaryBeside(file);
  try {
    await writeFile(probe, '', { flag: 'wx' });
    return (await stat(probe)).mtimeMs;
  } catch {
    return Date.now();
  } finally {
    await discard(probe);
  }
};
