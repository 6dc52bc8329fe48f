import { close, closeSync, constants, fstatSync, fsync, openSync, statSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../domain/errors.ts';
import type { ArchiveTask, ArchiveVerdict } from './archive-check.ts';
import { checkArchive, createCheckMemory } from './archive-check.ts';

/** What a thread is started with. */
export interface CheckSetting {
  /** Armored. */
  readonly keys: readonly string[];
  /** Where the bodies of orders are. */
  readonly shared: SharedArrayBuffer;
}

/** What is written of a good archive, as plain data. */
export interface OrderWriting {
  /** Where its signature goes, and the text. */
  readonly signature?: { readonly file: string; readonly text: string };
}

/** One archive to check; sent to the thread. */
export interface CheckOrder {
  readonly number: number;
  readonly task: ArchiveTask;
  /** Where the archive is in the shared memory; absent where it is in the task's file. */
  readonly body?: { readonly offset: number; readonly size: number };
  readonly writing?: OrderWriting;
}

export interface CheckAnswer {
  readonly number: number;
  readonly verdict: ArchiveVerdict;
  /** Of the archive's file. */
  readonly written?: { readonly mtimeMs: number; readonly ino: number };
  /** What went wrong with a file. */
  readonly fault?: { readonly code: string; readonly message: string; readonly file: string };
}

const port = parentPort;
if (!port) {
  throw new Error('this is the code of a worker thread');
}

// One per worker thread, gone with it.
const { keys, shared } = workerData as CheckSetting;
const memory = createCheckMemory(keys);
const syncLater = promisify(fsync);
const closeLater = promisify(close);

// One archive after the other is checked and written; meanwhile the disk takes what was written before.
let checking: Promise<unknown> = Promise.resolve();
port.on('message', (order: CheckOrder) => {
  checking = checking.then(() => carryOut(order));
});

async function carryOut({ number, task, body, writing }: CheckOrder): Promise<void> {
  const content = body && Buffer.from(shared, body.offset, body.size);
  const verdict = await checkArchive(task, memory, content);
  let answer: CheckAnswer = { number, verdict };
  const open: number[] = [];
  let file = task.file;
  try {
    if (verdict.ok) {
      const descriptor = content && writing ? writeFile(file, content) : undefined;
      const { mtimeMs, ino } = descriptor === undefined ? statSync(file) : fstatSync(descriptor);
      answer = { ...answer, written: { mtimeMs, ino } };
      open.push(...(descriptor === undefined ? [] : [descriptor]));
      if (writing?.signature) {
        file = writing.signature.file;
        open.push(writeFile(file, Buffer.from(writing.signature.text)));
      }
    }
  } catch (error) {
    answer = { ...answer, fault: describe(error, file) };
  }
  void settle(answer, open, file);
}

async function settle(answer: CheckAnswer, open: readonly number[], file: string): Promise<void> {
  let settled = answer;
  for (const result of await Promise.allSettled(open.map((descriptor) => syncLater(descriptor)))) {
    if (result.status === 'rejected') {
      settled = { ...settled, fault: describe(result.reason, file) };
    }
  }
  await Promise.allSettled(open.map((descriptor) => closeLater(descriptor)));
  port?.postMessage(settled);
}

function writeFile(file: string, content: Buffer): number {
  const descriptor = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o644);
  try {
    for (let at = 0; at < content.length;) {
      at += writeSync(descriptor, content, at, content.length - at, at);
    }
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function describe(error: unknown, file: string): NonNullable<CheckAnswer['fault']> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
  return { code, message: messageOf(error), file };
}
