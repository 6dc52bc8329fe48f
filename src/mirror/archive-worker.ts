import type { ArchiveTask, ArchiveVerdict, KnownPieces } from './archive-check.ts';
import { checkArchive } from './archive-check.ts';

// One per worker thread, gone with it: a cache of what this thread found good.
const known: KnownPieces = new Set();

/** What a worker thread does; piscina calls it with one task at a time. */
export const checkTask = (task: ArchiveTask): Promise<ArchiveVerdict> => checkArchive(task, known);
