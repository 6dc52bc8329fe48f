import type { Gatekeeper } from '../../artifacts/gatekeeper.ts';
import type { ArtifactStore } from '../../artifacts/store.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { ClientAddress } from '../client-address.ts';
import type { DiskNews } from '../missing-file.ts';
import type { Transfers } from '../transfers.ts';

/** What the artifact registry is made of. */
export interface ArtifactAppOptions {
  readonly store: ArtifactStore;
  readonly news: DiskNews;
  /** Everybody is let in where left out. Keys and health are for everybody. */
  readonly gatekeeper?: Gatekeeper;
  readonly transfers: Transfers;
  /** Prefix that a reverse proxy puts before every path. */
  readonly prefix: string;
  /** Seconds that clients may keep an answer. */
  readonly maxAge: number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clientOf: ClientAddress;
}
