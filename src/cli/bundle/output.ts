import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { refuseUnwritable } from '../../files/place.ts';
import { DepotError } from '../../domain/errors.ts';

/** Throws where no bundle can be written, or would go into the next one. */
export const refuseOutput = async (output: string, from: string): Promise<void> => {
  if (await liesInside(output, from)) {
    throw new DepotError('USAGE', {
      reason: `the bundle ${output} would lie inside ${from} and go into the next one; name another place`,
    });
  }
  if (output === '-') {
    throw new DepotError('USAGE', {
      reason: 'a bundle is written to a file, which is whole before it gets its name: -o FILE',
    });
  }
  await refuseUnwritable(path.dirname(output));
};

/** By what the folders are: by links, and where case doesn't count, a folder has more than one name. */
const liesInside = async (file: string, folder: string): Promise<boolean> => {
  const wanted = await stat(folder).catch(() => undefined);
  for (let at = path.resolve(file), above = path.dirname(at); above !== at; above = path.dirname(at)) {
    at = await realpath(above).catch(() => above);
    const found = await stat(at).catch(() => undefined);
    if (found !== undefined && found.dev === wanted?.dev && found.ino === wanted.ino) {
      return true;
    }
  }
  return false;
};
