import { createThreadPool } from '../threads/thread-pool.ts';
import type { ContentChecker, ContentFacts, ContentTask } from './content-check.ts';

/** Checks in one worker thread, so that hours of hashing leave the other cores to clients. Started at the first task. */
export const createContentChecker = (threads = 1): ContentChecker => {
  const pool = createThreadPool<ContentTask, ContentFacts>(new URL('./content-worker.js', import.meta.url), {
    threads,
    heapMegabytes: 256,
  });
  return { check: pool.run, close: pool.close };
};
