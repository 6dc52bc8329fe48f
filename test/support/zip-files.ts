import { openZipPackage } from '../../src/source/zip-package.ts';
import { checkLimits } from '../../src/cli/archive-check.ts';

/** Every file of an archive with its bytes. */
export const readZip = async (path: string): Promise<Map<string, Buffer>> => {
  const files = await openZipPackage(path, checkLimits);
  try {
    const read = new Map<string, Buffer>();
    for (const entry of files.entries) {
      read.set(`${files.topFolder ?? ''}/${entry.path}`, Buffer.from(await files.read(entry.path)));
    }
    return read;
  } finally {
    await files.close();
  }
};
