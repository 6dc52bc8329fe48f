import { Readable } from 'node:stream';
import { pack, type Header, type Pack } from 'tar-stream';

/** An entry of a tar that is written: a folder, or a file of an exact size. */
export interface PackedEntry {
  /** At most 100 ASCII characters stay in a plain ustar header; of a folder it ends with a slash. */
  readonly name: string;
  readonly type: 'file' | 'directory';
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Who may do what; without it everybody reads, and owner 0 writes. */
  readonly facts?: { readonly mode: number; readonly uid: number; readonly gid: number };
  open?(): AsyncIterable<Uint8Array>;
}

/** A file to be written: name, exact size, content. */
export interface TarInput {
  readonly name: string;
  readonly size: number;
  open(): AsyncIterable<Uint8Array>;
}

/** Where the content of an entry goes. */
export type TarSink = ReturnType<Pack['entry']>;

type Entries<Entry> = Iterable<Entry> | AsyncIterable<Entry>;

const block = 512;
const readChunk = 1 << 20;

/** Bytes that a file takes in a tar: header and content, padded. Holds for names up to 100 characters. */
export const tarEntryBytes = (size: number): number => block + Math.ceil(size / block) * block;

/** Bytes of a tar's end mark. */
export const tarEndBytes = 2 * block;

/** Bytes of a whole tar of files. */
export const tarBytes = (inputs: readonly TarInput[]): number =>
  inputs.reduce((sum, { size }) => sum + tarEntryBytes(size), tarEndBytes);

/** A header that depends on the entry alone: unless it says otherwise, owner 0 without a name, and readable under any UID. */
export const tarHeader = (
  entry: Pick<PackedEntry, 'name' | 'type' | 'size' | 'mtime' | 'facts'>,
): Partial<Header> & Pick<Header, 'name'> => ({
  name: entry.name,
  size: entry.size,
  type: entry.type,
  ...(entry.facts ?? { mode: entry.type === 'file' ? 0o644 : 0o755, uid: 0, gid: 0 }),
  mtime: new Date(entry.mtime * 1000),
});

/** A tar whose bytes depend on the entries alone. Fails where a content fails or has another size than its entry says. */
export async function* packTar(entries: Entries<PackedEntry>): AsyncGenerator<Uint8Array> {
  const tar = pack({ highWaterMark: readChunk });
  const filling = fill(tar, entries);
  filling.catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  try {
    yield* tar as AsyncIterable<Uint8Array>;
    await filling;
  } finally {
    tar.destroy();
  }
}

/** A tar of files alone, of time 0: what `readTar` reads. Names need at most 100 ASCII characters. */
export const writeTar = (inputs: Entries<TarInput>): Readable =>
  Readable.from(packTar(asEntries(inputs)), { objectMode: false, highWaterMark: readChunk });

async function* asEntries(inputs: Entries<TarInput>): AsyncGenerator<PackedEntry> {
  for await (const input of inputs) {
    yield { name: input.name, type: 'file', size: input.size, mtime: 0, open: () => input.open() };
  }
}

const fill = async (tar: Pack, entries: Entries<PackedEntry>): Promise<void> => {
  for await (const entry of entries) {
    await writeEntry(tar, entry);
  }
  tar.finalize();
};

const writeEntry = async (tar: Pack, entry: PackedEntry): Promise<void> => {
  const sink = tar.entry(tarHeader(entry));
  // A failure shows on the tar itself; here it only ends the writing.
  sink.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => void sink.once('close', () => resolve()));
  for await (const chunk of entry.open?.() ?? []) {
    if (sink.destroyed) {
      return;
    }
    if (!sink.write(chunk)) {
      await drained(sink);
    }
  }
  sink.end(undefined);
  await closed;
};

/** Waits until a sink takes more, or is gone (then the next write or the tar tells why). */
export const drained = (sink: TarSink): Promise<void> =>
  new Promise((resolve) => {
    if (sink.destroyed) {
      return resolve();
    }
    const settle = (): void => {
      sink.off('drain', settle);
      sink.off('close', settle);
      resolve();
    };
    sink.on('drain', settle);
    sink.on('close', settle);
  });
