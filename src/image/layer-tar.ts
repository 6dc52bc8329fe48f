import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { fileProblem } from '../archive/file-problem.ts';
import { packTar, type PackedEntry } from '../archive/tar-writer.ts';
import { DepotError } from '../domain/errors.ts';
import type { ContentFile } from './content.ts';
import type { RecordedContent } from './recorded-content.ts';

/** How a layer lays its files out in the image. */
export interface LayerPlace {
  /** Folder of the image, absolute, such as `/packages/distribution`. */
  readonly into: string;
  /** Time of every entry, in seconds since 1970. */
  readonly mtime: number;
  /** What the files must be; where it is absent, anything. */
  readonly recorded?: RecordedContent;
}

/** The bytes of one layer: the folders above the files, then the files. The same files give the same bytes. */
export const layerTar = (files: readonly ContentFile[], place: LayerPlace): AsyncGenerator<Uint8Array> =>
  packTar(entriesOf(files, place));

function* entriesOf(
  files: readonly ContentFile[],
  { into, mtime, recorded }: LayerPlace,
): Generator<PackedEntry> {
  const made = new Set<string>();
  for (const file of files) {
    const name = `${into.slice(1)}/${file.path}`;
    const parts = name.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const folder = `${parts.slice(0, depth).join('/')}/`;
      if (!made.has(folder)) {
        made.add(folder);
        yield { name: folder, type: 'directory', size: 0, mtime };
      }
    }
    yield {
      name,
      type: 'file',
      size: file.size,
      mtime,
      open: () => readContent(file, recorded),
    };
  }
}

const pieceBytes = 1 << 20;

/** A file's content, held to the size that it had when the image was planned, and to its digest where one is known. */
async function* readContent(
  file: ContentFile,
  recorded: RecordedContent | undefined,
): AsyncGenerator<Uint8Array> {
  const sha256 = recorded?.digests.get(file.path);
  const refuse = (error: unknown): never => {
    throw new DepotError('IMAGE_CONTENT_INVALID', { path: file.place, reason: fileProblem(error) }, error);
  };
  const handle = await open(file.place, 'r').catch(refuse);
  const hash = sha256 === undefined ? undefined : createHash('sha256');
  try {
    let left = file.size;
    while (left > 0) {
      const { bytesRead, buffer } = await handle
        .read(Buffer.allocUnsafe(Math.min(pieceBytes, left)))
        .catch(refuse);
      if (bytesRead === 0) {
        throw changed(file);
      }
      left -= bytesRead;
      const piece = buffer.subarray(0, bytesRead);
      hash?.update(piece);
      yield piece;
    }
    const found = hash?.digest('hex');
    if (recorded !== undefined && found !== sha256) {
      throw recorded.damaged(file.place, `its SHA-256 is ${found} instead of ${sha256}`);
    }
    if ((await handle.stat()).size !== file.size) {
      throw changed(file);
    }
  } finally {
    await handle.close();
  }
}

const changed = (file: ContentFile): DepotError =>
  new DepotError('IMAGE_CONTENT_INVALID', {
    path: file.place,
    reason: 'it changed while the image was made; run the command again when nothing writes there',
  });
