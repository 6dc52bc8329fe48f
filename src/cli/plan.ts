import { checkUpgrade, type Completeness } from '../artifacts/completeness.ts';
import type { Config } from '../config/settings.ts';
import { DepotError } from '../domain/errors.ts';
import { defaultCacheFolder } from '../index/cache-folder.ts';
import { createClient } from '../net/client.ts';
import { Transient } from '../net/http.ts';
import { artifactFolders, environmentConfig, withArtifacts } from './artifact-folders.ts';
import { readPlatforms } from './artifacts-check.ts';
import { addOutgoingOptions, readOutgoingSettings, type OutgoingOptions } from './outgoing-options.ts';
import { createOutput, type Output } from './output.ts';
import { ownArtifactsUrl, ownUrl } from './own-url.ts';
import { missingPackages, newestPackages, type MissingPackage } from './plan-packages.ts';
import { clientSettings, type ClientSettings } from './plan-settings.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

interface PlanOptions extends OutgoingOptions {
  readonly stack: string;
  readonly platform: string;
  readonly url?: string;
  readonly artifactsUrl?: string;
  readonly artifacts?: string;
  readonly keys?: string;
  readonly upstream?: string;
  readonly json?: boolean;
}

/** One step of the upgrade, in the guide's order. */
export interface PlanStep {
  readonly title: string;
  /** `unknown` where nobody was asked. */
  readonly state: 'ready' | 'missing' | 'unknown' | 'yours';
  readonly notes: readonly string[];
  readonly commands: readonly string[];
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
        'registry, or its saved answer of /search?kibana.version=…, to compare packages with',
      )
      .option('--json', 'print the plan as JSON');
    addOutgoingOptions(command).action(async (options: PlanOptions) => finish(await run(options, io)));
  },
};

const run = async (options: PlanOptions, io: CommandIo): Promise<number> => {
  if (!/^\d+\.\d+\.\d+$/.test(options.stack)) {
    throw new DepotError('USAGE', { reason: `--stack: '${options.stack}' is no version such as 9.2.1` });
  }
  const platforms = readPlatforms(options.platform);
  const config = environmentConfig(io.env);
  const steps = [
    await packageStep(options, config, io),
    stackStep(options.stack),
    ...(await artifactSteps(options, config, platforms, io)),
  ];
  const settings = siteSettings(options, config);
  const output = createOutput(io);
  const isReady = steps.every(({ state }) => state !== 'missing');
  if (options.json === true) {
    output.json({ stack: options.stack, platforms, ready: isReady, steps, settings });
  } else {
    print(output, steps, settings);
  }
  return isReady ? exitCodes.ok : exitCodes.failed;
};

const shownMissing = 20;

const packageStep = async (options: PlanOptions, config: Config, io: CommandIo): Promise<PlanStep> => {
  const title = 'Package registry';
  const url = options.url ?? ownUrl(config);
  const client = createClient(readOutgoingSettings(options, io.env, 4));
  try {
    const here = await newestPackages(url, options.stack, client);
    const found = `${here.size} packages for Kibana ${options.stack} are served at ${url}`;
    if (options.upstream === undefined) {
      const note =
        'whether they are the newest is not known: name a registry, or a saved answer of one, with --upstream';
      return { title, state: here.size === 0 ? 'missing' : 'unknown', notes: [found, note], commands: [] };
    }
    const missing = missingPackages(here, await newestPackages(options.upstream, options.stack, client));
    return {
      title,
      state: missing.length === 0 ? 'ready' : 'missing',
      notes: [
        found,
        ...missing.slice(0, shownMissing).map(showMissing),
        ...(missing.length > shownMissing ? [`and ${missing.length - shownMissing} more`] : []),
      ],
      commands:
        missing.length === 0
          ? []
          : [
              'fleet-depot sync production --to /path/to/packages',
              'fleet-depot bundle create (and import, where there is no way out)',
            ],
    };
  } catch (error) {
    const known = error instanceof Transient ? error.error : error;
    if (!(known instanceof DepotError) || known.code === 'USAGE') {
      throw known;
    }
    return { title, state: 'unknown', notes: [known.message, known.advice], commands: [] };
  } finally {
    await client.close();
  }
};

const showMissing = ({ name, wanted, here }: MissingPackage): string =>
  `${name} ${wanted} is missing${here === undefined ? '' : `, ${here} is here`}`;

const stackStep = (stack: string): PlanStep => ({
  title: `Elasticsearch and Kibana ${stack}`,
  state: 'yours',
  notes: ['with the settings below'],
  commands: [],
});

const artifactSteps = async (
  options: PlanOptions,
  config: Config,
  platforms: readonly string[],
  io: CommandIo,
): Promise<readonly PlanStep[]> => {
  const folders = artifactFolders(
    {
      ...(options.artifacts === undefined ? {} : { artifacts: options.artifacts }),
      ...(options.keys === undefined ? {} : { keys: options.keys }),
    },
    config,
  );
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
  return [artifactStep(completeness), fleetServerStep(completeness), agentStep(completeness)];
};

const artifactStep = ({ requirements, isComplete }: Completeness): PlanStep => {
  const wrong = requirements.filter(({ state, need }) => state !== 'good' && need === 'upgrade');
  const optional = requirements.filter(({ state, need }) => state !== 'good' && need === 'optional');
  return {
    title: 'Artifact registry',
    state: isComplete ? 'ready' : 'missing',
    notes: [
      ...wrong.map(({ path, note }) => `${path} ${note}`),
      ...(optional.length === 0
        ? []
        : [
            `${optional.length} files of the guide's full list are not here; which are needed depends on the integrations (fleet-depot artifacts check --agent --full lists them)`,
          ]),
    ],
    commands: wrong.flatMap(({ commands }) => commands),
  };
};

const fleetServerStep = ({ version, requirements }: Completeness): PlanStep => {
  const key = requirements.find(({ path }) => path.startsWith('/GPG-KEY'));
  return {
    title: `Fleet Server ${version}`,
    state: key?.state === 'good' ? 'yours' : 'missing',
    notes: [
      key?.state === 'good'
        ? 'it takes the key of the agents from here (server.pgp.upstream_url below)'
        : 'there is no key that it could give to agents',
    ],
    commands: key?.commands ?? [],
  };
};

const agentStep = ({ version, platforms, isComplete }: Completeness): PlanStep => ({
  title: `Agents ${version}`,
  state: 'yours',
  notes: [
    isComplete
      ? `Fleet > Agents > Upgrade, on ${platforms.join(', ')}`
      : 'do not start before the artifact registry is complete: agents would fail with 404',
  ],
  commands: [],
});

const siteSettings = (options: PlanOptions, config: Config): readonly ClientSettings[] => {
  const packages = (options.url ?? ownUrl(config)).replace(/\/+$/, '');
  const artifacts = (
    options.artifactsUrl ?? (options.url === undefined ? ownArtifactsUrl(config) : packages)
  ).replace(/\/+$/, '');
  return clientSettings({
    packages,
    artifacts,
    hasArtifacts: (options.artifacts ?? config.artifactsPath) !== undefined,
    hasKeys: (options.keys ?? config.keysPath) !== undefined,
    hasModels: config.modelsPath !== undefined,
    hasProductDocs: config.productDocsPath !== undefined,
  });
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
