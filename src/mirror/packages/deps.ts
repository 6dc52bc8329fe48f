import type { WantedItem, WantedProblem } from '../planning/plan.ts';
import type { SortedKeys } from '../../signing/sorted-keys.ts';
import type { Layout } from '../record/layout.ts';
import type { BodyMemory } from '../transfer/body-memory.ts';
import type { DownloadSettings } from '../transfer/download-types.ts';
import type { Progress } from '../transfer/progress.ts';
import type { ArchiveChecker } from '../checking/archive-checker.ts';
import type { Upstream } from '../planning/upstream.ts';
import type { Stripper } from './stripper.ts';

/** What the packages are brought with. */
export interface PackageDeps extends DownloadSettings {
  readonly layout: Layout;
  readonly checker: ArchiveChecker;
  /** False where there is no keyring to check signatures with, which only `requireSignature: false` allows. */
  readonly hasKeys: boolean;
  readonly memory: BodyMemory;
  readonly maxArchiveBytes: number;
  /** Packages are placed without screenshots, signed by the site key. */
  readonly stripper?: Stripper;
  readonly signal?: AbortSignal;
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
