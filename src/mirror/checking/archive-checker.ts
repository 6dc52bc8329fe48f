import { Worker } from 'node:worker_threads';
import { DepotError } from '../../domain/errors.ts';
import type { SignatureVerdict } from '../../signing/signature.ts';
import type { ArchiveTask, CheckLimits } from './archive-check.ts';
import type { CheckAnswer, CheckOrder, CheckSetting } from './archive-worker.ts';
import type { BodyMemory, Place } from '../transfer/body-memory.ts';

/** What a check found of a good archive. */
export interface CheckedArchive {
  readonly sha256: string;
  readonly size: number;
  /** Of the signature that was handed over. */
  readonly signature?: SignatureVerdict;
}

/** An archive to check. */
export interface CheckRequest {
  readonly file: string;
  readonly name: string;
  readonly version: string;
  readonly signature?: string;
  /** The archive is in this place in memory, where it has to stay until it was checked. */
  readonly body?: Place;
}

/** Checks archives and signatures off the main thread. */
export interface ArchiveChecker {
  /** Throws DepotError ARCHIVE_MISMATCH for an archive that isn't whole or isn't the one that was asked for. */
  check(request: CheckRequest): Promise<CheckedArchive>;
  /** Starts the threads before the first check does. */
  start(): void;
  /** Ends the threads, whatever they do. */
  close(): Promise<void>;
}

interface Pending {
  readonly resolve: (answer: CheckAnswer) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly pending: Map<number, Pending>;
  /** Resolves when its code is loaded, or it has ended. */
  readonly loaded: Promise<unknown>;
}

/** Checks in `threads` workers, which are started when they are first needed. They trust the given armored public keys. */
export function createArchiveChecker(
  threads: number,
  limits: CheckLimits,
  armoredKeys: readonly string[],
  memory: BodyMemory,
): ArchiveChecker {
  const running = new Set<Thread>();
  let last = 0;
  const start = (): Thread => {
    const setting = { keys: armoredKeys, shared: memory.shared };
    const thread = startThread(setting, () => running.delete(thread));
    running.add(thread);
    return thread;
  };
  const startAll = (): void => {
    while (running.size < threads) {
      start();
    }
  };
  const ask = (task: ArchiveTask, { body }: CheckRequest): Promise<CheckAnswer> => {
    startAll();
    const [first = start(), ...others] = running;
    const thread = others.reduce((best, one) => (one.pending.size < best.pending.size ? one : best), first);
    const number = ++last;
    const order: CheckOrder = {
      number,
      task,
      ...(body ? { body: { offset: body.offset, size: body.bytes.length } } : {}),
    };
    return new Promise((resolve, reject) => {
      thread.pending.set(number, { resolve, reject });
      thread.worker.postMessage(order, []);
    });
  };
  return {
    async check(request) {
      const { file, name, version, signature } = request;
      const task = { file, name, version, limits, ...(signature === undefined ? {} : { signature }) };
      const { verdict } = await ask(task, request);
      if (verdict.ok) {
        return verdict;
      }
      throw new DepotError('ARCHIVE_MISMATCH', { file: `${name}-${version}.zip`, reason: verdict.reason });
    },
    start: startAll,
    async close() {
      const threadsToEnd = [...running];
      running.clear();
      // Node 20 aborts the whole process where a thread is ended while it loads modules.
      await Promise.all(threadsToEnd.map(({ worker, loaded }) => loaded.then(() => worker.terminate())));
    },
  };
}

/** `onEnd` is called where it has failed or ended; who waits for an answer of it is told. */
function startThread(setting: CheckSetting, onEnd: () => void): Thread {
  // Built code is .js; Node versions that strip types run the .ts as it is.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./archive-worker.${extension}`, import.meta.url), {
    workerData: setting,
    // Archives are outside the JavaScript heap; this bounds what a thread keeps beside them.
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 },
  });
  const pending = new Map<number, Pending>();
  const loaded = new Promise((resolve) => {
    worker.once('message', resolve).once('exit', resolve);
  });
  const fail = (error: Error): void => {
    onEnd();
    for (const { reject } of pending.values()) {
      reject(error);
    }
    pending.clear();
  };
  worker.on('message', (answer: CheckAnswer | 'loaded') => {
    if (answer === 'loaded') {
      return;
    }
    pending.get(answer.number)?.resolve(answer);
    pending.delete(answer.number);
  });
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('the thread that checks archives has ended')));
  return { worker, pending, loaded };
}
