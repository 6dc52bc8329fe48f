import { join } from 'node:path';
import type { Command } from 'commander';
import { checkUpgrade } from '../../artifacts/completeness.ts';
import { agentPlatforms } from '../../artifacts/release-set.ts';
import { DepotError } from '../../domain/errors.ts';
import { defaultCacheFolder } from '../../index/cache-folder.ts';
import { artifactFolders, withArtifacts } from '../artifact-folders.ts';
import { environmentConfig } from '../environment-config.ts';
import { readPlatforms } from '../agent-platforms.ts';
import { createOutput } from '../output.ts';
import { exitCodes, type CommandIo } from '../verb.ts';
import { jsonReport, printQuarantine, printReleases, printUpgrade } from './report.ts';

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
      if (completeness) {
        printUpgrade(output, completeness);
      } else {
        printReleases(output, store);
      }
    }
    const { quarantined, unchecked, faults } = store.report();
    const isGood = completeness ? completeness.isComplete : quarantined + unchecked + faults.length === 0;
    return isGood ? exitCodes.ok : exitCodes.failed;
  });
};
