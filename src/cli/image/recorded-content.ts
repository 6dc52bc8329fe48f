import path from 'node:path';
import { isThere } from '../../files/place.ts';
import { DepotError } from '../../domain/errors.ts';
import { recordedSnapshot, type RecordedContent } from '../../image/recorded-content.ts';
import { lockedDigests } from '../locked-archives.ts';

/**
 * What the files of an image must be: of a snapshot what the depot recorded, of a plain folder what its `distribution.lock` says
 * of archives and artifacts. Undefined where there is neither. Signatures may be others than the lock file has (`sign --resign`),
 * and files that it doesn't name may lie there. Throws IMAGE_CONTENT_INVALID where a file that is named isn't there, LOCK_INVALID,
 * and what `recordedSnapshot` throws.
 */
export const recordedContent = async (root: string): Promise<RecordedContent | undefined> =>
  (await recordedSnapshot(root)) ?? lockedContent(root);

const lockedContent = async (root: string): Promise<RecordedContent | undefined> => {
  const digests = await lockedDigests(root);
  if (digests === undefined) {
    return undefined;
  }
  for (const name of digests.keys()) {
    const place = path.join(root, name);
    if (!(await isThere(place))) {
      throw damaged(place, 'it is in distribution.lock, but not here');
    }
  }
  return { digests, damaged };
};

const damaged = (file: string, what: string): DepotError =>
  new DepotError('IMAGE_CONTENT_INVALID', {
    path: file,
    reason: `${what}: the folder isn't what distribution.lock says any more; \`fleet-depot verify\` says more, \`sync\` puts it right`,
  });
