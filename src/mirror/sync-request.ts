import type { SortedKeys } from '../signing/public-key.ts';
import type { AcquireDeps } from './acquire.ts';
import type { Layout } from './layout.ts';
import type { LockFile } from './lock-file.ts';
import type { Plan, WantedItem } from './plan.ts';
import type { Progress } from './progress.ts';
import type { ReleaseDeps } from './release-deps.ts';
import type { ReleasePlan } from './release-plan.ts';
import type { SyncOutcome, SyncReport } from './report.ts';
import type { Upstream } from './upstream.ts';
import type { WantedProblem } from './wanted-problem.ts';

/** What to do. */
export interface SyncRequest {
  /** For the report and the lock file. */
  readonly distribution: string;
  /** Address of the registry for the lock file, without userinfo. */
  readonly address: string;
  readonly dryRun: boolean;
  /** The wanted set came from a lock file, which is never changed by a run that failed in part. */
  readonly locked: boolean;
  readonly prune: boolean;
  readonly maxSize: number | undefined;
  /** Fetched at once. */
  readonly concurrency: number;
  /** Ask the size of each new archive first. */
  readonly askSizes: boolean;
  readonly requireSignature: boolean;
}

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

/** The plan of each part that a run has. */
export interface SyncPlan {
  readonly packages?: Plan;
  readonly release?: ReleasePlan;
}

/** One run into one folder. A part that is absent is left alone, and what the lock file says of it stays. */
export interface SyncDeps {
  readonly layout: Layout;
  readonly packages?: PackageDeps;
  readonly release?: ReleaseDeps;
  readonly signal?: AbortSignal;
  readonly onPlan: (plan: SyncPlan) => void;
  /** Called with the folder's lock held before anything is compared. */
  readonly prepare?: () => Promise<void>;
  /** Lock files of sets that were here before: what they name was placed by sync, and `--prune` may take it away. */
  readonly lockFilesBefore?: () => Promise<readonly LockFile[]>;
  /** Called with the folder's lock held when all is done; what it returns is added to the report. */
  readonly conclude?: (outcome: SyncOutcome, lock: LockFile) => Promise<Partial<SyncReport>>;
}
