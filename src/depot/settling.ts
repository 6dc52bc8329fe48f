import { rename, type FileHandle } from 'node:fs/promises';
import { discard } from '../files/temporary.ts';
import { diskError } from './disk-error.ts';

/** Files that are synced and get their names in the background. */
export interface Settling {
  /** Takes over the handle. Returns at once, or when there is room for one more. */
  add(handle: FileHandle, temporary: string, target: string): Promise<void>;
  /** Throws the first failure there was. */
  refuseFailed(): void;
  /** Waits for all of them; throws as `refuseFailed`. */
  end(): Promise<void>;
}

const syncsAtOnce = 16;

/** Nothing is on its way yet. */
export const createSettling = (): Settling => {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;

  const settle = async (handle: FileHandle, temporary: string, target: string): Promise<void> => {
    try {
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, target);
    } catch (error) {
      failure ??= { error: diskError(target, error) };
      await discard(temporary);
    }
  };

  const refuseFailed = (): void => {
    if (failure !== undefined) {
      throw failure.error;
    }
  };

  return {
    refuseFailed,
    async add(handle, temporary, target) {
      const settled: Promise<void> = settle(handle, temporary, target).finally(() => running.delete(settled));
      running.add(settled);
      if (running.size >= syncsAtOnce) {
        await Promise.race(running);
      }
    },
    async end() {
      await Promise.all(running);
      refuseFailed();
    },
  };
};
