import type { DepotEnvironment } from '../depot/depot.ts';
import { osUser } from '../depot/depot.ts';
import type { Difference } from '../depot/file-list.ts';
import { bytesOf } from '../depot/file-list.ts';
import { formatBytes } from '../config/bytes.ts';
import { exitCodes, type CommandIo } from './verb.ts';

/** Clock and user of the real process. */
export const processEnvironment: DepotEnvironment = { clock: () => new Date(), user: osUser };

/** Prints one JSON document. */
export const printJson = (io: CommandIo, value: unknown): void =>
  void io.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);

/** Prints lines of results. */
export const printLines = (io: CommandIo, ...lines: readonly string[]): void =>
  void io.stdout.write(lines.map((line) => `${line}\n`).join(''));

/** Lines for what differs, at most `limit`, and their sum. */
export const printDifference = (io: CommandIo, difference: Difference, limit = Infinity): void => {
  const { added, removed, changed, kept } = difference;
  // What goes or changes is rarer than what comes, and more of a surprise.
  const lines = [
    ...removed.map((file) => `- ${file.path}`),
    ...changed.map((file) => `~ ${file.path}`),
    ...added.map((file) => `+ ${file.path}`),
  ];
  printLines(io, ...lines.slice(0, limit));
  if (lines.length > limit) {
    printLines(io, `and ${lines.length - limit} more (\`snapshot diff\` and --json have all)`);
  }
  io.stdout.write(
    `${added.length} added (${formatBytes(bytesOf(added))}), ${removed.length} removed (${formatBytes(bytesOf(removed))}), ${changed.length} changed, ${kept.length} kept\n`,
  );
};

/** A difference as JSON: paths, and bytes of each part. */
export const differenceJson = (difference: Difference): Readonly<Record<string, unknown>> => ({
  added: difference.added.map((file) => file.path),
  removed: difference.removed.map((file) => file.path),
  changed: difference.changed.map((file) => file.path),
  kept: difference.kept.length,
  addedBytes: bytesOf(difference.added),
  removedBytes: bytesOf(difference.removed),
});

/** Runs an action; Ctrl-C ends it with one plain line and 1. */
export const reporting = async (
  io: CommandIo,
  finish: (exitCode: number) => void,
  work: () => Promise<number>,
): Promise<void> => {
  try {
    finish(await work());
  } catch (error) {
    if (!io.signal.aborted) {
      throw error;
    }
    io.stderr.write('stopped; what was in force before still is, and the same command goes on from here\n');
    finish(exitCodes.failed);
  }
};
