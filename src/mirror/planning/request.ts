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
