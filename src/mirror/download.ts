import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, stat, unlink, writeFile } from 'node:fs/promises';
import { DepotError } from '../domain/errors.ts';
import type { HttpAnswer, HttpClient } from '../net/http.ts';
import { dismiss, Transient } from '../net/http.ts';
import type { RetryPolicy } from '../net/retry.ts';
import { withRetries } from '../net/retry.ts';
import type { HostPolicy } from '../net/upstream-hosts.ts';
import { requestWithin } from '../net/upstream-hosts.ts';
import { answerFault, placeOfBody } from './archive-answer.ts';
import type { BodyMemory, Place } from './body-memory.ts';
import { fileFault } from './file-fault.ts';
import { readFacts, writeFacts } from './part-facts.ts';
import { writeChunks } from './write-chunks.ts';

export interface Download {
  readonly url: URL;
  /** Where the bytes grow. */
  readonly part: string;
  /** What the part is of; only with it can a part be continued. */
  readonly facts: string;
  /** False where it is certain that no earlier run left a part. */
  readonly mayResume: boolean;
  /** Largest body that is taken, in bytes. */
  readonly limit: number;
  /** Called with the bytes that were added; negative when a part starts again. */
  /** Where small bodies are gathered; they are written when they were checked. */
  readonly memory?: BodyMemory;
  readonly onBytes: (count: number) => void;
  readonly signal?: AbortSignal;
}

export interface DownloadSettings {
  readonly client: HttpClient;
  readonly policy: HostPolicy;
  readonly retry: RetryPolicy;
}

/** A body that came whole: in its part file, on the disk, or in a place in memory that has to be given back. */
export interface Downloaded {
  readonly size: number;
  readonly place?: Place;
}

/** Bytes that are gathered before they are written; what a kill can cost. */
export const flushBytes = 1 << 20;
/** A new try that brought this much counts as progress: the attempts start again. */
const progressBytes = 64 * 1024;

/**
 * Brings one body into memory, or into a part file that is synced to disk; continues what an earlier run left. Throws DepotError when attempts are used up or the answer can't be an archive.
 */
export function downloadPart(download: Download, settings: DownloadSettings): Promise<Downloaded> {
  let isFirst = true;
  return withRetries(settings.retry, download.signal, (progressed) => {
    const fresh = isFirst && !download.mayResume;
    isFirst = false;
    return attempt(download, fresh, settings, progressed);
  });
}

async function attempt(
  download: Download,
  fresh: boolean,
  settings: DownloadSettings,
  progressed: () => void,
): Promise<Downloaded> {
  const { url, part, signal } = download;
  const have = fresh ? 0 : ((await stat(part).catch(() => undefined))?.size ?? 0);
  const facts = have > 0 ? await readFacts(download) : undefined;
  if (facts && have === facts.total) {
    return { size: have };
  }
  const resume = facts !== undefined && have < facts.total;
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (resume) {
    Object.assign(headers, { range: `bytes=${have}-`, 'if-range': facts.validator });
  }
  const answer = await requestWithin(
    settings.client,
    { url, headers, isFile: true, ...(signal ? { signal } : {}) },
    settings.policy,
  );
  const from = placeOfBody(answer, resume ? { have, total: facts.total } : undefined);
  if (from === undefined) {
    await unlink(part).catch(() => {});
    throw new Transient(answerFault(answer, 'the server continued at another place'));
  }
  const length = Number(answer.headers['content-length'] ?? Number.NaN);
  if (from + length > download.limit) {
    dismiss(answer);
    throw answerFault(answer, `the archive has ${from + length} bytes, the limit is ${download.limit}`);
  }
  const { memory } = download;
  // A cut while room is waited for is met by whoever reads the body then.
  answer.body.on('error', () => {});
  const place = from === 0 && length >= 0 ? await memory?.take(length) : undefined;
  if (place) {
    try {
      const size = await gather(answer, place.bytes, length, download, progressed);
      place.filled();
      return { size, place };
    } catch (error) {
      place.give();
      throw error;
    }
  }
  let handle: FileHandle;
  try {
    handle = await open(
      part,
      from > 0 ? constants.O_WRONLY : constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
      0o644,
    );
  } catch (error) {
    dismiss(answer);
    throw fileFault(error, part);
  }
  try {
    if (from === 0 && length > flushBytes) {
      await writeFacts(download, answer, length);
    }
    const size = await pour(answer, handle, from, download, progressed);
    await handle.sync();
    return { size };
  } finally {
    await handle.close();
  }
}

/** Reads a body into memory. What came before a cut goes to the part file, to be continued. */
async function gather(
  answer: HttpAnswer,
  place: Buffer,
  length: number,
  download: Download,
  progressed: () => void,
): Promise<number> {
  const { body } = answer;
  let size = 0;
  const count = (bytes: number): void => {
    size += bytes;
    download.onBytes(bytes);
  };
  try {
    if (body.readInto) {
      await body.readInto(place, count);
      return size;
    }
    await new Promise<void>((resolve, reject) => {
      if (body.destroyed) {
        reject(body.errored ?? new Error('the body was closed'));
        return;
      }
      body.on('data', (chunk: Buffer) => {
        if (size + chunk.length > length) {
          reject(answerFault(answer, `more came than the ${length} bytes that were announced`));
          return;
        }
        chunk.copy(place, size);
        count(chunk.length);
      });
      body.once('end', resolve);
      body.once('error', reject);
      body.once('close', () => reject(new Error('the body was closed')));
    });
  } catch (error) {
    body.on('error', () => {}).destroy();
    if (error instanceof DepotError) {
      throw error;
    }
    await keepHalf(answer, place.subarray(0, size), length, download, progressed);
    if (download.signal?.aborted) {
      throw new DepotError('INTERRUPTED', {}, error);
    }
    throw new Transient(answerFault(answer, `the connection was cut or stalled after ${size} bytes`, error));
  }
  if (size < length) {
    await keepHalf(answer, place.subarray(0, size), length, download, progressed);
    throw new Transient(answerFault(answer, `${size} bytes came, ${length} were announced`));
  }
  return size;
}

async function keepHalf(
  answer: HttpAnswer,
  half: Buffer,
  length: number,
  download: Download,
  progressed: () => void,
): Promise<void> {
  try {
    if (length > flushBytes) {
      await writeFacts(download, answer, length);
      await writeFile(download.part, half);
    }
  } catch (error) {
    throw fileFault(error, download.part);
  }
  if (half.length >= progressBytes && length > flushBytes) {
    progressed();
  }
  if (length <= flushBytes || (await readFacts(download)) === undefined) {
    download.onBytes(-half.length);
  }
}

async function pour(
  answer: HttpAnswer,
  handle: FileHandle,
  from: number,
  download: Download,
  progressed: () => void,
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
    if (size - from >= progressBytes) {
      progressed();
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
    if (download.signal?.aborted) {
      throw new DepotError('INTERRUPTED', {}, error);
    }
    throw new Transient(answerFault(answer, `the connection was cut or stalled after ${size} bytes`, error));
  }
  const announced = Number(answer.headers['content-length'] ?? Number.NaN);
  if (size - from < announced) {
    throw new Transient(answerFault(answer, `${size} bytes came, ${from + announced} were announced`));
  }
  return size;
}
