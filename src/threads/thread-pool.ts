import { once } from 'node:events';
import type { Piscina } from 'piscina';

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
export function createThreadPool<Task, Found>(worker: URL, bounds: ThreadBounds): ThreadPool<Task, Found> {
  type Pool = Piscina<Task, Found>;
  // Not before there is a pool: it takes 20 ms, which a server without artifacts has no use for. And not later, when the program may
  // have been replaced.
  const library = import('piscina').then((module) => module.Piscina);
  library.catch(() => undefined);
  let pool: Promise<Pool> | undefined;
  const loaded = new Set<number>();
  const faults = new WeakMap<Pool, Error>();
  const forget = (ended: Promise<Pool>): void => {
    pool = pool === ended ? undefined : pool;
  };
  const open = (): Promise<Pool> => {
    const opened = startPool<Task, Found>(library, worker, bounds, loaded, (made, fault) => {
      if (!faults.has(made)) {
        faults.set(made, fault);
        forget(opened);
        void endPool(made, loaded);
      }
    });
    opened.catch(() => forget(opened));
    return opened;
  };
  return {
    run: async (task) => {
      const own = await (pool ??= open());
      try {
        return await own.run(task);
      } catch (error) {
        throw faults.get(own) ?? error;
      }
    },
    close: async () => {
      const ending = pool;
      pool = undefined;
      const own = await ending?.catch(() => undefined);
      if (own) {
        await endPool(own, loaded);
      }
    },
  };
}

async function startPool<Task, Found>(
  library: Promise<typeof Piscina>,
  worker: URL,
  { threads, heapMegabytes }: ThreadBounds,
  loaded: Set<number>,
  onFault: (made: Piscina<Task, Found>, fault: Error) => void,
): Promise<Piscina<Task, Found>> {
  const Pool = await library;
  const made = new Pool<Task, Found>({
    filename: worker.href,
    minThreads: 0,
    maxThreads: threads,
    idleTimeout,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  made.on('workerCreate', ({ id }: { readonly id: number }) => loaded.add(id));
  // Of a thread that ended before it had a task, as where its code is gone. piscina starts no other then, and its tasks would
  // wait for ever; nobody listening would end the process.
  made.on('error', (error: Error) =>
    onFault(made, new Error(`a thread could not be started: ${error.message}`, { cause: error })),
  );
  return made;
}

async function endPool<Task, Found>(pool: Piscina<Task, Found>, loaded: ReadonlySet<number>): Promise<void> {
  await haveLoaded(pool, loaded);
  await pool.destroy();
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
