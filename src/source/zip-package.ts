import { quoteName } from '../archive/entry-names.ts';
import { openZip, type ZipArchive, type ZipOptions } from '../archive/zip-reader.ts';
import { DepotError } from '../domain/errors.ts';
import type { ArchiveLimits, PackageEntry, PackageFiles } from './source.ts';

/**
 * Opens a package's archive. All of it lies in one top folder, which is left out of the paths. Throws what openZip
 * throws, and ZIP_INVALID where there is not exactly one top folder.
 */
export const openZipPackage = async (
  path: string,
  limits: ArchiveLimits,
  options: ZipOptions = {},
): Promise<PackageFiles> => {
  const zip = await openZip(path, limits, options);
  try {
    return packageFiles(zip, findTopFolder(zip));
  } catch (error) {
    await zip.close();
    throw error;
  }
};

const packageFiles = (zip: ZipArchive, topFolder: string): PackageFiles => {
  const skipped = topFolder.length + 1;
  const inZip = (path: string): string => `${topFolder}/${path}`;
  let entries: PackageEntry[] | undefined;
  let folders: string[] | undefined;
  return {
    topFolder,
    count: zip.files.size,
    // Both lists are made for who judges or copies a package: who serves one file of it needs none.
    get entries() {
      entries ??= Array.from(zip.files.values(), ({ path, size, crc32 }) => ({
        path: path.slice(skipped),
        size,
        crc32,
      }));
      return entries;
    },
    get folders() {
      folders ??= [...zip.declaredFolders]
        .filter((folder) => folder.length > skipped)
        .map((folder) => folder.slice(skipped));
      return folders;
    },
    has: (path) => zip.files.has(inZip(path)),
    read: (path) => zip.read(inZip(path)),
    readDeflated: async (path) => {
      if (zip.files.get(inZip(path))?.method !== 8) {
        return undefined;
      }
      const { bytes, entry } = await zip.readStored(inZip(path));
      return { bytes, size: entry.size, crc32: entry.crc32 };
    },
    close: () => zip.close(),
  };
};

const findTopFolder = (zip: ZipArchive): string => {
  const invalid = (reason: string): DepotError => new DepotError('ZIP_INVALID', { reason });
  let top: string | undefined;
  for (const folder of zip.folders) {
    const slash = folder.indexOf('/');
    const first = slash < 0 ? folder : folder.slice(0, slash);
    top ??= first;
    if (top !== first) {
      throw invalid(
        `it has two top folders, ${quoteName(top)} and ${quoteName(first)}; a package has one, named NAME-VERSION`,
      );
    }
  }
  for (const path of zip.files.keys()) {
    if (!path.includes('/')) {
      throw invalid(
        `${quoteName(path)} lies outside of the top folder; a package has one, named NAME-VERSION`,
      );
    }
  }
  if (top === undefined || zip.files.size === 0) {
    throw invalid('there is no file in it');
  }
  return top;
};
