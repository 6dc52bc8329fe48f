import type { FileHandle } from 'node:fs/promises';
import { DepotError } from '../../domain/errors.ts';
import type { HttpAnswer } from '../../net/http.ts';
import { answerFault } from './archive-answer.ts';
import { cutFault, ShortBody } from './cut-body.ts';
import type { Download } from './download-types.ts';
import { fileFault } from '../../files/file-fault.ts';
import { flushBytes } from './gather.ts';
import { readFacts } from './part-facts.ts';
import { writeChunks } from './write-chunks.ts';

/**
 * Writes a body to the end of a part file, from byte `from` on, without ever having more of it in memory than a piece. Resolves
 * with the bytes that the part has then. Throws DepotError, and Transient where the body is cut: then the part has what came.
 */
export async function pour(
  answer: HttpAnswer,
  handle: FileHandle,
  from: number,
  download: Download,
): Promise<number> {
  let size = from;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  // What was announced is forgotten when a part starts again, so that progress never counts a byte twice.
  let counted = 0;
  const flush = async (): Promise<void> => {
    if (pendingBytes === 0) {
      return;
    }
    const chunks = pending;
    const position = size - pendingBytes;
    pending = [];
    pendingBytes = 0;
    try {
      await writeChunks(handle, chunks, position);
    } catch (error) {
      throw fileFault(error, download.part);
    }
  };
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      pendingBytes += chunk.length;
      counted += chunk.length;
      if (size > download.limit) {
        throw answerFault(answer, `the archive is larger than ${download.limit} bytes`);
      }
      pending.push(chunk);
      download.onBytes(chunk.length);
      download.buffers?.received(chunk.length);
      if (pendingBytes >= flushBytes) {
        await flush();
      }
    }
    await flush();
  } catch (error) {
    answer.body.on('error', () => {}).destroy();
    if (error instanceof DepotError) {
      throw error;
    }
    await flush();
    if ((await readFacts(download)) === undefined) {
      download.onBytes(-counted);
    }
    throw cutFault(answer, size, download.signal, error);
  }
  const announced = Number(answer.headers['content-length'] ?? Number.NaN);
  if (size - from < announced) {
    throw cutFault(answer, size, undefined, new ShortBody(size, from + announced));
  }
  return size;
}
