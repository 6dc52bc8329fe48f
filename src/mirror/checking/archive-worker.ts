import { parentPort, workerData } from 'node:worker_threads';
import type { ArchiveTask, ArchiveVerdict } from './archive-check.ts';
import { checkArchive, createCheckMemory } from './archive-check.ts';
import { loadOpenpgp } from '../../signing/openpgp.ts';

/** What a thread is started with. */
export interface CheckSetting {
  /** Armored. */
  readonly keys: readonly string[];
  /** Where the bodies of orders are. */
  readonly shared: SharedArrayBuffer;
}

/** One archive to check; sent to the thread. */
export interface CheckOrder {
  readonly number: number;
  readonly task: ArchiveTask;
  /** Where the archive is in the shared memory; absent where it is in the task's file. */
  readonly body?: { readonly offset: number; readonly size: number };
}

/** The first message of a thread is `loaded`; then come these, one for each order. */
export interface CheckAnswer {
  readonly number: number;
  readonly verdict: ArchiveVerdict;
}

const port = parentPort;
if (!port) {
  throw new Error('this is the code of a worker thread');
}

// One per worker thread, gone with it.
const { keys, shared } = workerData as CheckSetting;
const memory = createCheckMemory(keys);

async function carryOut({ number, task, body }: CheckOrder): Promise<CheckAnswer> {
  const content = body && Buffer.from(shared, body.offset, body.size);
  return { number, verdict: await checkArchive(task, memory, content) };
}

// One archive after the other.
let checking: Promise<unknown> = Promise.resolve();
port.on('message', (order: CheckOrder) => {
  checking = checking.then(() => carryOut(order)).then((answer) => port.postMessage(answer));
});
if (keys.length > 0) {
  // The first signature doesn't wait for it then.
  await loadOpenpgp();
}
port.postMessage('loaded');
