import { once } from 'node:events';
import { pack, type Header, type Pack } from 'tar-stream';

/** An entry of a tar that is written: a folder, or a file of an exact size. */
export interface PackedEntry {
  readonly name: string;
  readonly type: 'file' | 'directory';
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  open?(): AsyncIterable<Uint8Array>;
}

const readChunk = 1 << 20;

/**
 * A tar whose bytes depend on the entries alone: owner 0 without a name, mode 0644 for files and 0755 for folders, so that a
 * container reads it under any UID. Fails where a file has another size than it said.
 */
export async function* packTar(
  entries: Iterable<PackedEntry> | AsyncIterable<PackedEntry>,
): AsyncGenerator<Uint8Array> {
  const tar = pack({ highWaterMark: readChunk });
  const filling = fill(tar, entries);
  filling.catch((error: unknown) => tar.destroy(error as Error));
  try {
    yield* tar as AsyncIterable<Uint8Array>;
    await filling;
  } finally {
    tar.destroy();
  }
}

const fill = async (
  tar: Pack,
  entries: Iterable<PackedEntry> | AsyncIterable<PackedEntry>,
): Promise<void> => {
  for await (const entry of entries) {
    await add(tar, entry);
  }
  tar.finalize();
};

const add = async (tar: Pack, entry: PackedEntry): Promise<void> => {
  const header = {
    name: entry.name,
    type: entry.type,
    size: entry.size,
    mode: entry.type === 'file' ? 0o644 : 0o755,
    uid: 0,
    gid: 0,
    mtime: new Date(entry.mtime * 1000),
  } satisfies Partial<Header>;
  const sink = tar.entry(header);
  // A failure shows on the tar itself.
  sink.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => void sink.once('close', () => resolve()));
  for await (const chunk of entry.open?.() ?? []) {
    if (sink.destroyed) {
      return;
    }
    if (!sink.write(chunk)) {
      await Promise.race([once(sink as unknown as NodeJS.EventEmitter, 'drain'), closed]);
    }
  }
  sink.end(undefined);
  await closed;
};
