import { checkUpgrade } from '../artifacts/completeness.ts';
import type { Config } from '../config/settings.ts';
import { DepotError } from '../domain/errors.ts';
import { defaultCacheFolder } from '../index/cache-folder.ts';
import { createClient } from '../net/client.ts';
import { readPlatforms } from './agent-platforms.ts';
import { artifactFolders, withArtifacts } from './artifact-folders.ts';
import { readBaseAddress } from './base-address.ts';
import { environmentConfig } from './environment-config.ts';
import { addOutgoingOptions, readOutgoingSettings, type OutgoingOptions } from './outgoing-options.ts';
import { createOutput, type Output } from './output.ts';
import { ownUrl } from './own-url.ts';
import { siteOf, type SiteOptions } from './plan/site.ts';
import {
  agentStep,
  artifactStep,
  fleetServerStep,
  orFault,
  packageStep,
  stackStep,
  type PlanStep,
} from './plan/steps.ts';
import { readUpstream, type PlanUpstream } from './plan/upstream.ts';
import { clientSettings, type ClientSettings } from './plan/settings.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

interface PlanOptions extends OutgoingOptions, SiteOptions {
  readonly stack: string;
  readonly platform: string;
  readonly upstream?: string;
  readonly json?: boolean;
}

/** `fleet-depot plan --stack VERSION`: what an upgrade needs before it begins, and the settings of every client. */
export const plan: Verb = {
  name: 'plan',
  register: (program, io, finish) => {
    const command = program
      .command('plan')
      .description(
        'Say what an upgrade of the stack needs, in its order: exit 0 when all is here, 1 when not',
      )
      .requiredOption(
        '--stack <version>',
        'version that Elasticsearch, Kibana and the agents are upgraded to',
      )
      .option('--platform <list>', 'platforms of the agents', 'linux-x86_64')
      .option('--url <url>', "this depot's package registry; the server of this environment where left out")
      .option('--artifacts-url <url>', 'its artifact registry, where it has another address')
      .option('--artifacts <path>', 'folder that has downloads/ in it; EPR_ARTIFACTS_PATH where left out')
      .option('--keys <path>', 'folder with the public keys; EPR_KEYS_PATH where left out')
      .option(
        '--upstream <url|file>',
        'what to compare with: a registry, its saved answer of /search?kibana.version=…, a bundle, its contents page, or a lock file',
      )
      .option('--json', 'print the plan as JSON');
    addOutgoingOptions(command).action(async (options: PlanOptions) => finish(await run(options, io)));
  },
};

const run = async (options: PlanOptions, io: CommandIo): Promise<number> => {
  if (!/^\d+\.\d+\.\d+$/.test(options.stack)) {
    throw new DepotError('USAGE', { reason: `--stack: '${options.stack}' is no version such as 9.2.1` });
  }
  for (const [flag, address] of [
    ['--url', options.url],
    ['--artifacts-url', options.artifactsUrl],
    ['--upstream', /^https?:/i.test(options.upstream ?? '') ? options.upstream : undefined],
  ] as const) {
    if (address !== undefined) {
      readBaseAddress(address, flag);
    }
  }
  const platforms = readPlatforms(options.platform);
  const config = environmentConfig(io.env);
  const client = createClient(readOutgoingSettings(options, io, 4));
  let steps: readonly PlanStep[];
  try {
    const { stack, upstream: place } = options;
    const upstream = place === undefined ? undefined : await orFault(readUpstream(place, stack, client));
    steps = [
      await packageStep(options.url ?? ownUrl(config), stack, upstream, client),
      stackStep(stack),
      ...(await artifactSteps(options, config, platforms, upstream, io)),
    ];
  } finally {
    await client.close();
  }
  const settings = clientSettings(siteOf(options, config));
  const output = createOutput(io);
  const isReady = steps.every(({ state }) => state !== 'missing');
  if (options.json === true) {
    output.json({ stack: options.stack, platforms, ready: isReady, steps, settings });
  } else {
    print(output, steps, settings);
  }
  return isReady ? exitCodes.ok : exitCodes.failed;
};

const artifactSteps = async (
  options: PlanOptions,
  config: Config,
  platforms: readonly string[],
  upstream: PlanUpstream | DepotError | undefined,
  io: CommandIo,
): Promise<readonly PlanStep[]> => {
  const folders = artifactFolders(options, config);
  const { artifacts } = folders;
  if (artifacts === undefined) {
    const notes = ['no folder of artifacts is known: --artifacts, or -artifacts-path of the server'];
    return [
      { title: 'Artifact registry', state: 'missing', notes, commands: [] },
      { title: 'Fleet Server', state: 'yours', notes: [], commands: [] },
      { title: 'Agents', state: 'yours', notes: [], commands: [] },
    ];
  }
  const completeness = await withArtifacts(folders, config.cacheDir ?? defaultCacheFolder(io.env), (store) =>
    checkUpgrade(
      { version: options.stack, platforms, withOptional: true },
      { find: store.find, folders: { artifacts, keys: folders.keys ?? '/path/to/keys' } },
    ),
  );
  const carried = upstream === undefined || upstream instanceof DepotError ? undefined : upstream;
  return [
    artifactStep(completeness, carried),
    fleetServerStep(completeness, carried),
    agentStep(completeness),
  ];
};

const print = (output: Output, steps: readonly PlanStep[], settings: readonly ClientSettings[]): void => {
  for (const [at, { title, state, notes, commands }] of steps.entries()) {
    output.line(`${at + 1}. ${title}${state === 'yours' ? '' : `: ${state}`}`);
    notes.forEach((note) => output.line(`   ${note}`));
    commands.forEach((command) => output.line(`   $ ${command}`));
  }
  for (const { place, lines } of settings) {
    output.line(`\n${place}`);
    lines.forEach((line) => output.line(`  ${line}`));
  }
};
