import { verifiedChunks } from '../depot/verified-chunks.ts';
import { countOf } from '../domain/count.ts';
import { DepotError } from '../domain/errors.ts';
import type { BaseLayer } from './base-image.ts';
import type { ContentFile } from './content.ts';
import { digestStream, type Digested } from './digest.ts';
import type { ImageBlob } from './image-layout.ts';
import { layerTar, type LayerPlace } from './layer-tar.ts';
import { indexTar, type ReadyIndex } from './ready-index.ts';
import type { RecordedContent } from './recorded-content.ts';

/** A layer that is put upon the base. */
export interface NewLayer extends Digested {
  readonly files: number;
  /** For the image's history. */
  readonly createdBy: string;
  open(): AsyncIterable<Uint8Array>;
}

/** The layer of a part of the content, hashed, and held against what was recorded of it. Throws IMAGE_CONTENT_INVALID. */
export const contentLayer = async (
  files: readonly ContentFile[],
  place: LayerPlace,
  recorded: RecordedContent | undefined,
  onBytes: (count: number) => void,
): Promise<NewLayer> => ({
  files: files.length,
  createdBy: `fleet-depot image: ${countOf(files.length, 'file')} in ${place.into}`,
  open: () => layerTar(files, place),
  // Once is enough: what is written later must have the digest that is made here.
  ...(await digestStream(layerTar(files, recorded ? { ...place, recorded } : place), onBytes)),
});

/** The layer of the index; `mtime` in seconds since 1970. */
export const indexLayer = async (index: ReadyIndex, mtime: number): Promise<NewLayer> => ({
  files: 1,
  createdBy: `fleet-depot image: the index of ${countOf(index.packages, 'package')}`,
  open: () => indexTar(index, mtime),
  ...(await digestStream(indexTar(index, mtime))),
});

/** The same as it is written: what comes has to be what was hashed. `content` is named where it isn't. */
export const newBlob = (layer: NewLayer, content: string): ImageBlob =>
  hashedBlob(
    layer,
    'application/vnd.oci.image.layer.v1.tar',
    layer.open,
    () =>
      new DepotError('IMAGE_CONTENT_INVALID', {
        path: content,
        reason: 'its files changed while the image was made; run the command again when nothing writes there',
      }),
  );

/** A layer of the base as it is written; `file` is the base's archive. */
export const baseBlob = (layer: BaseLayer, file: string): ImageBlob =>
  hashedBlob(
    layer,
    layer.mediaType,
    layer.stream,
    () => new DepotError('BASE_IMAGE_INVALID', { file, reason: 'it was changed while it was read' }),
  );

/** What was hashed before has to come again, else `fail` says what is wrong. */
const hashedBlob = (
  { digest, size }: Digested,
  mediaType: string,
  open: () => AsyncIterable<Uint8Array>,
  fail: () => DepotError,
): ImageBlob => ({
  digest,
  size,
  mediaType,
  open: () => verifiedChunks(open(), { sha256: digest.slice('sha256:'.length), size }, fail),
});
