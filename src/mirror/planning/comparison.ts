import { readdir } from 'node:fs/promises';
import { isPackageName } from '../../distribution/parse-definition.ts';
import { errnoOf } from '../../domain/system-error.ts';
import { parseStrictVersion } from '../../domain/version.ts';
import { fileFault } from '../../files/file-fault.ts';
import { statOf } from '../../files/place.ts';
import type { SortedKeys } from '../../signing/sorted-keys.ts';
import type { Facts } from '../record/journal.ts';
import { hasItsSignature } from '../record/kept-signature.ts';
import type { LockFile } from '../record/lock-file.ts';
import { findSurplus, type ComparedFolder } from './compared-folder.ts';
import type { WantedItem, PlanItem, Plan, WantedProblem } from './plan.ts';

/** What a plan needs to know of a folder of packages. */
export interface PackageFolder extends ComparedFolder {
  readonly previous: LockFile | undefined;
  /** The keys that are trusted, asked only where something is kept; undefined where none are known yet. Others' archives are checked again. */
  readonly sortedKeys: (() => Promise<SortedKeys>) | undefined;
  /** Fingerprint of the site key where packages are stripped and signed anew. */
  readonly resignedBy: string | undefined;
}

/** Compares the wanted items with the folder. Reads only names and times, and what is small and has changed. */
export async function comparePlan(
  wanted: readonly WantedItem[],
  problems: readonly WantedProblem[],
  folder: PackageFolder,
): Promise<Omit<Plan, 'absent'>> {
  const files = new Set(await listFolder(folder.layout.folder));
  const items: PlanItem[] = [];
  for (const item of wanted) {
    items.push(await compareItem(item, folder, files));
  }
  const wantedIds = new Set(wanted.map((item) => item.id));
  const placed = new Set(folder.previous?.packages.map((one) => `${one.name}-${one.version}`));
  const others = [...files].toSorted().flatMap((path) => {
    const id = idOfFile(path);
    return id === undefined || wantedIds.has(id) ? [] : [{ id, path }];
  });
  return { items, ...(await findSurplus(others, (id) => placed.has(id), folder)), problems };
}

async function compareItem(
  item: WantedItem,
  folder: PackageFolder,
  files: ReadonlySet<string>,
): Promise<PlanItem> {
  const { layout, journal } = folder;
  const stats = files.has(`${item.id}.zip`) ? await statOf(layout.archive(item.id)) : undefined;
  if (!stats) {
    return { ...item, state: 'new' };
  }
  const facts = journal.recall(item.id, stats);
  const isKept =
    facts &&
    (await isEnough(facts, item, folder, files)) &&
    (await hasItsSignature(facts, stats.mtimeMs, layout));
  if (isKept) {
    return { ...item, state: 'kept', size: stats.size, facts };
  }
  // Of a stripped package that wasn't recorded nobody knows any more what it was: it is fetched again.
  const isAltered = folder.resignedBy !== undefined || facts?.original !== undefined;
  return isAltered ? { ...item, state: 'new' } : { ...item, state: 'present', size: stats.size };
}

/** Whether what was found of an archive is all that is asked of it now. */
async function isEnough(
  facts: Facts,
  item: WantedItem,
  folder: PackageFolder,
  files: ReadonlySet<string>,
): Promise<boolean> {
  const { resignedBy } = folder;
  if ((facts.original === undefined) !== (resignedBy === undefined)) {
    return false;
  }
  if (resignedBy !== undefined && facts.signer !== resignedBy) {
    return false;
  }
  if (facts.original?.signature && !files.has(`${item.id}.zip.sig.orig`)) {
    return false;
  }
  if (folder.requireSignature && (facts.signer === undefined || !files.has(`${item.id}.zip.sig`))) {
    return false;
  }
  const vouching = facts.original?.signer ?? facts.signer;
  if (folder.requireSignature && vouching !== undefined) {
    const sorted = await folder.sortedKeys?.();
    if (sorted?.usable.has(vouching) === false) {
      return false;
    }
  }
  if (!item.locked) {
    return true;
  }
  if (item.locked.original) {
    // A signature that is made anew is never the same twice.
    return facts.sha256 === item.locked.sha256 && facts.original?.sha256 === item.locked.original.sha256;
  }
  const { sha256, size, signer, signature } = item.locked;
  return (
    facts.sha256 === sha256 &&
    facts.size === size &&
    (signer === undefined || facts.signer === undefined || facts.signer === signer) &&
    facts.signature?.sha256 === signature?.sha256
  );
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return [];
    }
    throw fileFault(error, folder);
  }
}

/** `nginx-1.2.3` of `nginx-1.2.3.zip`; undefined for anything that isn't a package's archive. */
function idOfFile(file: string): string | undefined {
  const match = /^([a-z0-9_]+)-(.+)\.zip$/.exec(file);
  const proper =
    match?.[1] !== undefined && isPackageName(match[1]) && parseStrictVersion(match[2] ?? '') !== undefined;
  return proper ? file.slice(0, -'.zip'.length) : undefined;
}
