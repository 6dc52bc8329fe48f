import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { ErrorCode, ErrorDetails } from '../domain/errors.ts';
import type { IndexNews } from '../index/follower.ts';
import type { ReadFault } from '../source/read-faults.ts';

/** The variable that makes a process a worker, and tells it the folder of the index file. */
export const workerCacheVariable = 'FLEET_DEPOT_WORKER_CACHE';

/** The metrics of one process, as they cross to another. */
export type MetricValues = readonly MetricObjectWithValues<MetricValue<string>>[];

/** What the primary says to a worker. */
export type ToWorker =
  | { readonly type: 'index'; readonly news: IndexNews }
  /** `change` counts the changes of artifacts that the primary has found and judged. */
  | { readonly type: 'artifacts'; readonly change: number }
  /** A client has shown a wrong credential for artifacts to another worker. */
  | { readonly type: 'credential-failed'; readonly client: string }
  | { readonly type: 'ask-metrics'; readonly id: number }
  | { readonly type: 'stop' };

/** What a worker says to the primary. */
export type ToPrimary =
  | { readonly type: 'listening'; readonly url: string }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly details: ErrorDetails }
  | { readonly type: 'refresh' }
  /** The index file can't be read. */
  | { readonly type: 'rewrite-index' }
  /** A file could not be read for a client. */
  | { readonly type: 'unreadable'; readonly fault: ReadFault }
  | { readonly type: 'refresh-artifacts' }
  | { readonly type: 'credential-failed'; readonly client: string }
  | { readonly type: 'metrics'; readonly id: number; readonly values: MetricValues };
