import { createReadStream } from 'node:fs';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack, type Header } from 'tar-stream';
import { createByteComparison, type ByteComparison } from './byte-comparison.ts';
import { drained, tarHeader, type TarSink } from './tar-writer.ts';

/** One file of a tar, on its way in. Its chunks must be read to their end before the next entry comes. */
export interface TarEntry {
  readonly name: string;
  /** Bytes, as the header claims them. */
  readonly size: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

const readChunk = 1 << 20;
/** More than both sides' buffers ever hold of a right archive. */
const maxAhead = 16 << 20;

/**
 * Reads a tar that `writeTar` wrote, and nothing else: every byte, headers and padding included, must be just what
 * `writeTar` makes of the entries, so that no change anywhere goes unseen. Links, devices, folders, long-name and
 * extension headers, trailing bytes and cut files are refused; names are as the archive has them, for the caller to judge.
 * A caller that stops early has only what came before verified.
 */
export async function* readTar(
  path: string,
  fail: (reason: string) => Error,
  signal?: AbortSignal,
): AsyncGenerator<TarEntry> {
  const comparison = createByteComparison(maxAhead, fail);
  const written = pack({ highWaterMark: readChunk });
  const problem = new AbortController();
  written.on('data', (chunk) => attempt(problem, () => comparison.expected(chunk as Uint8Array)));
  written.on('error', () => undefined);
  const parsed = extract();
  const source = createReadStream(path, {
    highWaterMark: readChunk,
    ...(signal === undefined ? {} : { signal }),
  });
  const feeding = pipeline(source, tapping(comparison), parsed as unknown as NodeJS.WritableStream);
  feeding.catch(() => undefined);
  try {
    for await (const entry of parsed) {
      problem.signal.throwIfAborted();
      const { header } = entry;
      refuseOddEntry(header, fail);
      const copy = written.entry(tarHeader({ name: header.name, type: 'file', size: header.size, mtime: 0 }));
      const chunks = copying(entry as AsyncIterable<Uint8Array>, copy, problem.signal, (error) =>
        faultOf(error, feeding, fail),
      );
      yield { name: header.name, size: header.size, chunks };
      for await (const _ of chunks) {
        throw new Error(`the content of ${header.name} was not read`);
      }
      copy.end(undefined);
    }
    await feeding;
    const ended = new Promise<void>((resolve) => void written.once('end', () => resolve()));
    written.finalize();
    await Promise.race([ended, aborted(problem.signal)]);
    problem.signal.throwIfAborted();
    comparison.end();
  } catch (error) {
    signal?.throwIfAborted();
    problem.signal.throwIfAborted();
    throw await faultOf(error, feeding, fail);
  } finally {
    source.destroy();
    parsed.destroy();
    written.destroy();
  }
}

async function* copying(
  source: AsyncIterable<Uint8Array>,
  copy: TarSink,
  problem: AbortSignal,
  explain: (error: unknown) => Promise<unknown>,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of source) {
      if (!copy.write(chunk)) {
        await drained(copy);
      }
      problem.throwIfAborted();
      yield chunk;
    }
  } catch (error) {
    problem.throwIfAborted();
    throw await explain(error);
  }
}

const refuseOddEntry = (header: Header, fail: (reason: string) => Error): void => {
  const name = JSON.stringify(header.name.slice(0, 120));
  if (header.type !== 'file') {
    throw fail(
      `the entry ${name} is a ${header.type ?? 'thing of unknown type'}; only plain files belong here`,
    );
  }
  if (header.pax) {
    throw fail(`the entry ${name} has an extension header`);
  }
  if (!Number.isSafeInteger(header.size) || header.size < 0) {
    throw fail(`the entry ${name} has no sensible size`);
  }
};

const tapping = (comparison: ByteComparison): Transform =>
  new Transform({
    highWaterMark: readChunk,
    transform(chunk: Buffer, _encoding, callback: TransformCallback) {
      try {
        comparison.found(chunk);
        callback(null, chunk);
      } catch (error) {
        callback(error as Error);
      }
    },
  });

const attempt = (problem: AbortController, work: () => void): void => {
  if (problem.signal.aborted) {
    return;
  }
  try {
    work();
  } catch (error) {
    problem.abort(error);
  }
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });

// tar-stream tells of its findings by the text alone.
const tarFaults = new Map([
  ['Unexpected end of data', 'it is cut off: the end is missing'],
  ['Invalid header', 'an entry has no sensible size'],
  ['Header exceeds max size', 'it has an extension header of absurd size'],
]);

/** What went wrong, as the caller's error. A stream that only says that it is gone went because of what ended the feeding. */
const faultOf = async (
  error: unknown,
  feeding: Promise<void>,
  fail: (reason: string) => Error,
): Promise<unknown> => {
  const gone =
    error instanceof Error &&
    /STREAM_DESTROYED|PREMATURE_CLOSE/.test(String((error as NodeJS.ErrnoException).code));
  let cause = error;
  if (gone) {
    try {
      await feeding;
    } catch (ended) {
      cause = ended;
    }
  }
  if (!(cause instanceof Error)) {
    return cause;
  }
  const reason = tarFaults.get(cause.message);
  if (reason !== undefined) {
    return fail(reason);
  }
  return cause.message.startsWith('Invalid tar header')
    ? fail('it is not a tar archive, or a header in it was damaged')
    : cause;
};
