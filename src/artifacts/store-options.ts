import type { Log } from '../telemetry/log.ts';
import type { ArtifactPolicy } from './artifact.ts';
import type { ArtifactRoots } from './mounts.ts';
import type { ContentChecker } from './content-check.ts';
import type { DigestMemory } from './digest-memory.ts';

/** What a store needs. */
export interface ArtifactStoreOptions {
  readonly roots: ArtifactRoots;
  readonly policy: ArtifactPolicy;
  readonly memory: DigestMemory;
  /** Left out where another process reads contents: its memory is followed, and it tells in the log of what changes. */
  readonly checker?: ContentChecker;
  readonly log: Log;
  /** Milliseconds between two looks at the folders; none where left out. */
  readonly interval?: number;
  /** Called after each change, when the memory has been saved. */
  readonly onChange?: () => void;
  /** Called where a file was found replaced since it was judged, or what is known of all is gone from the memory that is followed. */
  readonly onStale?: () => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Milliseconds by a clock that nobody sets. */
  readonly steady?: () => number;
}
