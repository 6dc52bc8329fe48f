import { once } from 'node:events';
import { Piscina } from 'piscina';

/** Worker threads that start with the first task. */
export interface ThreadPool<Task, Found> {
  /** Rejects with what the task throws, where the pool is closed before its end, and where no thread can load its code. */
  run(task: Task): Promise<Found>;
  /** Ends the threads, whatever they do; a later task starts new ones. */
  close(): Promise<void>;
}

/** Bounds of a pool. */
export interface ThreadBounds {
  /** At most so many at once. */
  readonly threads: number;
  /** Megabytes of JavaScript heap for each; a task that needs more rejects with ERR_WORKER_OUT_OF_MEMORY. */
  readonly heapMegabytes: number;
}

/** Milliseconds that an idle thread lives on: files come in groups. */
const idleTimeout = 5000;

/** Milliseconds that a thread may take to load its code before it is ended all the same. */
const patience = 10_000;

/** `worker` is the module whose default export does a task. */
export function createThreadPool<Task, Found>(
  worker: URL,
  { threads, heapMegabytes }: ThreadBounds,
): ThreadPool<Task, Found> {
  let pool: Piscina<Task, Found> | undefined;
  const loaded = new Set<number>();
  const faults = new WeakMap<Piscina<Task, Found>, Error>();
  const end = async (ending: Piscina<Task, Found>): Promise<void> => {
    if (pool === ending) {
      pool = undefined;
    }
    await haveLoaded(ending, loaded);
    await ending.destroy();
  };
  const start = (): Piscina<Task, Found> => {
    const made = new Piscina<Task, Found>({
      filename: worker.href,
      minThreads: 0,
      maxThreads: threads,
      idleTimeout,
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    });
    made.on('workerCreate', ({ id }: { readonly id: number }) => loaded.add(id));
    // Of a thread that ended before it had a task, as where its code is gone. piscina starts no other then, and its tasks would
    // wait for ever; nobody listening would end the process.
    made.on('error', (error: Error) => {
      if (!faults.has(made)) {
        faults.set(made, new Error(`a thread could not be started: ${error.message}`, { cause: error }));
        void end(made);
      }
    });
    return made;
  };
  return {
    run: async (task) => {
      const own = (pool ??= start());
      try {
        return await own.run(task);
      } catch (error) {
        throw faults.get(own) ?? error;
      }
    },
    close: async () => {
      if (pool) {
        await end(pool);
      }
    },
  };
}

/**
 * Node 20 aborts the whole process where a thread is ended while it loads modules, so each is let come to its end. A thread
 * without a task doesn't keep the process alive, and neither would a signal with a timeout; the timer does, for as long.
 */
async function haveLoaded<Task, Found>(
  pool: Piscina<Task, Found>,
  loaded: ReadonlySet<number>,
): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), patience);
  const { signal } = late;
  const isLoading = (): boolean => pool.threads.some(({ threadId }) => threadId > 0 && !loaded.has(threadId));
  while (isLoading() && !signal.aborted) {
    await once(pool, 'workerCreate', { signal }).catch(() => undefined);
  }
  clearTimeout(timer);
}
