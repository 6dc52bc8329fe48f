import { existsSync } from 'node:fs';

/**
 * A file or folder that comes with the program, by its path from where package.json is. Compiled, packed and plain code lie at
 * different depths below that, so it is searched upwards. Throws where there is none.
 */
export function installedFile(path: string): URL {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    if (existsSync(new URL('package.json', folder))) {
      return new URL(path, folder);
    }
    if (folder.pathname === '/') {
      throw new Error(`the program is not whole: no package.json above ${import.meta.url}`);
    }
  }
}
