import { DepotError } from '../domain/errors.ts';
import type { ContentFile } from './content.ts';

const block = 512;

/** Bytes that a file takes in a tar at most: its header, an extension header for a long name, its content in whole blocks. */
const bytesInTar = (file: ContentFile): number => {
  const nameBytes = Buffer.byteLength(file.path);
  const extension = 2 * block + Math.ceil((nameBytes + 300) / block) * block;
  return block + extension + Math.ceil(file.size / block) * block;
};

/** Folder entries and the end mark of a layer. */
const reserve = 64 * 1024;

/**
 * Divides files into layers of at most `limit` bytes each, in their order, so that an archive and its signature stay
 * neighbours. Throws IMAGE_CONTENT_INVALID where one file alone is above the limit.
 */
export const planLayers = (
  files: readonly ContentFile[],
  limit: number,
): readonly (readonly ContentFile[])[] => {
  const layers: ContentFile[][] = [];
  let room = 0;
  for (const file of files) {
    const bytes = bytesInTar(file);
    if (bytes > limit - reserve) {
      throw new DepotError('IMAGE_CONTENT_INVALID', {
        path: file.place,
        reason: `with ${file.size} bytes it does not fit into a layer of ${limit} bytes; raise --layer-size`,
      });
    }
    let layer = layers.at(-1);
    if (layer === undefined || bytes > room) {
      layer = [];
      layers.push(layer);
      room = limit - reserve;
    }
    layer.push(file);
    room -= bytes;
  }
  return layers;
};
