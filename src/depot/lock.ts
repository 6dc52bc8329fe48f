import { randomBytes } from 'node:crypto';
import { link, open, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { diskError } from './disk-error.ts';
import { errnoOf } from '../files/errno.ts';
import { discard } from '../files/temporary.ts';
import { isOlderThan } from '../files/running-process.ts';
import { describeHolder, isAlive, readHolder, thisRun, type RunHolder } from './run-holder.ts';
import { cannotLink } from './snapshot-folder.ts';

// Own code and no package: the kept ones judge a lock by its age alone, so that a run that was killed blocks the next
// for as long as the age says. Here the process itself is asked where it can be, and the age decides only across hosts.

const touchEvery = 20_000;
/** After which a lock that says nothing, or what a killed run left on the way to its lock, counts as left behind. */
const leftAfter = 10_000;

/**
 * Holds a lock file while `work` runs: one holder at a time. `work` is told of the run that was cut while it had the lock
 * before, where there was one. Throws DepotError DEPOT_LOCKED where another one has it.
 */
export const holdingLock = async <T>(
  file: string,
  verb: string,
  now: Date,
  work: (cut: RunHolder | undefined) => Promise<T>,
): Promise<T> => {
  const me = await thisRun(verb, now);
  const cut = await acquire(file, me);
  const touch = setInterval(() => {
    const time = new Date();
    utimes(file, time, time).catch(() => undefined);
  }, touchEvery);
  touch.unref();
  try {
    await sweep(file);
    return await work(cut);
  } finally {
    clearInterval(touch);
    if ((await readHolder(file))?.token === me.token) {
      await rm(file, { force: true });
    }
  }
};

/**
 * Throws DEPOT_LOCKED where a run is at work: also for who only looks, and would see half of what that run does. Returns who
 * has left a lock behind.
 */
export const refuseLocked = async (file: string): Promise<RunHolder | undefined> => {
  const holder = await readHolder(file);
  if (await isHeld(file, holder)) {
    throw lockedBy(file, holder);
  }
  return holder;
};

/** Returns the holder of a lock that was left behind, where there was one. */
const acquire = async (file: string, me: RunHolder): Promise<RunHolder | undefined> => {
  let cut: RunHolder | undefined;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (await place(file, JSON.stringify(me))) {
      return cut;
    }
    const left = await refuseLocked(file);
    await takeAway(file, left);
    cut = left ?? cut;
  }
  throw new DepotError('DEPOT_LOCKED', { path: file, holder: 'another run that came first' });
};

/**
 * Puts the lock there, false where there is one. It is written beside and gets its name by a hard link, so that no kill leaves
 * one without a holder, of which nobody knows whether its run still lives.
 */
const place = async (file: string, text: string): Promise<boolean> => {
  const temporary = besides(file);
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    try {
      await link(temporary, file);
    } catch (error) {
      if (!cannotLink.has(errnoOf(error) ?? '')) {
        throw error;
      }
      await placeWithoutLink(file, text);
    }
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') {
      return false;
    }
    throw diskError(file, error);
  } finally {
    await discard(temporary);
  }
};

const placeWithoutLink = async (file: string, text: string): Promise<void> => {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(text);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
};

/** Removes a lock judged stale, by way of a rename, so that of two runs that judge at once neither removes the other's fresh lock. */
const takeAway = async (file: string, judged: RunHolder | undefined): Promise<void> => {
  const aside = besides(file);
  try {
    await rename(file, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return;
    }
    throw diskError(file, error);
  }
  const taken = await readHolder(aside);
  if (taken !== undefined && taken.token !== judged?.token) {
    await rename(aside, file);
    throw lockedBy(file, taken);
  }
  await rm(aside, { force: true });
};

/** What killed runs left beside the lock. */
const sweep = async (file: string): Promise<void> => {
  const folder = path.dirname(file);
  for (const name of await readdir(folder).catch(() => [])) {
    const left = path.join(folder, name);
    if (
      name.startsWith(`${path.basename(file)}.`) &&
      name.endsWith('.tmp') &&
      !(await isHeld(left, await readHolder(left)))
    ) {
      await discard(left);
    }
  }
};

/** Whether a run is at work that wrote this; of a file without a holder only its age tells. */
const isHeld = async (file: string, holder: RunHolder | undefined): Promise<boolean> =>
  holder === undefined ? !(await isOlderThan(file, leftAfter)) : isAlive(file, holder);

const besides = (file: string): string => `${file}.${randomBytes(6).toString('hex')}.tmp`;

const lockedBy = (file: string, holder: RunHolder | undefined): DepotError =>
  new DepotError('DEPOT_LOCKED', { path: file, holder: describeHolder(holder) });
