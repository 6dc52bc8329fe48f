import type { Facts, Journal } from '../record/journal.ts';
import { hasItsSignature } from '../record/kept-signature.ts';
import type { Layout } from '../record/layout.ts';
import type { LockedPackage, LockFile } from '../record/lock-file.ts';
import type { WantedProblem } from './wanted-problem.ts';
import { readdir } from 'node:fs/promises';
import { parseStrictVersion } from '../../domain/version.ts';
import { isPackageName } from '../../distribution/parse-definition.ts';
import type { SortedKeys } from '../../signing/sorted-keys.ts';
import { fileFault } from '../../files/file-fault.ts';
import { statOf } from '../../files/place.ts';

/** A package that is wanted, and where it comes from. */
export interface WantedItem {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly archiveUrl: URL;
  readonly signatureUrl: URL;
  /** The upstream lists it without a signature. */
  readonly unsigned?: boolean;
  /** The constraint for Kibana's version, for the lock file. */
  readonly kibana?: string;
  /** With --locked: the bytes that it must be. */
  readonly locked?: LockedPackage;
}

/**
 * `kept` is there and was checked; `present` is there and is checked before it counts; `new` has to be fetched.
 */
export interface PlanItem extends WantedItem {
  readonly state: 'new' | 'kept' | 'present';
  /** Bytes of the archive; undefined where the upstream doesn't say. */
  readonly size?: number;
  readonly facts?: Facts;
}

/** A file that sync placed once and that isn't wanted any more. */
export interface UnwantedItem {
  readonly id: string;
  readonly size: number;
}

/** The wanted set against what is there. */
export interface Plan {
  readonly items: readonly PlanItem[];
  readonly unwanted: readonly UnwantedItem[];
  /** Archives that sync never placed here: never touched. */
  readonly foreign: readonly string[];
  readonly problems: readonly WantedProblem[];
  /** Names that were asked for and nothing was found of. */
  readonly absent: readonly string[];
}

/** What a plan needs to know of a folder. */
export interface FolderState {
  readonly layout: Layout;
  readonly journal: Journal;
  readonly previous: LockFile | undefined;
  /** A kept archive must have been checked with a signature. */
  readonly requireSignature: boolean;
  /** The keys that are trusted, asked only where something is kept; undefined where none are known yet. Others' archives are checked again. */
  readonly sortedKeys: (() => Promise<SortedKeys>) | undefined;
  /** Fingerprint of the site key where packages are stripped and signed anew. */
  readonly resignedBy: string | undefined;
}

/** Compares the wanted items with the folder. Reads only names and times, and what is small and has changed. */
export async function comparePlan(
  wanted: readonly WantedItem[],
  problems: readonly WantedProblem[],
  folder: FolderState,
): Promise<Omit<Plan, 'absent'>> {
  const { layout, journal, previous } = folder;
  const files = new Set(await listFolder(layout.folder));
  const items: PlanItem[] = [];
  for (const item of wanted) {
    const stats = files.has(`${item.id}.zip`) ? await statOf(layout.archive(item.id)) : undefined;
    if (!stats) {
      items.push({ ...item, state: 'new' });
      continue;
    }
    const facts = journal.recall(item.id, stats);
    const kept =
      facts &&
      (await isEnough(facts, item, folder, files)) &&
      (await hasItsSignature(facts, stats.mtimeMs, layout));
    // Of a stripped package that wasn't recorded nobody knows any more what it was: it is fetched again.
    const altered = folder.resignedBy !== undefined || facts?.original !== undefined;
    const state = kept ? 'kept' : altered ? 'new' : 'present';
    if (state === 'new') {
      items.push({ ...item, state });
      continue;
    }
    items.push({ ...item, state, size: stats.size, ...(kept ? { facts } : {}) });
  }
  const wantedIds = new Set(wanted.map((item) => item.id));
  const placed = new Set(previous?.packages.map((one) => `${one.name}-${one.version}`));
  const unwanted: UnwantedItem[] = [];
  const foreign: string[] = [];
  for (const file of [...files].toSorted()) {
    const id = idOfFile(file);
    if (id === undefined || wantedIds.has(id)) {
      continue;
    }
    if (!placed.has(id) && !journal.known(id)) {
      foreign.push(file);
      continue;
    }
    // One that was taken away meanwhile is not there to be unwanted.
    const stats = await statOf(layout.archive(id));
    if (stats) {
      unwanted.push({ id, size: stats.size });
    }
  }
  return { items, unwanted, foreign, problems };
}

async function isEnough(
  facts: Facts,
  item: WantedItem,
  folder: FolderState,
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
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
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

/** Items and bytes of a plan, for people and reports. Unknown sizes count as 0 and are told apart. */
export interface PlanTotals {
  readonly packages: number;
  readonly names: number;
  readonly fetch: Count;
  readonly keep: Count;
  readonly unwanted: Count;
  readonly unknownSizes: number;
}

export interface Count {
  readonly items: number;
  readonly bytes: number;
}

export function totalsOf(plan: Plan): PlanTotals {
  const count = (items: readonly { readonly size?: number }[]): Count => ({
    items: items.length,
    bytes: items.reduce((sum, item) => sum + (item.size ?? 0), 0),
  });
  const fetched = plan.items.filter((item) => item.state === 'new');
  return {
    packages: plan.items.length,
    names: new Set(plan.items.map((item) => item.name)).size,
    fetch: count(fetched),
    keep: count(plan.items.filter((item) => item.state !== 'new')),
    unwanted: count(plan.unwanted),
    unknownSizes: fetched.filter((item) => item.size === undefined).length,
  };
}
