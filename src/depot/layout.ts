import path from 'node:path';
import { makeFolder } from '../files/folder.ts';

/** Where everything of a depot lies. All of it is on one file system, so that renames are atomic and hard links work. */
export interface DepotLayout {
  readonly root: string;
  /** `depot.json`: format and id. Its presence makes a folder a depot. */
  readonly marker: string;
  readonly content: string;
  readonly snapshots: string;
  readonly records: string;
  readonly marks: string;
  readonly journal: string;
  /** The symlink to the snapshot in force: what a server is given as package path. */
  readonly current: string;
  readonly temporary: string;
  /** Where `sync` gathers what it fetches, until it is all there. */
  readonly gathering: string;
  readonly lock: string;
  /** Space that is kept back for `gc` and rollback on a full disk. */
  readonly reserve: string;
  contentFile(sha256: string): string;
  snapshotFolder(id: string): string;
  recordFile(id: string): string;
}

/** The layout below one folder. Digests and ids must have been checked before: they become path parts. */
export const depotLayout = (root: string): DepotLayout => {
  const at = (...parts: string[]): string => path.join(root, ...parts);
  return {
    root,
    marker: at('depot.json'),
    content: at('content', 'sha256'),
    snapshots: at('snapshots'),
    records: at('records'),
    marks: at('marks.json'),
    journal: at('journal.jsonl'),
    current: at('current'),
    temporary: at('tmp'),
    gathering: at('sync'),
    lock: at('lock'),
    reserve: at('reserve'),
    contentFile: (sha256) => at('content', 'sha256', sha256.slice(0, 2), sha256),
    snapshotFolder: (id) => at('snapshots', id),
    recordFile: (id) => at('records', `${id}.json`),
  };
};

/** Makes the folders that every depot has, where they are not there. A server reads the snapshots whatever the umask. */
export const makeDepotFolders = async (layout: DepotLayout): Promise<void> => {
  for (const folder of [layout.content, layout.records, layout.temporary]) {
    await makeFolder(folder);
  }
  await makeFolder(layout.snapshots, 0o755);
};
