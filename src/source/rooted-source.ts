import { sep } from 'node:path';
import type { Log } from '../telemetry/log.ts';
import { mapBounded } from './bounded.ts';
import { rootProblem } from './root-folder.ts';
import type { PackageRef, PackageSource, SourceListing, SourceProblem } from './source.ts';

/** A source that knows its refs again, also after they were sent to a worker thread and back. */
export interface RootedSource extends PackageSource {
  owns(ref: PackageRef): boolean;
}

/** What one kind of packages is to a listing. */
export interface Listed<F> {
  /** For the log: `archives`. */
  readonly what: string;
  find(root: string): Promise<{ readonly found: readonly F[]; readonly problems: readonly SourceProblem[] }>;
  describe(found: F): Promise<PackageRef | SourceProblem>;
  /** How many are described at once. */
  readonly width: number;
}

/** All packages of one kind below a folder, in the order in which they were found. */
export const listRoot = async <F>(root: string, kind: Listed<F>, log: Log): Promise<SourceListing> => {
  const problem = await rootProblem(root);
  if (problem !== undefined) {
    return { refs: [], problems: [problem] };
  }
  const { found, problems } = await kind.find(root);
  const described = await mapBounded(found, kind.width, (one) => kind.describe(one));
  const refs = described.filter((one) => 'stamp' in one);
  log.debug({ 'event.action': 'source-listed', 'file.path': root }, `${root}: ${refs.length} ${kind.what}`);
  return { refs, problems: [...problems, ...described.filter((one) => 'reason' in one)] };
};

/** Whether a ref lies below a root that is an absolute path. */
export const liesBelow = (ref: PackageRef, root: string): boolean =>
  ref.path.startsWith(root === sep ? root : root + sep);
