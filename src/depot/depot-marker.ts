import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DepotError } from '../domain/errors.ts';
import { membersOf } from '../domain/json-tree.ts';
import { refuseNewer } from '../domain/newer-format.ts';
import { errnoOf } from '../domain/system-error.ts';
import { diskError, writeDepotFile } from './disk-error.ts';
import { enclosingDepot } from './enclosing.ts';
import type { DepotLayout } from './layout.ts';

/** Stands for all files of a depot that have no number of their own: the layout, the lock, `journal.head`. */
const format = 'fleet-depot/1';

/** The depot's id, out of its `depot.json`. Throws DepotError DEPOT_UNKNOWN, DEPOT_DAMAGED or FORMAT_NEWER. */
export const readMarker = async ({ root, marker }: DepotLayout): Promise<string> => {
  try {
    return parseMarker(await readFile(marker, 'utf8'), marker);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const depot = await enclosingDepot(root);
      const reason =
        depot === undefined ? 'it has no depot.json' : `it lies inside of one, which is ${depot}`;
      throw new DepotError('DEPOT_UNKNOWN', { path: root, reason }, error);
    }
    throw diskError(marker, error);
  }
};

/** Makes a folder a depot with a new id, which is returned. Throws DEPOT_FULL or FILE_FAILED. */
export const writeMarker = async ({ marker }: DepotLayout, now: Date): Promise<string> => {
  const id = randomUUID();
  await writeDepotFile(marker, `${JSON.stringify({ format, id, createdAt: now.toISOString() })}\n`);
  return id;
};

const parseMarker = (text: string, path: string): string => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DepotError('DEPOT_DAMAGED', { path, reason: 'it is not JSON' }, error);
  }
  const { format: found, id } = membersOf(value);
  refuseNewer(path, found, format);
  if (found !== format) {
    throw new DepotError('DEPOT_DAMAGED', { path, reason: `its format is not ${format}` });
  }
  if (typeof id !== 'string' || !/^[0-9a-f-]{36}$/.test(id)) {
    throw new DepotError('DEPOT_DAMAGED', { path, reason: 'it has no id' });
  }
  return id;
};
