import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DepotError } from '../domain/errors.ts';

/** The depot that a path lies inside of, links followed; undefined for a depot's own folder and for everything else. */
export const enclosingDepot = async (inside: string): Promise<string | undefined> => {
  let folder = await realpath(inside).catch(() => path.resolve(inside));
  while (path.dirname(folder) !== folder) {
    folder = path.dirname(folder);
    if (await stat(path.join(folder, 'depot.json')).catch(() => undefined)) {
      return folder;
    }
  }
  return undefined;
};

/** Refuses to change something inside a depot, where only a new snapshot may. `what` names the way out. Throws DEPOT_INSIDE. */
export const refuseInsideDepot = async (inside: string, what: string): Promise<void> => {
  const depot = await enclosingDepot(inside);
  if (depot !== undefined) {
    throw new DepotError('DEPOT_INSIDE', { path: inside, depot, what });
  }
};
