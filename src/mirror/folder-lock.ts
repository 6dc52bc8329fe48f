import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { DepotError } from '../domain/errors.ts';
import { fileFault } from '../files/file-fault.ts';

interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
  /** Start of the process in clock ticks, where /proc tells it: a number used again isn't the same process. */
  readonly started: string;
  readonly token: string;
}

/** Milliseconds between two signs of life, and without one until a lock counts as left behind. */
const lifeSign = 60_000;
const leftBehind = 10 * lifeSign;

/**
 * Takes the folder for this process; the returned function lets it go. A lock whose process is gone is taken over. Of another
 * host's process, such as that of a container which is no more, nobody here can tell: its lock is when it has given no sign of life
 * for ten minutes. One that can't be read, as after a power cut, shows none: it counts for one. Throws DepotError FOLDER_BUSY.
 */
export async function lockFolder(folder: string, file: string): Promise<() => Promise<void>> {
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
    started: startOf(process.pid),
    token: randomUUID(),
  };
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await create(file, owner)) {
      const timer = setInterval(() => void showLife(file, owner), lifeSign);
      timer.unref();
      return async () => {
        clearInterval(timer);
        if ((await readOwner(file))?.token === owner.token) {
          await unlink(file).catch(() => {});
        }
      };
    }
    const other = await readOwner(file);
    const isDead =
      other?.host === hostname() ? !isAlive(other) : await isLeftBehind(file, other ? leftBehind : lifeSign);
    if (!isDead) {
      throw busy(folder, file, other);
    }
    await setAside(file, other);
  }
  throw busy(folder, file, await readOwner(file));
}

async function create(file: string, owner: Owner): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o644);
    try {
      await handle.writeFile(`${JSON.stringify(owner)}\n`);
    } catch (error) {
      // On a full disk: it would keep the next run from the folder.
      await unlink(file).catch(() => {});
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      return false;
    }
    throw fileFault(error, file);
  }
}

/** Removes a dead owner's lock. Renamed first: of two who do so at once, one finds the other's new lock and puts it back. */
async function setAside(file: string, dead: Owner | undefined): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  if ((await readOwner(aside))?.token === dead?.token) {
    await unlink(aside).catch(() => {});
  } else {
    await rename(aside, file).catch(() => {});
  }
}

async function readOwner(file: string): Promise<Owner | undefined> {
  // A lock that another process is just writing is empty for a moment.
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      const owner = JSON.parse(await readFile(file, 'utf8')) as Partial<Owner> | null;
      if (typeof owner?.pid === 'number' && typeof owner.host === 'string') {
        return owner as Owner;
      }
      return undefined;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return undefined;
}

/** Written anew with the same words, so that its time is that of the folder's own clock, which all hosts see. */
async function showLife(file: string, owner: Owner): Promise<void> {
  if ((await readOwner(file))?.token === owner.token) {
    const handle = await open(file, 'r+').catch(() => undefined);
    await handle?.write(`${JSON.stringify(owner)}\n`, 0).catch(() => {});
    await handle?.close();
  }
}

async function isLeftBehind(file: string, patience: number): Promise<boolean> {
  const probe = `${file}.${randomUUID()}`;
  try {
    await (await open(probe, 'wx')).close();
    const [now, then] = await Promise.all([stat(probe), stat(file)]);
    return now.mtimeMs - then.mtimeMs > patience;
  } catch {
    return false;
  } finally {
    await unlink(probe).catch(() => {});
  }
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return owner.started === startOf(owner.pid);
}

function startOf(pid: number): string {
  try {
    // Field 22 of /proc/PID/stat; the command's name before it may hold spaces and parentheses (proc(5)).
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

const busy = (folder: string, file: string, owner: Owner | undefined): DepotError =>
  new DepotError('FOLDER_BUSY', {
    folder,
    file,
    pid: owner?.pid ?? 'unknown',
    host: owner?.host ?? 'unknown',
    since: owner?.since ?? 'unknown',
  });
