import type { HttpAnswer } from '../../net/http.ts';
import { DepotError } from '../../domain/errors.ts';
import { answerFault } from './archive-answer.ts';
import { cutFault, ShortBody } from './cut-body.ts';
import type { Download } from './download-types.ts';
import { readFacts, writeFacts } from './part-facts.ts';
import { startPart, type PartFile, type WrittenFile } from './part-file.ts';

/** Bytes that are gathered before they are written; what a kill can cost. */
export const flushBytes = 1 << 20;

/**
 * Reads a body of `length` bytes into `place`. A long one is written while it comes; what came of it before a cut stays in
 * the part file, to be continued. Resolves when all is in memory, with the writing that goes on. Throws DepotError, and
 * Transient where the body is cut.
 */
export async function gather(
  answer: HttpAnswer,
  place: Buffer,
  length: number,
  download: Download,
): Promise<{ readonly written: Promise<WrittenFile> }> {
  let size = 0;
  let added = 0;
  let part: PartFile | undefined;
  const addNew = (): PartFile => {
    part ??= startPart(download.part);
    part.add(place.subarray(added, size));
    added = size;
    return part;
  };
  const count = (bytes: number): void => {
    size += bytes;
    download.onBytes(bytes);
    if (size - added >= flushBytes && size < length) {
      addNew();
    }
  };
  try {
    if (length > flushBytes) {
      await writeFacts(download, answer, length);
    }
    await (answer.body.readInto?.(place, count) ??
      receiveStream(answer, place, length, (bytes) => {
        count(bytes);
        download.buffers?.received(bytes);
      }));
  } catch (error) {
    answer.body.on('error', () => {}).destroy();
    const isKept = length > flushBytes && !(error instanceof DepotError);
    if (isKept) {
      await addNew().leave();
    } else {
      await part?.leave();
    }
    if (!isKept || (await readFacts(download)) === undefined) {
      download.onBytes(-size);
    }
    if (error instanceof DepotError) {
      throw error;
    }
    throw cutFault(answer, size, download.signal, error);
  }
  const written = addNew().finish();
  // Whoever waits for it is told.
  written.catch(() => {});
  return { written };
}

function receiveStream(
  answer: HttpAnswer,
  place: Buffer,
  length: number,
  count: (bytes: number) => void,
): Promise<void> {
  const { body } = answer;
  let size = 0;
  return new Promise<void>((resolve, reject) => {
    if (body.destroyed) {
      reject(body.errored ?? new Error('the body was closed'));
      return;
    }
    body.on('data', (chunk: Buffer) => {
      if (size + chunk.length > length) {
        reject(answerFault(answer, `more came than the ${length} bytes that were announced`));
        return;
      }
      size += chunk.copy(place, size);
      count(chunk.length);
    });
    body.once('end', () => {
      if (size < length) {
        reject(new ShortBody(size, length));
      } else {
        resolve();
      }
    });
    body.once('error', reject);
    body.once('close', () => reject(new Error('the body was closed')));
  });
}
