import { link, open, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../domain/system-error.ts';
import { cannotLink } from './errno.ts';
import { discardLeftIn, foreignStaleAfter, isOlderThan } from './left-behind.ts';
import { describeHolder, isHere, readHolder, thisRun, type RunHolder } from './run-holder.ts';
import { isRunning } from './running-process.ts';
import { discard, temporaryBeside } from './temporary.ts';

// Own code and no package: the kept ones judge a lock by its age alone, so that a run that was killed blocks the next
// for as long as the age says. Here the process itself is asked where it can be, and the age decides only across hosts.

const touchEvery = 20_000;
/** After which a lock that says nothing counts as left behind. */
const leftAfter = 10_000;

/** A lock file. */
export interface RunLock {
  readonly file: string;
  /** What is thrown where another run has it, with that run in words. */
  readonly refusal: (holder: string) => Error;
  /** An error of the file system as one for people. */
  readonly fault: (error: unknown) => unknown;
}

/**
 * Holds a lock while `work` runs: one holder at a time. `verb` tells others who is at it; `work` is told of the run that was cut
 * while it had the lock before, where there was one. Throws the lock's refusal, and its fault.
 */
export const holdingLock = async <T>(
  lock: RunLock,
  verb: string,
  now: Date,
  work: (cut: RunHolder | undefined) => Promise<T>,
): Promise<T> => {
  const { file } = lock;
  const me = await thisRun(verb, now);
  const cut = await acquire(lock, me);
  const touch = setInterval(() => void showLife(file, me), touchEvery);
  touch.unref();
  try {
    await discardLeftIn(path.dirname(file));
    return await work(cut);
  } finally {
    clearInterval(touch);
    if ((await readHolder(file))?.token === me.token) {
      await rm(file, { force: true });
    }
  }
};

/**
 * Throws the lock's refusal where a run is at work: also for who only looks, and would see half of what that run does. Returns who
 * has left a lock behind.
 */
export const refuseLocked = async ({ file, refusal }: RunLock): Promise<RunHolder | undefined> => {
  const holder = await readHolder(file);
  if (await isHeld(file, holder)) {
    throw refusal(describeHolder(holder));
  }
  return holder;
};

/** Written anew with the same words, so that its time is that of the folder's own clock, which all hosts see. */
const showLife = async (file: string, me: RunHolder): Promise<void> => {
  if ((await readHolder(file))?.token === me.token) {
    const handle = await open(file, 'r+').catch(() => undefined);
    await handle?.write(JSON.stringify(me), 0).catch(() => undefined);
    await handle?.close();
  }
};

/** Returns the holder of a lock that was left behind, where there was one. */
const acquire = async (lock: RunLock, me: RunHolder): Promise<RunHolder | undefined> => {
  let cut: RunHolder | undefined;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (await place(lock, JSON.stringify(me))) {
      return cut;
    }
    const left = await refuseLocked(lock);
    await takeAway(lock, left);
    cut = left ?? cut;
  }
  throw lock.refusal('another run that came first');
};

/**
 * Puts the lock there, false where there is one. It is written beside and gets its name by a hard link, so that no kill leaves
 * one without a holder, of which nobody knows whether its run still lives.
 */
const place = async ({ file, fault }: RunLock, text: string): Promise<boolean> => {
  const temporary = await temporaryBeside(file);
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    try {
      await link(temporary, file);
    } catch (error) {
      if (!cannotLink(error)) {
        throw error;
      }
      await placeWithoutLink(file, text);
    }
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') {
      return false;
    }
    throw fault(error);
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
const takeAway = async ({ file, refusal, fault }: RunLock, judged: RunHolder | undefined): Promise<void> => {
  const aside = await temporaryBeside(file);
  try {
    await rename(file, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return;
    }
    throw fault(error);
  }
  const taken = await readHolder(aside);
  if (taken !== undefined && taken.token !== judged?.token) {
    await rename(aside, file);
    throw refusal(describeHolder(taken));
  }
  await rm(aside, { force: true });
};

/** Whether a run is at work that wrote this: the process is asked where it can be, else the file's age tells. */
const isHeld = async (file: string, holder: RunHolder | undefined): Promise<boolean> => {
  if (holder !== undefined && (await isHere(holder))) {
    return isRunning(holder.pid, holder.started);
  }
  return !(await isOlderThan(file, holder === undefined ? leftAfter : foreignStaleAfter));
};
