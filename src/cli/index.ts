import type { Command } from 'commander';
import { countOf } from '../domain/count.ts';
import { loadConfig } from '../config/load.ts';
import type { IndexCheck } from '../index/index-check.ts';
import { addSettings, givenFlags } from './flags.ts';
import { createNoteLog } from './note-log.ts';
import { createOutput, type Output, type Progress } from './output.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';
import type { PackageParts } from '../app/package-index.ts';

const examples = `
The index belongs to its settings: give the same -package-paths, -cache-dir, -require-package-signatures and limits as
serve will have, by flags, variables or config.yml.

Examples:
  fleet-depot index build -package-paths /packages/package-registry -cache-dir /var/cache/fleet-depot
  fleet-depot index check                               what would the next start read, and why?
  fleet-depot index clear`;

/** `fleet-depot index build|check|clear`: the kept index without a server, so that an image can ship with it. */
export const index: Verb = {
  name: 'index',
  register: (program, io, finish) => {
    const group = program.command('index').description('Make, check or remove the index that a start reads');
    const add = (name: string, description: string, run: Run): void => {
      const command = group
        .command(name)
        .description(description)
        .allowExcessArguments(false)
        .addHelpText('after', examples);
      addSettings(command).action(async () => finish(await start(command, io, run)));
    };
    add('build', 'Read all packages and keep the index: exit 3 when some are broken', build);
    add(
      'check',
      'Say whether the index is whole and current: exit 3 when packages would be read again',
      check,
    );
    add('clear', 'Remove the index', clear);
  },
};

type Run = (parts: PackageParts, out: Output, io: CommandIo) => Promise<number>;

const start = async (command: Command, io: CommandIo, run: Run): Promise<number> => {
  const loaded = loadConfig({ env: io.env, flags: givenFlags(command) });
  if (!loaded.ok) {
    for (const problem of loaded.problems) {
      io.stderr.write(`error: ${problem.message}\n`);
    }
    return exitCodes.usage;
  }
  const out = createOutput(io);
  // Loaded here, so that the other verbs start without the whole server.
  const { createPackageParts } = await import('../app/package-index.ts');
  return run(await createPackageParts(loaded.config, createNoteLog(out)), out, io);
};

const build: Run = async ({ source, pool, rules, cache }, out, io) => {
  const { buildOffline } = await import('../index/offline-build.ts');
  let bar: Progress | undefined;
  const options = {
    source,
    pool,
    rules,
    log: createNoteLog(out),
    signal: io.signal,
    progress: (done: number, total: number): void => {
      if (done === 0) {
        bar?.end();
        bar = total > 0 ? out.progress('packages', total) : undefined;
      } else {
        bar?.advance(1);
      }
    },
  };
  const result = await buildOffline(cache, options).finally(() => bar?.end());
  const lost = result.problems.filter(({ isRoot }) => isRoot === true);
  for (const { path, reason } of lost) {
    out.note(`error: ${path}: ${reason} (-package-paths, EPR_PACKAGE_PATHS)`);
  }
  if (!result.isSaved) {
    return exitCodes.failed;
  }
  const { items, quarantine, looked } = result;
  out.line(
    `${cache.file}: ${countOf(items.length, 'package version')}, ${quarantine.length} in quarantine, ${looked} read now`,
  );
  if (result.isAborted) {
    out.note('stopped early: what was read is kept, the next run reads the rest');
  }
  const isWhole = lost.length === 0 && !result.isAborted;
  return !isWhole ? exitCodes.failed : quarantine.length > 0 ? exitCodes.partly : exitCodes.ok;
};

const shownPackages = 20;

const check: Run = async ({ source, cache, rules }, out) => {
  const { checkIndex } = await import('../index/index-check.ts');
  const result = await checkIndex(cache, source, rules.signatures);
  for (const { path, reason } of result.problems.filter(({ isRoot }) => isRoot === true)) {
    out.note(`${path}: ${reason} (-package-paths, EPR_PACKAGE_PATHS)`);
  }
  if (!result.index.known) {
    const { kind, problem } = result.index;
    const what =
      kind === 'absent'
        ? 'there is no index of this version for these settings'
        : `it is not taken: ${problem}`;
    out.line(
      `${cache.file}: ${what}; a start reads ${result.found === 1 ? 'the package' : `all ${result.found} packages`}`,
    );
    return exitCodes.failed;
  }
  describeStale(result, out);
  const { stale, removed, found } = result;
  const compared = stale.filter(({ isSame }) => isSame).length;
  const outcome =
    stale.length + removed.length === 0
      ? 'a start reads none of them'
      : `a start reads ${stale.length - compared}, compares ${compared} and forgets ${removed.length}`;
  out.line(
    `${cache.file}: whole, ${countOf(result.index.known.size, 'package')} in it, ${found} found; ${outcome}`,
  );
  return stale.length + removed.length === 0 ? exitCodes.ok : exitCodes.partly;
};

const describeStale = ({ stale, removed }: IndexCheck, out: Output): void => {
  const lines = [
    ...stale.map(({ label, why, isSame }) => `${label}: ${why}${isSame ? '; its content is the same' : ''}`),
    ...removed.map((path) => `${path}: it is gone`),
  ];
  for (const line of lines.slice(0, shownPackages)) {
    out.line(line);
  }
  if (lines.length > shownPackages) {
    out.line(`and ${lines.length - shownPackages} more`);
  }
};

const clear: Run = async ({ cache }, out) => {
  out.line((await cache.clear()) ? `removed ${cache.file}` : `${cache.file}: there is none`);
  return exitCodes.ok;
};
