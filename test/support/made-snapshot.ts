import path from 'node:path';
import type { Depot } from '../../src/depot/depot.ts';
import { digestOf } from '../../src/files/digest.ts';
import type { SnapshotFile } from '../../src/depot/file-list.ts';
import { inspectDepot } from '../../src/depot/inspection.ts';

const quiet = (): void => undefined;

/** A text as a stream of bytes. */
export async function* one(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Stores contents and makes a snapshot of them, current at once. */
export const snapshotOf = async (depot: Depot, files: Readonly<Record<string, string>>): Promise<string> =>
  depot.change('test', async () => {
    const intake = depot.content.intake();
    const list: SnapshotFile[] = Object.entries(files).map(([name, text]) => ({
      path: name,
      sha256: digestOf(text),
      size: Buffer.byteLength(text),
    }));
    for (const file of list) {
      if (!(await depot.content.has(file))) {
        await intake.take(file, one(files[file.path] ?? ''), (reason) => new Error(reason));
      }
    }
    await intake.finish();
    const { record } = await depot.snapshots.create(list, {});
    await depot.snapshots.switchTo(record.id, 'switch');
    return record.id;
  });

/** What an inspection finds, a line each. */
export const reasons = async (depot: Depot): Promise<string[]> =>
  (await inspectDepot(depot, quiet)).findings.map(
    (found) => `${found.severity} ${path.basename(found.path)} ${found.reason}`,
  );
