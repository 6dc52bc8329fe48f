import { readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';

/**
 * A file that can be opened and not be read: a disk with a bad block answers EIO, and so does Linux for memory that nothing is mapped
 * to (proc(5)). Undefined elsewhere.
 */
export const brokenFile = (t: ExecutionContext): string | undefined => {
  const file = '/proc/self/mem';
  try {
    readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') {
      return file;
    }
  }
  t.log('skipped: no file here answers with an input/output error');
  return undefined;
};
