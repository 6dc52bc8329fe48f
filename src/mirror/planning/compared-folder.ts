import { join } from 'node:path';
import { statOf } from '../../files/place.ts';
import type { Journal } from '../record/journal.ts';
import type { Layout } from '../record/layout.ts';

/** What a plan needs to know of the folder that it is compared with. */
export interface ComparedFolder {
  readonly layout: Layout;
  readonly journal: Journal;
  /** What is kept must have been checked with a signature. */
  readonly requireSignature: boolean;
}

/** `kept` is there and was checked; `present` is there and is checked before it counts; `new` has to be fetched. */
export type FileState = 'new' | 'kept' | 'present';

/** What lies in a folder beside what is wanted. */
export interface Surplus {
  readonly unwanted: readonly UnwantedItem[];
  /** Files that sync never placed here: never touched. */
  readonly foreign: readonly string[];
}

/** A file that sync placed once and that isn't wanted any more. */
export interface UnwantedItem {
  /** As the journal has it. */
  readonly id: string;
  readonly size: number;
}

/**
 * Tells apart what sync placed and what it never did. `files` are those that aren't wanted, in their order; `isLocked` says
 * what the folder's lock file names.
 */
export async function findSurplus(
  files: readonly { readonly id: string; readonly path: string }[],
  isLocked: (id: string) => boolean,
  { layout, journal }: ComparedFolder,
): Promise<Surplus> {
  const unwanted: UnwantedItem[] = [];
  const foreign: string[] = [];
  for (const { id, path } of files) {
    if (!isLocked(id) && !journal.known(id)) {
      foreign.push(path);
      continue;
    }
    // One that was taken away meanwhile is not there to be unwanted.
    const stats = await statOf(join(layout.folder, path));
    if (stats) {
      unwanted.push({ id, size: stats.size });
    }
  }
  return { unwanted, foreign };
}
