import { link, lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../domain/system-error.ts';
import { digestFile, isDigest } from '../files/digest.ts';
import { diskError } from './disk-error.ts';
import { createIntake, type Intake } from './intake.ts';
import type { DepotLayout } from './layout.ts';
import type { LinkFile } from './snapshot-folder.ts';
import type { Expected } from './verified-chunks.ts';

/** Contents by SHA-256, each once. */
export interface ContentStore {
  /** `whole`: there and its bytes hashed right; `damaged`: there with wrong bytes; `absent`. */
  check(expected: Expected, signal?: AbortSignal): Promise<'whole' | 'damaged' | 'absent'>;
  /** Whether a content of that digest and size is there, by its name and size alone. */
  has(expected: Expected): Promise<boolean>;
  /** Digests of everything stored, sorted. */
  list(): Promise<string[]>;
  intake(): Intake;
}

/** The contents of a depot. `linkFile` makes its hard links. */
export const createContentStore = (layout: DepotLayout, linkFile: LinkFile = link): ContentStore => ({
  async has(expected) {
    try {
      const found = await lstat(layout.contentFile(expected.sha256));
      return found.isFile() && found.size === expected.size;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') {
        return false;
      }
      throw diskError(layout.contentFile(expected.sha256), error);
    }
  },

  async check(expected, signal) {
    const file = layout.contentFile(expected.sha256);
    try {
      const found = await lstat(file);
      if (!found.isFile() || found.size !== expected.size) {
        return 'damaged';
      }
      return (await digestFile(file, signal)).sha256 === expected.sha256 ? 'whole' : 'damaged';
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') {
        return 'absent';
      }
      if (errnoOf(error) === 'EIO') {
        return 'damaged';
      }
      throw diskError(file, error);
    }
  },

  async list() {
    const digests: string[] = [];
    for (const prefix of await readdir(layout.content).catch(() => [])) {
      for (const name of await readdir(path.join(layout.content, prefix)).catch(() => [])) {
        if (isDigest(name) && name.startsWith(prefix)) {
          digests.push(name);
        }
      }
    }
    return digests.toSorted();
  },

  intake: () => createIntake(layout, linkFile),
});
