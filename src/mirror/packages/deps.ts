import type { SortedKeys } from '../../signing/sorted-keys.ts';
import type { AcquireDeps } from './acquire.ts';
import type { WantedItem, WantedProblem } from '../planning/plan.ts';
import type { Progress } from '../transfer/progress.ts';
import type { Upstream } from '../planning/upstream.ts';

/** What the packages are brought with. */
export interface PackageDeps extends Omit<
  AcquireDeps,
  | 'journal'
  | 'gate'
  | 'placing'
  | 'onBytes'
  | 'onWarning'
  | 'requireSignature'
  | 'leftovers'
  | 'present'
  | 'buffers'
> {
  /** What is wanted: asked of the upstream, or read from a lock file. */
  readonly resolve: () => Promise<{
    readonly items: readonly WantedItem[];
    readonly problems: readonly WantedProblem[];
    readonly absent?: readonly string[];
  }>;
  readonly upstream: Upstream;
  /** The keys that are trusted; undefined where none are known yet. */
  readonly sortedKeys: (() => Promise<SortedKeys>) | undefined;
  readonly progress: Progress;
}
