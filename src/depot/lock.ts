import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { DepotError } from '../domain/errors.ts';
import { diskError, errnoOf } from './durable-file.ts';

// Own code and no package: the kept ones judge a lock by its age alone, so that a run that was killed blocks the next
// for as long as the age says. Here the process itself is asked where it can be, and the age decides only across hosts.

/** Milliseconds after which a lock of another host that was not touched counts as left behind. */
const foreignStaleAfter = 120_000;
const touchEvery = 20_000;

interface Holder {
  readonly pid: number;
  /** The process's start as the kernel counts it: tells a process from a later one with the same number. */
  readonly started: string;
  /** Host and boot; a pid means something only within the same one. */
  readonly machine: string;
  readonly verb: string;
  readonly since: string;
  readonly token: string;
}

/** Holds a lock file while `work` runs: one holder at a time. Throws DepotError DEPOT_LOCKED where another one has it. */
export const holdingLock = async <T>(
  path: string,
  verb: string,
  now: Date,
  work: () => Promise<T>,
): Promise<T> => {
  const me: Holder = {
    pid: process.pid,
    started: (await processStart(process.pid)) ?? '',
    machine: await machineId(),
    verb,
    since: now.toISOString(),
    token: randomBytes(8).toString('hex'),
  };
  await acquire(path, me);
  const touch = setInterval(() => {
    const time = new Date();
    utimes(path, time, time).catch(() => undefined);
  }, touchEvery);
  touch.unref();
  try {
    return await work();
  } finally {
    clearInterval(touch);
    if ((await readHolder(path))?.token === me.token) {
      await rm(path, { force: true });
    }
  }
};

const acquire = async (path: string, me: Holder): Promise<void> => {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      const handle = await open(path, 'wx');
      try {
        await handle.writeFile(JSON.stringify(me));
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      } finally {
        await handle.close();
      }
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') {
        throw diskError(path, error);
      }
    }
    const holder = await readHolder(path);
    if (holder === undefined ? !(await isOlderThan(path, 10_000)) : await isAlive(path, holder)) {
      throw new DepotError('DEPOT_LOCKED', { path, holder: describe(holder) });
    }
    await takeAway(path, holder);
  }
  throw new DepotError('DEPOT_LOCKED', { path, holder: 'another run that came first' });
};

/** Removes a lock judged stale, by way of a rename, so that of two runs that judge at once neither removes the other's fresh lock. */
const takeAway = async (path: string, judged: Holder | undefined): Promise<void> => {
  const aside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return;
    }
    throw diskError(path, error);
  }
  const taken = await readHolder(aside);
  if (taken !== undefined && taken.token !== judged?.token) {
    await rename(aside, path);
    throw new DepotError('DEPOT_LOCKED', { path, holder: describe(taken) });
  }
  await rm(aside, { force: true });
};

const isAlive = async (path: string, holder: Holder): Promise<boolean> => {
  if (holder.machine !== (await machineId())) {
    return !(await isOlderThan(path, foreignStaleAfter));
  }
  const started = await processStart(holder.pid);
  if (started !== undefined) {
    return started === holder.started;
  }
  try {
    process.kill(holder.pid, 0);
    // Where /proc tells no start, a process with that number has to count as the holder.
    return holder.started === '';
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
};

const isOlderThan = async (path: string, milliseconds: number): Promise<boolean> => {
  try {
    return Date.now() - (await stat(path)).mtimeMs > milliseconds;
  } catch {
    return true;
  }
};

const readHolder = async (path: string): Promise<Holder | undefined> => {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder> | null;
    if (typeof value?.pid !== 'number' || value.pid <= 0 || typeof value.token !== 'string') {
      return undefined;
    }
    const { pid, token, started = '', machine = '', verb = 'a run', since = '' } = value;
    return { pid, token, started, machine, verb, since };
  } catch {
    return undefined;
  }
};

/** Start of a process in clock ticks since boot (field 22 of /proc/PID/stat, proc(5)), or undefined. */
const processStart = async (pid: number): Promise<string | undefined> => {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
};

const machineId = async (): Promise<string> => {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${hostname()} ${boot.trim()}`.trim();
};

const describe = (holder: Holder | undefined): string =>
  holder === undefined
    ? 'a run that has just begun'
    : `\`${holder.verb}\`, process ${holder.pid} on ${holder.machine.split(' ')[0] ?? '?'}, since ${holder.since}`;
