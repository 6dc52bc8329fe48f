import { close, closeSync, constants, fstatSync, fsync, openSync, statSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../domain/errors.ts';
import type { ArchiveTask, ArchiveVerdict } from './archive-check.ts';
import { checkArchive, createCheckMemory } from './archive-check.ts';

/** What is written of a good archive, as plain data. */
export interface OrderWriting {
  /** Where its signature goes, and the text. */
  readonly signature?: { readonly file: string; readonly text: string };
}

/** One archive to check; sent to the thread. */
export interface CheckOrder {
  readonly number: number;
  readonly task: ArchiveTask;
  /** The archive, moved to the thread; absent where it is in the task's file. */
  readonly body?: { readonly place: ArrayBuffer; readonly size: number };
  readonly writing?: OrderWriting;
}

export interface CheckAnswer {
  readonly number: number;
  readonly verdict: ArchiveVerdict;
  /** The place that came with the order, moved back. */
  readonly place?: ArrayBuffer;
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
const memory = createCheckMemory(workerData as readonly string[]);
const syncLater = promisify(fsync);
const closeLater = promisify(close);

// One archive after the other is checked and written; meanwhile the disk takes what was written before.
let checking: Promise<unknown> = Promise.resolve();
port.on('message', (order: CheckOrder) => {
  checking = checking.then(() => carryOut(order));
});

async function carryOut({ number, task, body, writing }: CheckOrder): Promise<void> {
  const content = body && Buffer.from(body.place, 0, body.size);
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
  void settle(answer, open, file, body?.place);
}

async function settle(
  answer: CheckAnswer,
  open: readonly number[],
  file: string,
  place: ArrayBuffer | undefined,
): Promise<void> {
  let settled = answer;
  for (const result of await Promise.allSettled(open.map((descriptor) => syncLater(descriptor)))) {
    if (result.status === 'rejected') {
      settled = { ...settled, fault: describe(result.reason, file) };
    }
  }
  await Promise.allSettled(open.map((descriptor) => closeLater(descriptor)));
  port?.postMessage(place ? { ...settled, place } : settled, place ? [place] : []);
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
