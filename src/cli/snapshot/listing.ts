import { countOf } from '../../domain/count.ts';
import { formatBytes } from '../../config/bytes.ts';
import { bytesOf, differenceOf } from '../../depot/file-list.ts';
import { readMarks } from '../../depot/marks.ts';
import { differenceJson, printDifference, printJson, printLines } from '../depot-report.ts';
import { createOutput } from '../output.ts';
import { exitCodes } from '../verb.ts';
import type { Run } from './run.ts';

/** `snapshot list` */
export const list: Run = async (depot, flags, _args, io) => {
  const current = await depot.snapshots.current();
  const marks = await readMarks(depot.layout.marks);
  const rows = await Promise.all(
    (await depot.snapshots.ids()).map(async (id) => {
      const { createdAt, files, digest, bundle, signer } = await depot.snapshots.record(id);
      const labels = [...marks.labels].filter(([, of]) => of === id).map(([label]) => label);
      return {
        id,
        current: id === current,
        pinned: marks.pins.includes(id),
        labels,
        createdAt,
        files: files.length,
        bytes: bytesOf(files),
        digest,
        bundle: bundle ?? null,
        signer: signer ?? null,
      };
    }),
  );
  if (flags.json === true) {
    printJson(io, rows);
  } else {
    const notes = (row: (typeof rows)[number]): string =>
      [...(row.current ? ['current'] : []), ...(row.pinned ? ['pinned'] : []), ...row.labels].join(', ');
    createOutput(io).table(
      ['SNAPSHOT', 'MADE', 'FILES', 'SIZE', 'SIGNED BY', 'NOTES'],
      rows.map((row) => [
        row.id,
        row.createdAt,
        row.files,
        formatBytes(row.bytes),
        row.signer?.slice(-16) ?? '-',
        notes(row),
      ]),
    );
  }
  return exitCodes.ok;
};

/** `snapshot show [snapshot]` */
export const show: Run = async (depot, flags, [name = 'current'], io) => {
  const record = await depot.snapshots.record(await depot.snapshots.resolve(name));
  if (flags.json === true) {
    printJson(io, record);
  } else {
    createOutput(io).table(
      ['PATH', 'BYTES', 'SHA-256'],
      record.files.map((file) => [file.path, file.size, file.sha256]),
    );
    printLines(io, `${record.id}: ${countOf(record.files.length, 'file')}, digest ${record.digest}`);
  }
  return exitCodes.ok;
};

/** `snapshot diff <a> <b>` */
export const diff: Run = async (depot, flags, [a = '', b = ''], io) => {
  const [before, after] = [await depot.snapshots.resolve(a), await depot.snapshots.resolve(b)];
  const difference = differenceOf(
    (await depot.snapshots.record(before)).files,
    (await depot.snapshots.record(after)).files,
  );
  if (flags.json === true) {
    printJson(io, { before, after, ...differenceJson(difference) });
  } else {
    printDifference(io, difference);
  }
  return exitCodes.ok;
};
