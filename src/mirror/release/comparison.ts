import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SortedKeys } from '../../signing/sorted-keys.ts';
import { isReleasePath, releaseFolders, type LockedFile } from '../record/locked-file.ts';
import { findSurplus, type ComparedFolder, type FileState } from '../planning/compared-folder.ts';
import { filesOfGroup, type ReleaseFile, type ReleaseGroup } from './group.ts';
import { vouches, isSignatureNeeded } from './keys.ts';
import { isHidden, type PlannedFile, type PlannedGroup, type ReleasePlan } from './plan.ts';
import type { WantedGroups } from './resolve.ts';

/** What a plan needs to know of a folder of artifacts, keys, models and docs. */
export interface ReleaseFolder extends ComparedFolder {
  /** Of the folder's lock file. */
  readonly previous: readonly LockedFile[];
  /** The keys of the keyring, asked only where something is kept: what one vouched for that counts no more is checked again. */
  readonly sortedKeys: () => Promise<SortedKeys>;
}

/** Compares wanted files with a folder. Reads only names and times. */
export const compareRelease = async (
  { groups, problems }: WantedGroups,
  folder: ReleaseFolder,
): Promise<ReleasePlan> => {
  const previous = new Map(folder.previous.map((file) => [file.path, file]));
  const compared = await Promise.all(groups.map((group) => compareFiles(group, folder, previous)));
  // Keys that the definition asks for vouch for artifacts as those of the keyring do.
  const keys = compared.filter(({ kind }) => kind === 'key');
  const ofKeys = new Set(keys.flatMap(({ main }) => main.facts?.fingerprints ?? []));
  const planned = await Promise.all(
    compared.map(async (group) => ({ ...group, state: await stateOf(group, folder, ofKeys) })),
  );
  const wanted = new Set(planned.flatMap((group) => filesOfGroup(group).map(({ path }) => path)));
  const others = (await listRelease(folder.layout.folder)).filter(
    (path) => !wanted.has(path) && !isHidden(path, problems),
  );
  const surplus = await findSurplus(
    others.map((path) => ({ id: path, path })),
    (path) => previous.has(path),
    folder,
  );
  return { groups: planned, ...surplus, problems };
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
