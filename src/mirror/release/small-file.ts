import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { digestOf } from '../../files/digest.ts';
import { DepotError } from '../../domain/errors.ts';
import { showUrl } from '../../net/http.ts';
import type { ReleaseAcquireDeps } from './deps.ts';
import { fetchSmall, absent } from '../transfer/small-fetch.ts';
import type { ReleaseFile } from './group.ts';
import { judgeBeside } from './judge.ts';
import { isSignatureNeeded } from './keys.ts';
import { recordSmall, targetOf, writeOther, type AcquiredGroup } from './place.ts';
import type { PlannedFile, PlannedGroup } from './plan.ts';

/** A file beside a large one, judged by itself; undefined for a signature that there is none of and nobody needs. */
export const fetchBeside = async (
  file: ReleaseFile,
  deps: ReleaseAcquireDeps,
): Promise<Buffer | undefined> => {
  const body = await fetchSmall(file.url, deps);
  if (body === undefined) {
    if (file.path.endsWith('.asc') && !isSignatureNeeded(file.path, deps) && !file.locked) {
      return undefined;
    }
    throw absent(file.url);
  }
  refuseOther(file, body);
  await judgeBeside(file.path, body, { ...deps, keys: deps.trust.armored() });
  return body;
};

/** With --locked: refuses another content than the lock file says. */
export const refuseOther = ({ path, locked }: ReleaseFile, body: Buffer): void => {
  const sha256 = digestOf(body);
  if (locked && locked.sha256 !== sha256) {
    throw new DepotError('ARCHIVE_MISMATCH', {
      file: path,
      reason: `its sha256 is ${sha256}, the lock file says ${locked.sha256}`,
    });
  }
};

/** A key or a manifest: in memory, judged, written where it is another one than the one that is here. */
export const acquireSmall = async (group: PlannedGroup, deps: ReleaseAcquireDeps): Promise<AcquiredGroup> => {
  const { main } = group;
  const body = group.body ?? (await readLocked(main, deps)) ?? (await fetchSmall(main.url, deps));
  if (body === undefined) {
    throw absent(main.url);
  }
  refuseOther(main, body);
  const fingerprints =
    group.kind === 'key' ? await deps.trust.accept(basename(main.path), body, showUrl(main.url)) : undefined;
  const isNew = await writeOther(main.path, body, deps);
  const facts = await recordSmall(main, body, deps, fingerprints ? { fingerprints } : {});
  return { facts: [facts], fetched: isNew ? [main.path] : [] };
};

/** What is here, where it is what the lock file says. */
const readLocked = async (file: PlannedFile, deps: ReleaseAcquireDeps): Promise<Buffer | undefined> => {
  if (!file.locked || file.state === 'new') {
    return undefined;
  }
  const body = await readFile(targetOf(file, deps)).catch(() => undefined);
  return body && digestOf(body) === file.locked.sha256 ? body : undefined;
};
