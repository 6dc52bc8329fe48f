import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileProblem } from '../archive/file-problem.ts';
import { checkFolder } from '../depot/folder-check.ts';
import { depotLayout } from '../depot/layout.ts';
import { parseRecord } from '../depot/record.ts';
import { isSnapshotId } from '../depot/snapshot-id.ts';
import { refuseUnvouched } from '../depot/vouching.ts';
import { DepotError } from '../domain/errors.ts';
import { isThere } from '../files/place.ts';
import { isPassedOver } from '../source/root-folder.ts';

/** What was recorded of the files that go into an image. */
export interface RecordedContent {
  /** SHA-256 in hex by the path below the folder; of a file that isn't in it nothing is known, and it goes in as it is. */
  readonly digests: ReadonlyMap<string, string>;
  /** The error for a file that isn't what it was. */
  damaged(file: string, what: string): DepotError;
}

/**
 * What a depot recorded of the files of a snapshot. Undefined where the folder is no snapshot. Throws IMAGE_CONTENT_INVALID where
 * the record can't be read or has other files, DEPOT_DAMAGED where it was changed, JOURNAL_BROKEN.
 */
export const recordedSnapshot = async (root: string): Promise<RecordedContent | undefined> => {
  const layout = depotLayout(path.resolve(root, '..', '..'));
  const id = path.basename(root);
  if (layout.snapshotFolder(id) !== root || !isSnapshotId(id) || !(await isThere(layout.marker))) {
    return undefined;
  }
  const place = layout.recordFile(id);
  const text = await readFile(place, 'utf8').catch((error: unknown) => {
    throw new DepotError('IMAGE_CONTENT_INVALID', { path: place, reason: fileProblem(error) }, error);
  });
  const record = parseRecord(text, place, id);
  await refuseUnvouched(layout, record);
  // The bytes are held against it when they are read into the image.
  const odd = (await checkFolder(root, record.files, async (_place, { sha256 }) => sha256)).find(
    (one) => !isHidden(one.path),
  );
  if (odd !== undefined) {
    throw damaged(path.join(root, odd.path), odd.reason);
  }
  return { digests: new Map(record.files.map((one) => [one.path, one.sha256])), damaged };
};

const damaged = (file: string, what: string): DepotError =>
  new DepotError('IMAGE_CONTENT_INVALID', {
    path: file,
    reason: `${what}: the snapshot was changed or is damaged; \`fleet-depot snapshot verify\` says more`,
  });

/** As `listContent` leaves them out. */
const isHidden = (file: string): boolean => file.split('/').some(isPassedOver);
