import { SingleBar } from 'cli-progress';
import { judgeRules } from '../app/judge-rules.ts';
import type { Config } from '../config/settings.ts';
import { createEntryPool } from '../judge/entry-pool.ts';
import { inspectPackages, type InspectedPackage } from '../judge/inspection.ts';
import { createJudgePool } from '../judge/pool.ts';
import type { JudgeRules } from '../judge/task.ts';
import { locatePackages } from '../source/located.ts';
import type { SourceListing } from '../source/source.ts';
import { silentLog } from '../telemetry/silent-log.ts';
import { environmentConfig } from './environment-config.ts';
import { addSettings, givenFlags } from './flags.ts';
import { inspectionJson, inspectionTable } from './inspect/report.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

const help = `
PATH is an archive, a version folder NAME/VERSION, or a folder of packages; without one, the package paths of the settings.
Every package is judged by the rules of the server, and then every file in it is read and checked against its CRC-32.
Shown is what is in quarantine; -all shows the good ones too.

Exit codes: 0 everything is good, 1 there is no package, 2 wrong flags, 3 something is in quarantine.

Examples:
  fleet-depot inspect /srv/packages
  fleet-depot inspect nginx-1.20.0.zip -require-package-signatures=false
  fleet-depot inspect /srv/packages -all -json | jq '.packages[] | select(.signature != "armored").file'`;

/** `fleet-depot inspect PATH…`: what the server would serve, what not, and why. */
export const inspect: Verb = {
  name: 'inspect',
  register: (program, io, finish) => {
    const command = program
      .command('inspect')
      .argument('[path...]', 'archives, version folders or folders of packages')
      .description('Read packages whole and say what would be served, what not, and why')
      .option('--json', 'write JSON instead of a table')
      .option('--all', 'show the good packages too')
      .addHelpText('after', help);
    addSettings(command, ['packages', 'limits']).action(
      async (paths: readonly string[], options: { readonly json?: boolean; readonly all?: boolean }) =>
        finish(await run(paths, { json: options.json === true, all: options.all === true }, command, io)),
    );
  },
};

const run = async (
  paths: readonly string[],
  shown: { readonly json: boolean; readonly all: boolean },
  command: Parameters<typeof givenFlags>[0],
  io: CommandIo,
): Promise<number> => {
  const config = environmentConfig(io.env, givenFlags(command));
  const found = await inspectAll(paths.length > 0 ? paths : config.packagePaths, config, io);
  if (found === undefined) {
    io.stderr.write('stopped before everything was read\n');
    return exitCodes.failed;
  }
  io.stdout.write(shown.json ? inspectionJson(found, shown.all) : inspectionTable(found, shown.all));
  for (const { file, reasons } of found.filter(({ state }) => state === 'ignored')) {
    if (!shown.json && !shown.all) {
      io.stderr.write(`passed over: ${JSON.stringify(file)}: ${reasons.join('; ')}\n`);
    }
  }
  return exitCodeOf(found);
};

const exitCodeOf = (found: readonly InspectedPackage[]): number => {
  if (found.every(({ isPackage }) => !isPackage)) {
    return exitCodes.failed;
  }
  return found.some(({ state }) => state === 'quarantine') ? exitCodes.partly : exitCodes.ok;
};

/** Undefined where Ctrl-C came first. */
const inspectAll = async (
  paths: readonly string[],
  config: Config,
  io: CommandIo,
): Promise<InspectedPackage[] | undefined> => {
  const rules = await judgeRules(config);
  const bar = new SingleBar({
    stream: io.stderr,
    format: 'reading packages {bar} {percentage} %',
    hideCursor: true,
    clearOnComplete: true,
    noTTYOutput: false,
  });
  try {
    const listing = await listAll(paths, rules);
    if (io.isTerminal) {
      bar.start(listing.refs.length * 2, 0);
    }
    return await inspectPackages(listing, rules, {
      judges: createJudgePool({ readers: config.packagePathsWorkers }),
      readers: createEntryPool(config.packagePathsWorkers),
      progress: (done) => bar.update(done),
      signal: io.signal,
    });
  } finally {
    bar.stop();
  }
};

/** Zips come before folders, as the server takes them. */
const listAll = async (paths: readonly string[], rules: JudgeRules): Promise<SourceListing> => {
  const listings = await Promise.all(paths.map((path) => locatePackages(path, rules.limits, silentLog)));
  const refs = new Map(listings.flatMap((listing) => listing.refs).map((ref) => [ref.path, ref]));
  const ofKind = (kind: 'zip' | 'folder') => [...refs.values()].filter((ref) => ref.kind === kind);
  return {
    refs: [...ofKind('zip'), ...ofKind('folder')],
    problems: listings.flatMap((listing) => listing.problems),
  };
};
