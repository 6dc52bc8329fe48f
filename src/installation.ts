import { existsSync } from 'node:fs';

/**
 * A file or folder that comes with the program, by its path from where package.json is. Compiled, packed and plain code lie at
 * different depths below that, so it is searched upwards. Throws where there is none.
 */
export function installedFile(path: string): URL {
  for (let folder = new URL('.', import.meta.url); ;) {
    if (existsSync(new URL('package.json', folder))) {
      return new URL(path, folder);
    }
    const above = new URL('..', folder);
    // The top is above itself, also where it is that of a drive.
    if (above.href === folder.href) {
      throw new Error(`the program is not whole: no package.json above ${import.meta.url}`);
    }
    folder = above;
  }
}
