import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DepotError } from '../../domain/errors.ts';
import { statOf } from '../../files/place.ts';
import type { SortedKeys } from '../../signing/sorted-keys.ts';
import type { Facts, Journal } from '../record/journal.ts';
import type { Layout } from '../record/layout.ts';
import { isReleasePath, releaseFolders, type LockedFile } from '../record/locked-file.ts';
import type { UnwantedItem } from '../planning/plan.ts';
import { eachConcurrently } from '../transfer/pool.ts';
import { askSize, type SmallFetch } from '../transfer/small-fetch.ts';
import { filesOfGroup, isSmallKind, type ReleaseFile, type ReleaseGroup } from './group.ts';
import { vouches } from './keys.ts';
import type { WantedGroups } from './resolve.ts';
import type { WantedProblem } from '../planning/wanted-problem.ts';

/** As for packages: `kept` was checked, `present` is checked before it counts, `new` has to be fetched. */
export type FileState = 'new' | 'kept' | 'present';

/** A file against what is there. */
export interface PlannedFile extends ReleaseFile {
  readonly state: FileState;
  /** Bytes; undefined where the upstream doesn't say. */
  readonly size?: number;
  readonly facts?: Facts;
}

/** A group against what is there. */
export interface PlannedGroup extends ReleaseGroup {
  readonly state: FileState;
  readonly main: PlannedFile;
  readonly beside: readonly PlannedFile[];
  /** What the folder's lock file says of the main file. */
  readonly before?: LockedFile;
}

/** The wanted files against a folder. */
export interface ReleasePlan {
  readonly groups: readonly PlannedGroup[];
  /** Files that sync placed once and that are no longer wanted; `id` is the path. */
  readonly unwanted: readonly UnwantedItem[];
  /** Files that sync never placed here: never touched. */
  readonly foreign: readonly string[];
  readonly problems: readonly WantedProblem[];
}

/** What a plan needs to know of a folder. */
export interface ReleaseFolder {
  readonly layout: Layout;
  readonly journal: Journal;
  /** Of the folder's lock file. */
  readonly previous: readonly LockedFile[];
  /** A kept artifact must have been checked with a signature. */
  readonly requireSignature: boolean;
  /** The keys of the keyring, asked only where something is kept: what one vouched for that counts no more is checked again. */
  readonly sortedKeys: () => Promise<SortedKeys>;
}

/** Every planned file, in the order of the groups, each with what lies beside it. */
export const plannedFiles = (plan: ReleasePlan): readonly PlannedFile[] =>
  plan.groups.flatMap(({ main, beside }) => [main, ...beside]);

/** Compares wanted files with a folder. Reads only names and times. */
export const compareRelease = async (
  { groups, problems }: WantedGroups,
  folder: ReleaseFolder,
): Promise<ReleasePlan> => {
  const { layout, journal } = folder;
  const previous = new Map(folder.previous.map((file) => [file.path, file]));
  const compared = await Promise.all(groups.map((group) => compareFiles(group, folder, previous)));
  // Keys that the definition asks for vouch for artifacts as those of the keyring do.
  const keys = compared.filter(({ kind }) => kind === 'key');
  const ofKeys = new Set(keys.flatMap(({ main }) => main.facts?.fingerprints ?? []));
  const planned = await Promise.all(
    compared.map(async (group) => ({ ...group, state: await stateOf(group, folder, ofKeys) })),
  );
  const wanted = new Set(planned.flatMap((group) => filesOfGroup(group).map(({ path }) => path)));
  const unwanted: UnwantedItem[] = [];
  const foreign: string[] = [];
  for (const path of await listRelease(layout.folder)) {
    // What a problem hides is not known to be unwanted: a manifest that can't be had takes its files along.
    const isHidden = problems.length > 0 && path.startsWith('downloads/endpoint/');
    if (wanted.has(path) || isHidden) {
      continue;
    }
    if (!previous.has(path) && !journal.known(path)) {
      foreign.push(path);
      continue;
    }
    // One that was taken away meanwhile is not there to be unwanted.
    const stats = await statOf(join(layout.folder, path));
    if (stats) {
      unwanted.push({ id: path, size: stats.size });
    }
  }
  return { groups: planned, unwanted, foreign, problems };
};

type ComparedGroup = Omit<PlannedGroup, 'state'>;

const compareFiles = async (
  group: ReleaseGroup,
  folder: ReleaseFolder,
  previous: ReadonlyMap<string, LockedFile>,
): Promise<ComparedGroup> => {
  const beside = await Promise.all(group.beside.map((file) => compareFile(file, folder)));
  const main = await compareFile(group.main, folder);
  const before = previous.get(main.path);
  return { ...group, main, beside, ...(before ? { before } : {}) };
};

const stateOf = async (
  { kind, main, beside }: ComparedGroup,
  folder: ReleaseFolder,
  ofKeys: ReadonlySet<string>,
): Promise<FileState> => {
  // A signature that nobody demanded may be absent.
  const needed = beside.filter(
    ({ path, state }) => !(state === 'new' && path.endsWith('.asc') && !isSignatureNeeded(path, folder)),
  );
  const states = [...needed, main].map(({ state }) => state);
  const isVouchedFor = async (signer: string | undefined): Promise<boolean> =>
    signer !== undefined && vouches(await folder.sortedKeys(), signer, ofKeys.has(signer));
  const isUnproven =
    kind === 'artifact' &&
    isSignatureNeeded(`${main.path}.asc`, folder) &&
    main.state === 'kept' &&
    !(await isVouchedFor(main.facts?.signer));
  return states.includes('new')
    ? 'new'
    : states.every((one) => one === 'kept') && !isUnproven
      ? 'kept'
      : 'present';
};

/** Whether an artifact is only good with its signature: agents verify archives; packages for people carry their own. */
export const isSignatureNeeded = (
  path: string,
  { requireSignature }: { readonly requireSignature: boolean },
): boolean => requireSignature && !/\.(?:deb|rpm|msi)(?:\.asc)?$/.test(path);

const compareFile = async (file: ReleaseFile, { layout, journal }: ReleaseFolder): Promise<PlannedFile> => {
  const stats = await stat(join(layout.folder, file.path)).catch(() => undefined);
  if (!stats?.isFile()) {
    return { ...file, state: 'new', ...(file.locked ? { size: file.locked.size } : {}) };
  }
  const facts = journal.recall(file.path, stats);
  const isAsked = file.locked === undefined || file.locked.sha256 === facts?.sha256;
  return facts && isAsked
    ? { ...file, state: 'kept', size: stats.size, facts }
    : { ...file, state: 'present', size: stats.size };
};

/** Paths of all files below the folders of a release, sorted; what has no proper name is none of ours. */
const listRelease = async (folder: string): Promise<readonly string[]> => {
  const paths: string[] = [];
  for (const root of releaseFolders) {
    const entries = await readdir(join(folder, root), { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/');
      if (!entry.isDirectory() && isReleasePath(path)) {
        paths.push(path);
      }
    }
  }
  return paths.toSorted();
};

/** Asks for the sizes of large files that have to be fetched; small ones don't matter. */
export const askReleaseSizes = async (
  plan: ReleasePlan,
  concurrency: number,
  deps: SmallFetch,
): Promise<ReleasePlan> => {
  const sizes = new Map<string, number>();
  const unknown = plan.groups.filter(
    ({ kind, main, fault }) =>
      main.state === 'new' && main.size === undefined && !isSmallKind(kind) && fault === undefined,
  );
  let silent = 0;
  await eachConcurrently(unknown, concurrency, async ({ main }) => {
    // An upstream that doesn't answer HEAD isn't asked a thousand times.
    if (silent >= 10 && sizes.size === 0) {
      return;
    }
    try {
      const size = await askSize(main.url, deps);
      if (size === undefined) {
        silent++;
      } else {
        sizes.set(main.path, size);
      }
    } catch (error) {
      if (error instanceof DepotError && error.code === 'INTERRUPTED') {
        throw error;
      }
      silent++;
    }
  });
  const groups = plan.groups.map((group) => {
    const size = sizes.get(group.main.path) ?? group.body?.length;
    return size === undefined || group.main.size !== undefined
      ? group
      : { ...group, main: { ...group.main, size } };
  });
  return { ...plan, groups };
};
