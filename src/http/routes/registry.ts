import type { ArchiveCache } from '../../answer/archive-cache.ts';
import type { Answers } from '../../answer/answers.ts';
import type { PackageFileAnswers } from '../../answer/package-file.ts';
import type { Snapshot } from '../../index/snapshot.ts';
import type { PackageSource } from '../../source/source.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { DiskNews } from '../missing-file.ts';
import type { Transfers } from '../transfers.ts';

/** Seconds that clients may keep an answer, by kind. */
export interface CacheTimes {
  readonly index: number;
  readonly search: number;
  readonly categories: number;
  readonly catchAll: number;
}

/** What the routes of the registry are made of. */
export interface RegistryRoutes extends DiskNews {
  /** The snapshot for one request; throws NOT_READY before the first stands. */
  snapshot(): Snapshot;
  readonly answers: Answers;
  readonly files: PackageFileAnswers;
  readonly archives: ArchiveCache;
  readonly transfers: Transfers;
  readonly source: PackageSource;
  readonly cacheTimes: CacheTimes;
  readonly allowUnknownParameters: boolean;
  readonly prefix: string;
  readonly metrics: Pick<Metrics, 'storageAsked'>;
}
