import type { PackageDeps } from './packages/deps.ts';
import type { Layout } from './record/layout.ts';
import type { LockFile } from './record/lock-file.ts';
import type { Plan } from './planning/plan.ts';
import type { ReleaseDeps } from './release/deps.ts';
import type { ReleasePlan } from './release/plan.ts';
import type { SyncOutcome, SyncReport } from './record/report.ts';

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
