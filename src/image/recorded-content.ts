import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileProblem } from '../archive/file-problem.ts';
import { depotLayout } from '../depot/layout.ts';
import { parseRecord } from '../depot/record.ts';
import { isSnapshotId } from '../depot/snapshot-id.ts';
import { DepotError } from '../domain/errors.ts';
import { isPassedOver } from '../source/root-folder.ts';
import type { ContentFile } from './content.ts';

/**
 * What a depot recorded of the files of a snapshot: SHA-256 in hex by the path below it. Undefined where the folder is no snapshot.
 * Throws IMAGE_CONTENT_INVALID where the record can't be read or has other files, DEPOT_DAMAGED where it was changed.
 */
export const recordedDigests = async (
  root: string,
  files: readonly ContentFile[],
): Promise<ReadonlyMap<string, string> | undefined> => {
  const layout = depotLayout(path.resolve(root, '..', '..'));
  const id = path.basename(root);
  if (layout.snapshotFolder(id) !== root || !isSnapshotId(id) || !(await isThere(layout.marker))) {
    return undefined;
  }
  const place = layout.recordFile(id);
  const text = await readFile(place, 'utf8').catch((error: unknown) => {
    throw new DepotError('IMAGE_CONTENT_INVALID', { path: place, reason: fileProblem(error) }, error);
  });
  const { files: all } = parseRecord(text, place, id);
  const recorded = new Map(all.filter((one) => !isHidden(one.path)).map((one) => [one.path, one.sha256]));
  const found = new Set(files.map((file) => file.path));
  const odd =
    files.find((file) => !recorded.has(file.path))?.path ??
    [...recorded.keys()].find((one) => !found.has(one));
  if (odd !== undefined) {
    throw damaged(path.join(root, odd), found.has(odd) ? 'the depot has no record of it' : 'it is gone');
  }
  return recorded;
};

/** A file of a snapshot that isn't what it was when it came in. */
export const damaged = (file: string, what: string): DepotError =>
  new DepotError('IMAGE_CONTENT_INVALID', {
    path: file,
    reason: `${what}: the snapshot was changed or is damaged; \`fleet-depot snapshot verify\` says more`,
  });

/** As `listContent` leaves them out. */
const isHidden = (file: string): boolean => file.split('/').some(isPassedOver);

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
