import { createHash, randomUUID } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { LRUCache } from 'lru-cache';
import { writeZip } from '../archive/zip-writer.ts';
import { streamRange } from './served-file.ts';
import type { PackageFiles, PackageRef, ServedFile } from './source.ts';

/** Archives that are made of folders, kept for the next request. */
export interface FolderArchives {
  /** The archive of a folder, zipped at the first call and then kept. Throws what opening and reading the folder throws. */
  open(ref: PackageRef): Promise<ServedFile>;
}

/** How much is kept. Archives lie in files without a name, so that no crash leaves them behind. */
export interface FolderArchiveBounds {
  readonly maxArchives: number;
  readonly maxBytes: number;
}
