import type { SortedKeys } from '../../signing/sorted-keys.ts';
import type { DownloadSettings } from '../transfer/download-types.ts';
import type { Layout } from '../record/layout.ts';
import type { Progress } from '../transfer/progress.ts';
import type { ReleaseChecker } from './checker.ts';
import type { KeyTrust } from './keys.ts';
import type { PlaceDeps } from './place.ts';
import type { WantedGroups } from './resolve.ts';

/** What bringing artifacts, keys, files of Elastic Defend, models and docs needs. */
export interface ReleaseDeps extends DownloadSettings {
  readonly layout: Layout;
  readonly checker: ReleaseChecker;
  readonly trust: KeyTrust;
  /** The keys of the keyring. */
  readonly sortedKeys: () => Promise<SortedKeys>;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** What is wanted: of a definition, or of a lock file. */
  readonly resolve: () => Promise<WantedGroups>;
}

/** What getting one group needs. */
export interface ReleaseAcquireDeps extends ReleaseDeps, PlaceDeps {
  /** Whether a key vouches for artifacts in this run: one of the keyring, or of `keys:`. */
  readonly isTrusted: (fingerprint: string) => Promise<boolean>;
  readonly requireSignature: boolean;
  readonly onBytes: (count: number) => void;
  readonly onWarning: (label: string, reason: string) => void;
}
