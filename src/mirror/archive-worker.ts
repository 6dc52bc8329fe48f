import { workerData } from 'piscina';
import type { ArchiveTask, ArchiveVerdict } from './archive-check.ts';
import { checkArchive, createCheckMemory } from './archive-check.ts';

// One per worker thread, gone with it. Piscina gives a thread its next task when the last is done.
const memory = createCheckMemory(workerData as readonly string[]);

/** What a worker thread does; piscina calls it with one task at a time. */
export const checkTask = (task: ArchiveTask): Promise<ArchiveVerdict> => checkArchive(task, memory);
