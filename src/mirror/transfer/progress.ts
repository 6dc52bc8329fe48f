/** Shows how far a sync is. */
export interface Progress {
  start(total: ProgressTotal): void;
  /** Bytes that came; negative when a part starts again. */
  bytes(count: number): void;
  item(): void;
  stop(): void;
}

/** How much there is to do. */
export interface ProgressTotal {
  readonly items: number;
  /** 0 where sizes aren't known. */
  readonly bytes: number;
}

/** Shows nothing, for --json and --quiet. */
export const silentProgress: Progress = { start() {}, bytes() {}, item() {}, stop() {} };
