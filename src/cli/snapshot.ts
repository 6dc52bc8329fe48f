import type { Command } from 'commander';
import { unsigned } from '../depot/agreement.ts';
import { openDepot, openOrCreateDepot, type Depot } from '../depot/depot.ts';
import { bytesOf, differenceOf } from '../depot/file-list.ts';
import { inspectDepot } from '../depot/inspection.ts';
import { labelSnapshot, pinSnapshot, unlabelSnapshot, unpinSnapshot } from '../depot/marking.ts';
import { readMarks } from '../depot/marks.ts';
import { rollbackVerb, rolledBackAlready } from '../depot/succession.ts';
import { DepotError } from '../domain/errors.ts';
import { formatBytes } from '../config/bytes.ts';
import { createByteProgress } from './byte-progress.ts';
import {
  differenceJson,
  printDifference,
  printJson,
  printLines,
  processEnvironment,
  reporting,
} from './depot-report.ts';
import { createOutput } from './output.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

interface Flags {
  readonly depot: string;
  readonly json?: boolean;
}

type Run = (
  depot: Depot,
  flags: Flags,
  args: readonly (string | undefined)[],
  io: CommandIo,
) => Promise<number>;

/** `fleet-depot snapshot init|list|show|diff|rollback|pin|unpin|label|unlabel|log|verify`. */
export const createSnapshotVerb = (): Verb => ({
  name: 'snapshot',
  register(program, io, finish) {
    const snapshot = program
      .command('snapshot')
      .description("see a depot's snapshots, go back, pin, label, read and check its journal");
    const add = (usage: string, description: string, run: Run, open = openDepot): Command =>
      snapshot
        .command(usage)
        .description(description)
        .requiredOption('--depot <dir>', 'the depot')
        .option('--json', 'print the result as JSON')
        .action((...given: unknown[]) => {
          // Commander hands over the arguments, then the options, then the command.
          const flags = given.at(-2) as Flags;
          const args = given.slice(0, -2) as (string | undefined)[];
          return reporting(io, finish, async () =>
            run(await open(flags.depot, processEnvironment), flags, args, io),
          );
        });
    add('init', 'make an empty depot, for `sync`; `bundle import` makes its own', init, openOrCreateDepot);
    add('list', 'all snapshots, oldest first', list);
    add('show [snapshot]', 'the files of one (default: current)', show);
    add('diff <a> <b>', 'what b has more, less and other than a', diff);
    add('rollback [snapshot]', 'switch to an earlier one (default: the one before the current)', rollback);
    add('pin <snapshot>', 'gc never removes it', marking(pinSnapshot, 'pinned'));
    add('unpin <snapshot>', 'gc may remove it', marking(unpinSnapshot, 'not pinned any more'));
    add(
      'label <snapshot> <name>',
      'give it a name, which also keeps it from gc',
      marking(labelSnapshot, 'labelled'),
    );
    add('unlabel <name>', 'take a name away', async (depot, flags, [name = ''], out) => {
      await depot.smallChange('snapshot unlabel', () => unlabelSnapshot(depot, name));
      return done(out, flags, { label: name }, `label ${name} is gone`);
    });
    add('log', 'the journal of all changes', log);
    add('verify', 'check journal, records, folders and every content', verify).option(
      '--accept-journal',
      'after you looked into a broken journal: set it aside and start a new chain',
    );
  },
});

const init: Run = async (depot, flags, _args, io) => {
  // An empty change: it leaves the journal's first line.
  await depot.change('snapshot init', async () => undefined);
  return done(io, flags, { depot: depot.id }, `${depot.layout.root} is depot ${depot.id}`);
};

const list: Run = async (depot, flags, _args, io) => {
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

const show: Run = async (depot, flags, [name = 'current'], io) => {
  const record = await depot.snapshots.record(await depot.snapshots.resolve(name));
  if (flags.json === true) {
    printJson(io, record);
  } else {
    createOutput(io).table(
      ['PATH', 'BYTES', 'SHA-256'],
      record.files.map((file) => [file.path, file.size, file.sha256]),
    );
    printLines(io, `${record.id}: ${record.files.length} files, digest ${record.digest}`);
  }
  return exitCodes.ok;
};

const diff: Run = async (depot, flags, [a = '', b = ''], io) => {
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

const rollback: Run = async (depot, flags, [name], io) => {
  const [before, id] = await depot.smallChange(rollbackVerb, async (cut) => {
    const now = await depot.snapshots.current().catch(() => undefined);
    if (
      name === undefined &&
      now !== undefined &&
      rolledBackAlready((await depot.journal.read()).lines, cut)
    ) {
      io.stderr.write(
        'note: the rollback before this one was killed after its switch; say `rollback` again to go back one further\n',
      );
      return [now, now];
    }
    const target = await depot.snapshots.resolve(name ?? 'previous');
    if (target !== now) {
      refuseDamaged(depot, target, (await depot.snapshots.mend(target)).left);
      await depot.snapshots.switchTo(target, 'rollback');
    }
    return [now, target];
  });
  return done(
    io,
    flags,
    { snapshot: id, previous: before ?? null },
    before === id ? `${id} is current already` : `${id} is current (before: ${before ?? 'none'})`,
  );
};

/** What is put in force has to be what was signed once. */
const refuseDamaged = (depot: Depot, id: string, left: readonly string[]): void => {
  const [first] = left;
  if (first !== undefined) {
    throw new DepotError('DEPOT_DAMAGED', {
      path: depot.layout.snapshotFolder(id),
      reason: `${first}${left.length > 1 ? `, and ${left.length - 1} more` : ''}; what is in force stays`,
    });
  }
};

const marking =
  (
    mark: (depot: Depot, id: string, label: string) => Promise<string | undefined | void>,
    what: string,
  ): Run =>
  async (depot, flags, [name = '', label = ''], io) => {
    const [id, before] = await depot.smallChange('snapshot mark', async () => {
      const found = await depot.snapshots.resolve(name);
      return [found, (await mark(depot, found, label)) ?? undefined] as const;
    });
    return done(
      io,
      flags,
      {
        snapshot: id,
        ...(label === '' ? {} : { label }),
        ...(before === undefined ? {} : { before }),
      },
      `${id} is ${what} ${label}${before === undefined ? '' : ` (before: ${before}, which it no longer keeps from gc)`}`.trimEnd(),
    );
  };

const log: Run = async (depot, flags, _args, io) => {
  const state = await depot.journal.read();
  if (flags.json === true) {
    printJson(io, { lines: state.lines, tornBytes: state.tornBytes, fault: state.fault ?? null });
  } else {
    createOutput(io).table(
      ['N', 'TIME', 'USER', 'ACTION', 'SNAPSHOT', 'DIGEST', 'NOTE'],
      state.lines.map((line) => [
        line.n,
        line.time,
        line.user,
        line.action,
        line.snapshot ?? '-',
        line.digest?.slice(0, 12) ?? '-',
        [line.note ?? [], line.signer === undefined ? [] : signerNote(line.signer)].flat().join(', '),
      ]),
    );
  }
  if (state.tornBytes > 0) {
    io.stderr.write(
      `the last line is torn (${state.tornBytes} bytes), as a crash leaves it; the next change cuts it off\n`,
    );
  }
  if (state.fault !== undefined) {
    io.stderr.write(`${depot.layout.journal} line ${state.fault.line}: ${state.fault.reason}\n`);
  }
  return state.fault === undefined ? exitCodes.ok : exitCodes.failed;
};

const signerNote = (signer: string): string =>
  signer === unsigned ? 'not signed' : `signed by ${signer.slice(-16)}`;

const verify: Run = async (depot, flags, _args, io) => {
  const accept = (flags as Flags & { readonly acceptJournal?: boolean }).acceptJournal === true;
  if (accept && (await depot.journal.read()).fault !== undefined) {
    io.stderr.write(`the broken journal is now ${await depot.restartJournal()}\n`);
  }
  const progress = createByteProgress(io, 'checking', flags.json === true);
  const found = await inspectDepot(depot, (bytes) => progress.update(bytes), io.signal).finally(() =>
    progress.stop(),
  );
  const damaged = found.findings.filter((one) => one.severity === 'damage').length;
  if (flags.json === true) {
    printJson(io, found);
  } else {
    for (const one of found.findings) {
      printLines(io, `${one.severity}: ${one.path}: ${one.reason}`);
    }
    printLines(
      io,
      `${found.snapshots} snapshots, ${found.contents} contents, ${formatBytes(found.bytes)} read: ${damaged === 0 ? 'no damage' : `${damaged} damaged`}`,
    );
  }
  return damaged === 0 ? exitCodes.ok : exitCodes.failed;
};

const done = (io: CommandIo, flags: Flags, value: unknown, line: string): number => {
  if (flags.json === true) {
    printJson(io, value);
  } else {
    printLines(io, line);
  }
  return exitCodes.ok;
};
