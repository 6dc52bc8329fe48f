import { open } from 'node:fs/promises';
import { DepotError, messageOf } from '../../src/domain/errors.ts';

/**
 * The least that can be said of an archive: it begins like a zip with at least one file. For where no zip reader is at
 * hand. Throws SIGNED_FILE_UNREADABLE.
 */
export const checkZipMagic = async (path: string): Promise<void> => {
  try {
    const handle = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
      if (bytesRead < 4 || buffer.toString('latin1') !== 'PK\u0003\u0004') {
        throw new Error('it is no zip archive');
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new DepotError('SIGNED_FILE_UNREADABLE', { path, reason: messageOf(error) }, error);
  }
};
