import type { HttpClient } from '../../net/http.ts';
import type { RetryPolicy } from '../../net/retry.ts';
import type { HostPolicy } from '../../net/upstream-hosts.ts';
import type { BodyMemory, Place } from './body-memory.ts';
import type { WrittenFile } from './part-file.ts';
import type { ReceivedBuffers } from './received-buffers.ts';

/** A body to fetch, and where it goes. */
export interface Download {
  readonly url: URL;
  /** Where the bytes grow. */
  readonly part: string;
  /** What the part is of; only with it can a part be continued. */
  readonly facts: string;
  /** False where it is certain that no earlier run left a part. */
  readonly mayResume: boolean;
  /** Largest body that is taken, in bytes. */
  readonly limit: number;
  /** Where small bodies are gathered, to be checked while they are written. */
  readonly memory?: BodyMemory;
  /** Called with the bytes that were added; negative when a part starts again. */
  readonly onBytes: (count: number) => void;
  readonly buffers?: ReceivedBuffers;
  readonly signal?: AbortSignal;
}

/** How the upstream is asked. */
export interface DownloadSettings {
  readonly client: HttpClient;
  readonly policy: HostPolicy;
  readonly retry: RetryPolicy;
}

/** A body that came whole. */
export interface Downloaded {
  readonly size: number;
  /** Where it is in memory; has to be given back, but not before it was written. */
  readonly place?: Place;
  /** Resolves when the part file has it, on the disk; rejects with DISK_FULL or FILE_FAILED. */
  readonly written: Promise<WrittenFile>;
}
