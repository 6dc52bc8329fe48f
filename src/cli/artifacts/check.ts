import { join } from 'node:path';
import type { Command } from 'commander';
import { checkUpgrade, type Completeness } from '../../artifacts/completeness.ts';
import { agentPlatforms } from '../../artifacts/release-set.ts';
import type { ArtifactStore } from '../../artifacts/store.ts';
import { countOf } from '../../domain/count.ts';
import { DepotError } from '../../domain/errors.ts';
import { defaultCacheFolder } from '../../index/cache-folder.ts';
import { artifactFolders, withArtifacts } from '../artifact-folders.ts';
import { environmentConfig } from '../environment-config.ts';
import { readPlatforms } from '../agent-platforms.ts';
import { createOutput, type Output } from '../output.ts';
import { exitCodes, type CommandIo } from '../verb.ts';

interface CheckOptions {
  readonly keys?: string;
  readonly agent?: string;
  readonly platform: string;
  readonly full?: boolean;
  readonly json?: boolean;
}

/** Adds `fleet-depot artifacts check [PATH]`. */
export const addArtifactsCheck = (
  parent: Command,
  io: CommandIo,
  finish: (exitCode: number) => void,
): void => {
  parent
    .command('check')
    .argument('[path]', 'folder that has downloads/ in it; EPR_ARTIFACTS_PATH where left out')
    .description('Check artifacts as agents would, and say whether agents can upgrade: exit 0 yes, 1 no')
    .option('--keys <path>', 'folder with the public keys; EPR_KEYS_PATH where left out')
    .option('--agent <version>', 'version that agents are to be upgraded to')
    .option(
      '--platform <list>',
      `platforms of the agents: ${Object.keys(agentPlatforms).join(',')}`,
      'linux-x86_64',
    )
    .option('--full', "ask for the guide's whole list of a release too")
    .option('--json', 'print the result as JSON')
    .action(async (path: string | undefined, options: CheckOptions) => finish(await run(path, options, io)));
};

const run = async (path: string | undefined, options: CheckOptions, io: CommandIo): Promise<number> => {
  const config = environmentConfig(io.env);
  const folders = artifactFolders({ artifacts: path, keys: options.keys }, config);
  if (folders.artifacts === undefined) {
    throw new DepotError('USAGE', { reason: 'artifacts check: name the folder, or set EPR_ARTIFACTS_PATH' });
  }
  const platforms = readPlatforms(options.platform);
  const { agent } = options;
  if (agent !== undefined && !/^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/.test(agent)) {
    throw new DepotError('USAGE', { reason: `--agent: '${agent}' is no version such as 9.2.1` });
  }
  const output = createOutput(io, { quiet: options.json === true });
  output.note('reading the artifacts; large ones take a while');
  return withArtifacts(folders, config.cacheDir ?? defaultCacheFolder(io.env), (store) => {
    const artifacts = folders.artifacts ?? '';
    const shown = { artifacts, keys: folders.keys ?? join(artifacts, 'keys') };
    const completeness =
      agent === undefined
        ? undefined
        : checkUpgrade(
            { version: agent, platforms, withOptional: options.full === true },
            { find: store.find, folders: shown },
          );
    if (options.json === true) {
      output.json(jsonReport(store, completeness));
    } else {
      printQuarantine(output, store);
      (completeness ? printUpgrade : printReleases)(output, store, completeness);
    }
    const { quarantined, unchecked, faults } = store.report();
    const isGood = completeness ? completeness.isComplete : quarantined + unchecked + faults.length === 0;
    return isGood ? exitCodes.ok : exitCodes.failed;
  });
};

const jsonReport = (store: ArtifactStore, completeness: Completeness | undefined): object => ({
  ...store.report(),
  quarantine: store
    .list()
    .filter(({ state }) => state === 'quarantined')
    .map(({ path, reasons }) => ({ path, reasons })),
  ...(completeness ? { upgrade: completeness } : {}),
});

const printQuarantine = (output: Output, store: ArtifactStore): void => {
  const { faults, trusted_keys: keys } = store.report();
  const broken = store
    .list()
    .filter(({ state, kind }) => state === 'quarantined' && kind !== 'sha512' && kind !== 'signature');
  for (const { path, reasons } of [
    ...broken,
    ...faults.map((fault) => ({ path: fault.path, reasons: [fault.reason] })),
  ]) {
    output.line(`${path} ${reasons.join('; ')}`);
  }
  if (keys === 0) {
    output.line(
      'There is no trusted key: signatures were checked for their form only (--keys, EPR_KEYS_PATH).',
    );
  }
};

const printReleases = (output: Output, store: ArtifactStore): void => {
  const { releases } = store.report();
  if (releases.length > 0) {
    output.table(
      ['version', 'platform', 'good', 'refused', 'agent', 'not here of the full set'],
      releases.map((one) => [
        one.version,
        one.platform,
        one.good,
        one.refused + one.unchecked,
        one.hasAgent ? 'yes' : 'NO',
        one.missing.join(' ') || '-',
      ]),
    );
  }
  const { good, quarantined } = store.report();
  output.line(
    `${countOf(good, 'file is', 'files are')} good, ${countOf(quarantined, 'is', 'are')} in quarantine`,
  );
};

const printUpgrade = (output: Output, _store: ArtifactStore, upgrade: Completeness | undefined): void => {
  if (!upgrade) {
    return;
  }
  output.table(
    ['', 'artifact', 'note'],
    upgrade.requirements.map(({ path, need, state, note }) => [
      state === 'good' ? 'ok' : `${state}${need === 'optional' ? ' (optional)' : ''}`,
      path,
      note,
    ]),
  );
  const commands = [...new Set(upgrade.requirements.flatMap((one) => one.commands))];
  if (commands.length > 0) {
    output.line('\nWhat is missing comes with these, on a machine that reaches the public address:');
    commands.forEach((command) => output.line(`  ${command}`));
  }
  output.line(
    `\n${upgrade.isComplete ? 'Yes' : 'No'}: agents on ${upgrade.platforms.join(', ')} can${upgrade.isComplete ? '' : 'not'} upgrade to ${upgrade.version} from here.`,
  );
};
