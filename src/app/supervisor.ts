import type { Worker } from 'node:cluster';
import { DepotError, messageOf } from '../domain/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { ToPrimary, ToWorker } from './messages.ts';

/** Keeps a number of workers alive. */
export interface Supervisor {
  /** The address, when the first worker listens; rejects when it can't. */
  readonly listening: Promise<string>;
  workers(): readonly Worker[];
  /** Tells all, or all but one. */
  tell(message: ToWorker, except?: Worker): void;
  /** Tells all to stop, waits for them, and ends by force what still lives after `limit` milliseconds. */
  stop(limit: number): Promise<void>;
}

/** What a supervisor needs. */
export interface SupervisorOptions {
  readonly count: number;
  readonly log: Log;
  start(): Worker;
  onStart(worker: Worker): void;
  onMessage(worker: Worker, message: ToPrimary): void;
  /** A worker died by itself and is replaced. */
  onDeath(worker: Worker): void;
}

const shortLife = 5000;
const longestPause = 10_000;
const stopAgain = 250;

/** Starts them all at once; one that dies soon after its start, or can't be started, is replaced after longer and longer pauses. */
export function superviseWorkers(options: SupervisorOptions): Supervisor {
  const { count, log, start, onStart, onMessage, onDeath } = options;
  const alive = new Set<Worker>();
  let isStopping = false;
  let deathsInRow = 0;
  let succeed: (url: string) => void;
  let fail: (error: Error) => void;
  const listening = new Promise<string>((resolve, reject) => {
    [succeed, fail] = [resolve, reject];
  });

  const addLater = (): void =>
    void setTimeout(() => isStopping || add(), Math.min(longestPause, 100 * 2 ** deathsInRow));
  /** The machine is short of processes, memory or file handles just now. */
  const startLater = (error: unknown): void => {
    if (isStopping) {
      return;
    }
    deathsInRow += 1;
    log.error(
      { 'event.action': 'worker-not-started' },
      `a worker could not be started and is tried again: ${messageOf(error)}`,
    );
    addLater();
  };

  const add = (): void => {
    let worker: Worker;
    try {
      worker = start();
    } catch (error) {
      startLater(error);
      return;
    }
    const born = performance.now();
    let refusal: DepotError | undefined;
    alive.add(worker);
    worker.on('online', () => onStart(worker));
    worker.on('message', (message: ToPrimary) => {
      if (message.type === 'listening') {
        succeed(message.url);
      } else if (message.type === 'failed') {
        refusal = new DepotError(message.code, message.details);
      }
      // What one says that is dead by now was counted when it died.
      if (alive.has(worker)) {
        onMessage(worker, message);
      }
    });
    worker.on('error', (error) => {
      // A message to one that has just died is no fault of ours; one that never lived has no other end.
      if (worker.process.pid === undefined && alive.delete(worker)) {
        startLater(error);
      }
    });
    worker.on('exit', (code, signal) => {
      alive.delete(worker);
      if (isStopping) {
        return;
      }
      if (refusal) {
        isStopping = true;
        fail(refusal);
        return;
      }
      deathsInRow = performance.now() - born < shortLife ? deathsInRow + 1 : 0;
      log.error(
        { 'event.action': 'worker-died', 'process.pid': worker.process.pid, 'process.exit_code': code },
        `a worker died (${signal || `exit code ${code}`}) and is replaced`,
      );
      onDeath(worker);
      addLater();
    });
  };
  for (let index = 0; index < count; index++) {
    add();
  }

  const tell = (message: ToWorker, except?: Worker): void => {
    for (const worker of alive) {
      if (worker !== except && worker.isConnected()) {
        worker.send(message);
      }
    }
  };
  return {
    listening,
    workers: () => [...alive],
    tell,
    stop: async (limit) => {
      isStopping = true;
      // Not `once` of node:events, which rejects when a last word to one that just ended fails.
      const ends = [...alive].map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
      tell({ type: 'stop' });
      // One that is just starting hears nothing yet, and what is said to it then is lost.
      const again = setInterval(() => tell({ type: 'stop' }), stopAgain);
      const force = setTimeout(() => {
        for (const worker of alive) {
          worker.process.kill('SIGKILL');
        }
      }, limit);
      await Promise.all(ends);
      clearInterval(again);
      clearTimeout(force);
    },
  };
}
