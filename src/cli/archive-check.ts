import { basename } from 'node:path';
import { DepotError } from '../domain/errors.ts';
import type { ArchiveLimits } from '../source/source.ts';
import { openZipPackage } from '../source/zip-package.ts';

/** The limits that an archive is checked with: the defaults of the settings. */
export const checkLimits: ArchiveLimits = {
  maxEntries: 20_000,
  maxEntryBytes: 64 * 1024 * 1024,
  maxTotalBytes: 1024 * 1024 * 1024,
  maxRatio: 200,
  maxManifestBytes: 8 * 1024 * 1024,
};

/**
 * Reads an archive whole: its directory, then the size and CRC of every file, and that its top folder is the name and version
 * that the file's name says. Throws DepotError ZIP_INVALID, LIMIT_EXCEEDED or FILE_UNREADABLE.
 */
export const checkArchive = async (path: string): Promise<void> => {
  const files = await openZipPackage(path, checkLimits);
  try {
    const expected = basename(path, '.zip');
    if (files.topFolder !== expected) {
      throw new DepotError('ZIP_INVALID', {
        reason: `it holds ${files.topFolder ?? 'no folder'}, its name says ${expected}`,
      });
    }
    for (const entry of files.entries) {
      await files.read(entry.path);
    }
  } finally {
    await files.close();
  }
};
