import { readFile, stat, unlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { digestOf } from '../../files/digest.ts';
import { DepotError } from '../../domain/errors.ts';
import { fileFault } from '../../files/file-fault.ts';
import { showUrl } from '../../net/http.ts';
import { downloadPart } from '../transfer/download.ts';
import type { DownloadSettings } from '../transfer/download-types.ts';
import type { Facts } from '../record/journal.ts';
import type { ReleaseChecker, ReleaseContent } from './checker.ts';
import { absent, ofAnyType } from './fetch.ts';
import { fetchSmall } from '../transfer/small-fetch.ts';
import { filesOfGroup, isSmallKind, type ReleaseFile } from './group.ts';
import { judgeBeside, judgeMain } from './judge.ts';
import { isSignatureNeeded, type KeyTrust } from './keys.ts';
import {
  partOf,
  placeGroup,
  recordMain,
  recordSmall,
  targetOf,
  writeOther,
  type AcquiredGroup,
  type PlaceDeps,
} from './place.ts';
import { type PlannedFile, type PlannedGroup } from './plan.ts';

/** What getting one group needs. */
export interface ReleaseAcquireDeps extends DownloadSettings, PlaceDeps {
  readonly checker: ReleaseChecker;
  readonly trust: KeyTrust;
  /** Whether a key vouches for artifacts in this run: one of the keyring, or of `keys:`. */
  readonly isTrusted: (fingerprint: string) => Promise<boolean>;
  readonly requireSignature: boolean;
  readonly onBytes: (count: number) => void;
  readonly onWarning: (label: string, reason: string) => void;
  readonly signal?: AbortSignal;
}

/** Largest file that is taken; agents have some 600 MB, models some 2 GB. */
const maxFileBytes = 16 * 1024 ** 3;

/**
 * Makes one group be there. Small files are fetched and judged first, so that nothing large is fetched in vain; everything
 * gets its name only when all of it is good. Throws DepotError; what was there before stays.
 */
export const acquireGroup = async (group: PlannedGroup, deps: ReleaseAcquireDeps): Promise<AcquiredGroup> => {
  if (group.fault) {
    throw group.fault;
  }
  const needsKey = group.kind === 'artifact' && isSignatureNeeded(group.main.path, deps);
  const { signer: vouching } = group.main.facts ?? {};
  // The plan doesn't know yet what the keys of `keys:` are worth, that this very run has asked for.
  const isVouchedFor = !needsKey || (vouching !== undefined && (await deps.isTrusted(vouching)));
  if (group.state === 'kept' && group.isFixed && isVouchedFor) {
    return keptGroup(group);
  }
  if (needsKey && deps.trust.armored().length === 0) {
    throw new DepotError('SIGNATURE_REFUSED', {
      file: `${group.main.path}.asc`,
      reason: 'there is no key to verify it with: the keyring is empty, and no key of `keys:` was accepted',
    });
  }
  if (group.state !== 'new' && group.isFixed) {
    const facts = await checkInPlace(group, deps);
    if (facts) {
      return { facts, fetched: [] };
    }
  }
  const beside = new Map<string, Buffer>();
  for (const file of group.beside) {
    const body = await fetchBeside(file, deps);
    if (body) {
      beside.set(file.path, body);
    }
  }
  if (isSmallKind(group.kind)) {
    return acquireSmall(group, deps);
  }
  const isSame = group.beside.every(
    ({ path, facts }) =>
      facts?.sha256 === (beside.has(path) ? digestOf(beside.get(path) as Buffer) : undefined),
  );
  if (group.state === 'kept' && isSame && isVouchedFor) {
    return keptGroup(group);
  }
  const { content, signer } = await fetchMain(group, beside, deps);
  const placed = await placeGroup(group, beside, deps);
  const facts = [...placed.facts, await recordMain(group.main, content, signer, deps)];
  return { facts, fetched: [...placed.fetched, group.main.path] };
};

const keptGroup = (group: PlannedGroup): AcquiredGroup => ({
  facts: (filesOfGroup(group) as readonly PlannedFile[]).flatMap(({ facts }) => facts ?? []),
  fetched: [],
});

const fetchBeside = async (file: ReleaseFile, deps: ReleaseAcquireDeps): Promise<Buffer | undefined> => {
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

const refuseOther = ({ path, locked }: ReleaseFile, body: Buffer): void => {
  const sha256 = digestOf(body);
  if (locked && locked.sha256 !== sha256) {
    throw new DepotError('ARCHIVE_MISMATCH', {
      file: path,
      reason: `its sha256 is ${sha256}, the lock file says ${locked.sha256}`,
    });
  }
};

/** A key or a manifest: in memory, judged, written where it is another one than the one that is here. */
const acquireSmall = async (group: PlannedGroup, deps: ReleaseAcquireDeps): Promise<AcquiredGroup> => {
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

/** Facts of files that are here already, though nobody has noted them; undefined where they aren't good. */
const checkInPlace = async (
  group: PlannedGroup,
  deps: ReleaseAcquireDeps,
): Promise<readonly Facts[] | undefined> => {
  const { main, before, kind, expected } = group;
  try {
    const beside = new Map<string, Buffer>();
    for (const file of group.beside.filter(({ state }) => state !== 'new')) {
      const body = await readFile(targetOf(file, deps));
      refuseOther(file, body);
      await judgeBeside(file.path, body, { ...deps, keys: deps.trust.armored() });
      beside.set(file.path, body);
    }
    const { content, signer } = await judgePlace(group, targetOf(main, deps), beside, deps);
    // Nothing but a digest vouches for these.
    const isVouched = kind === 'artifact' || expected !== undefined || main.locked !== undefined;
    if (!isVouched && before?.sha256 !== content.sha256) {
      return undefined;
    }
    const facts: Facts[] = [];
    for (const [path, body] of beside) {
      const file = group.beside.find((one) => one.path === path) ?? main;
      facts.push(await recordSmall(file, body, deps));
    }
    return [...facts, await recordMain(main, content, signer, deps)];
  } catch (error) {
    // One of them may be gone since the plan was made.
    const known = fileFault(error, targetOf(main, deps));
    if (!(known instanceof DepotError) || known.code === 'INTERRUPTED' || known.code === 'DISK_FULL') {
      throw known;
    }
    deps.onWarning(main.path, `the one that is here is fetched again: ${known.message}`);
    return undefined;
  }
};

interface Judged {
  readonly content: ReleaseContent;
  readonly signer: string | undefined;
}

const judgePlace = async (
  group: PlannedGroup,
  place: string,
  beside: ReadonlyMap<string, Buffer>,
  deps: ReleaseAcquireDeps,
): Promise<Judged> => {
  const signature = beside.get(`${group.main.path}.asc`)?.toString('latin1');
  const keys = deps.trust.armored();
  const content = await deps.checker.check({ path: place, keys, ...(signature ? { signature } : {}) });
  return { content, signer: await judgeMain(group, place, content, beside, { ...deps, keys }) };
};

/** Downloads the large file and judges it. A half from an earlier run may be of another content: then once more, whole. */
const fetchMain = async (
  group: PlannedGroup,
  beside: ReadonlyMap<string, Buffer>,
  deps: ReleaseAcquireDeps,
): Promise<Judged> => {
  const part = partOf(group.main, deps);
  const wasHalf = (await stat(part).catch(() => undefined)) !== undefined;
  const attempt = async (): Promise<Judged> => {
    await downloadPart(
      {
        url: group.main.url,
        part,
        facts: part.replace(/\.part$/, '.json'),
        mayResume: true,
        limit: maxFileBytes,
        onBytes: deps.onBytes,
        ...(deps.signal ? { signal: deps.signal } : {}),
      },
      group.kind === 'artifact' ? deps : { ...deps, client: ofAnyType(deps.client) },
    );
    try {
      return await judgePlace(group, part, beside, deps);
    } catch (error) {
      await dropPart(part);
      throw error;
    }
  };
  try {
    return await attempt();
  } catch (error) {
    const isOther =
      error instanceof DepotError &&
      (error.code === 'ARCHIVE_MISMATCH' || error.code === 'SIGNATURE_REFUSED');
    if (!wasHalf || !isOther) {
      throw error;
    }
    return attempt();
  }
};

const dropPart = async (part: string): Promise<void> => {
  for (const file of [part, part.replace(/\.part$/, '.json')]) {
    await unlink(file).catch(() => {});
  }
};
