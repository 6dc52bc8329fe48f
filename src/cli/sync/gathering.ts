import { copyFile, link, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import type { Depot } from '../../depot/depot.ts';
import { diskError } from '../../depot/disk-error.ts';
import type { SnapshotFile } from '../../depot/file-list.ts';
import { cannotLink } from '../../files/errno.ts';
import { makeFolder } from '../../files/folder.ts';
import { isThere } from '../../files/place.ts';
import { workFolderName } from '../../mirror/record/layout.ts';
import { isReleasePath } from '../../mirror/record/locked-file.ts';

/** Puts what sync knows of the current snapshot beside what an earlier, unfinished run fetched, as hard links. */
export const gather = async (depot: Depot): Promise<void> => {
  const { layout, snapshots } = depot;
  try {
    await makeFolder(layout.gathering);
    const there = new Set(await readdir(layout.gathering, { recursive: true }));
    await rm(join(layout.gathering, 'distribution.lock'), { force: true });
    const recorded = await filesOf(depot, await snapshots.current());
    // What somebody took out of the snapshot is fetched again.
    const lost = new Set(
      await Promise.all(
        recorded.map(async ({ path }) => ((await isThere(join(layout.current, path))) ? '' : path)),
      ),
    );
    for (const { path } of recorded.filter((file) => !lost.has(file.path))) {
      const isOurs = /^[^/]+\.zip(?:\.sig(?:\.orig)?)?$/.test(path) || isReleasePath(path);
      if (isOurs && !there.has(normalize(path))) {
        await makeFolder(dirname(join(layout.gathering, path)));
        await linkOrCopy(join(layout.current, path), join(layout.gathering, path));
      }
      if (path === 'distribution.lock') {
        await copyFile(join(layout.current, path), join(layout.gathering, path));
      }
    }
  } catch (error) {
    throw diskError(layout.gathering, error);
  }
};

const linkOrCopy = async (from: string, to: string): Promise<void> => {
  try {
    await link(from, to);
  } catch (error) {
    if (!cannotLink(error)) {
      throw error;
    }
    await copyFile(from, `${to}.tmp`);
    await rename(`${to}.tmp`, to);
  }
};

/** What is in a snapshot now needs no second name, which would keep `gc` from freeing it. The journal of checks stays. */
export const emptyGathering = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) {
    if (name !== workFolderName) {
      await rm(join(folder, name), { force: true, recursive: true });
    }
  }
};

/** The files of a snapshot; none where there is no snapshot yet. */
export const filesOf = async (depot: Depot, id: string | undefined): Promise<readonly SnapshotFile[]> =>
  id === undefined ? [] : (await depot.snapshots.record(id)).files;
