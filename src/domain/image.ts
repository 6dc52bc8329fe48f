import { posix } from 'node:path';
import type { Fields } from './fields.ts';

/** An icon or a screenshot. `path` is its address on the registry. */
export interface Image {
  readonly src: string;
  readonly path: string;
  readonly title: string | undefined;
  readonly size: string | undefined;
  readonly type: string | undefined;
}

/** The images under `key`; undefined where there are none. `base` is `/package/{name}/{version}`. */
export function decodeImages(fields: Fields, key: string, base: string): readonly Image[] | undefined {
  const list = fields.list(key).map((entry): Image => {
    const src = entry.required('src');
    // Read as the reference does, which then replaces it.
    entry.text('path');
    return {
      src,
      path: posix.join(base, src),
      title: entry.text('title') || undefined,
      size: entry.text('size') || undefined,
      type: entry.text('type') || undefined,
    };
  });
  return list.length > 0 ? list : undefined;
}

/** The file inside the package that an image's `src` names. */
export function imageFile(image: Image): string {
  return posix.join('/', image.src).slice(1);
}
