import { Piscina } from 'piscina';
import type { ContentChecker, ContentFacts, ContentTask } from './content-check.ts';

/** Milliseconds that an idle thread lives on: files come in groups. */
const idleTimeout = 5000;

/** Checks in one worker thread, so that hours of hashing leave the other cores to clients. Started at the first task. */
export const createContentChecker = (threads = 1): ContentChecker => {
  let pool: Piscina<ContentTask, ContentFacts> | undefined;
  return {
    check: (task) => {
      pool ??= new Piscina<ContentTask, ContentFacts>({
        filename: new URL('./content-worker.js', import.meta.url).href,
        minThreads: 0,
        maxThreads: threads,
        idleTimeout,
        resourceLimits: { maxOldGenerationSizeMb: 256 },
      });
      return pool.run(task);
    },
    close: async () => {
      await pool?.destroy();
      pool = undefined;
    },
  };
};
