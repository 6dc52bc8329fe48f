import { rename, unlink } from 'node:fs/promises';
import { errnoOf } from '../../domain/system-error.ts';
import { syncFolder } from '../../files/folder.ts';
import { fileFault } from '../../files/file-fault.ts';
import type { Layout } from '../record/layout.ts';

/** Puts archives that were checked, and are on the disk, into place with their signatures. */
export interface Placing {
  place(id: string, isSigned: boolean): Promise<void>;
}

interface Waiting {
  readonly id: string;
  readonly isSigned: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What comes while others are put into place goes together: a folder is synced once for all of them. Signatures are
 * there first and lastingly, so a server that lists the folder never sees an archive without its own.
 */
export function createPlacing(layout: Layout): Placing {
  let waiting: Waiting[] = [];
  let isBusy = false;
  const run = async (): Promise<void> => {
    isBusy = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await placeAll(batch, layout);
    }
    isBusy = false;
  };
  return {
    place: (id, isSigned) =>
      new Promise((resolve, reject) => {
        waiting.push({ id, isSigned, resolve, reject });
        if (!isBusy) {
          void run();
        }
      }),
  };
}

async function placeAll(batch: readonly Waiting[], layout: Layout): Promise<void> {
  const signed: Waiting[] = [];
  await Promise.all(
    batch.map(async (one) => {
      const target = layout.signature(one.id);
      try {
        if (one.isSigned) {
          await rename(layout.partSignature(one.id), target);
        } else {
          await removeFile(target);
        }
        signed.push(one);
      } catch (error) {
        one.reject(fileFault(error, target));
      }
    }),
  );
  try {
    await syncFolder(layout.folder);
  } catch (error) {
    for (const one of signed) {
      one.reject(fileFault(error, layout.folder));
    }
    return;
  }
  await Promise.all(
    signed.map(async ({ id, resolve, reject }) => {
      try {
        await rename(layout.part(id), layout.archive(id));
        resolve();
      } catch (error) {
        reject(fileFault(error, layout.archive(id)));
      }
    }),
  );
}

/** Deletes a file, where there is one. */
export async function removeFile(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') {
      throw error;
    }
  }
}
