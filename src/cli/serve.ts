import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { App, AppDeps } from '../app.ts';
import { workerCacheVariable } from '../app/messages.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/settings.ts';
import { countOf } from '../domain/count.ts';
import { createLog } from '../telemetry/create-log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { version } from '../version.ts';
import { addSettings, givenFlags } from './flags.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

const examples = `
Flags are written -flag value, -flag=value or --flag; a boolean flag alone means true, -flag=false turns it off.
Each is also a variable (in brackets). Order of force: flag, variable, config.yml, default.

Examples:
  fleet-depot serve
  fleet-depot serve -address 0.0.0.0:8080 -package-paths /srv/packages -require-package-signatures=false
  EPR_TLS_CERT=depot.crt EPR_TLS_KEY=depot.key EPR_TLS_MIN_VERSION=1.2 fleet-depot serve -address :443
  fleet-depot serve -dry-run                            read all packages, say what is wrong, end`;

/** `fleet-depot serve`: the server, until the first SIGTERM or Ctrl-C. */
export const serve: Verb = {
  name: 'serve',
  register: (program, io, finish) => {
    const command = program
      .command('serve')
      .description('Serve packages to Fleet over the registry API')
      .allowExcessArguments(false)
      .addHelpText('after', examples);
    addSettings(command).action(async () => finish(await run(givenFlags(command), io)));
  },
};

const run = async (flags: ReadonlyMap<string, string>, io: CommandIo): Promise<number> => {
  if (flags.get('version') === 'true') {
    io.stdout.write(`${version}\n`);
    return exitCodes.ok;
  }
  const loaded = loadConfig({ env: io.env, flags });
  if (!loaded.ok) {
    for (const problem of loaded.problems) {
      io.stderr.write(`error: ${problem.message}\n`);
    }
    return exitCodes.usage;
  }
  const { config } = loaded;
  if (config.version) {
    io.stdout.write(`${version}\n`);
    return exitCodes.ok;
  }
  const metrics = createMetrics({ version, process: config.metricsAddress !== undefined });
  const linesDropped = (lines: number): void => metrics.logLinesDropped(lines);
  const log = createLog({ level: config.logLevel, type: config.logType, version, linesDropped });
  const endLog = (): void => log.end();
  process.once('exit', endLog);
  try {
    const cacheFolder = io.env[workerCacheVariable];
    if (cacheFolder !== undefined && process.send) {
      const { runWorker } = await import('../app/worker.ts');
      await runWorker(config, { log, metrics, channel: process, cacheFolder });
      return exitCodes.ok;
    }
    for (const warning of loaded.warnings) {
      log.warn({ 'event.action': 'settings' }, warning);
    }
    const app = await start(config, { log, metrics }, io);
    if (config.dryRun) {
      return await finishDryRun(app, io);
    }
    const stopped = io.signal.aborted ? Promise.resolve() : once(io.signal, 'abort');
    // As is usual for servers: read what changed, now.
    const reload = (): void => {
      log.info({ 'event.action': 'reload' }, 'SIGHUP: looking at the package paths');
      void app.refresh().catch(() => undefined);
    };
    process.on('SIGHUP', reload);
    try {
      await Promise.race([app.ready, stopped]);
      await stopped;
      log.info({ 'event.action': 'stopping' }, 'stopping: no new connections, running requests finish');
    } finally {
      process.off('SIGHUP', reload);
      await app.close();
    }
    log.info({ 'event.action': 'stopped' }, 'stopped');
    return exitCodes.ok;
  } finally {
    log.end();
    process.off('exit', endLog);
  }
};

/** Loaded here, so that help, health and the other verbs start without the whole server. */
const start = async (config: Config, deps: AppDeps, io: CommandIo): Promise<App> => {
  const count = config.workers === 0 ? availableParallelism() : config.workers;
  if (count > 1 && !config.dryRun && io.program !== undefined) {
    const { startPrimary } = await import('../app/primary.ts');
    return startPrimary(config, deps, count, { program: io.program, words: io.words ?? [] });
  }
  const { startApp } = await import('../app.ts');
  return startApp(config, deps);
};

/** A dry run reads all packages; its exit code says whether all of them would be served. */
const finishDryRun = async (app: App, io: CommandIo): Promise<number> => {
  const { packages, quarantine } = await app.ready;
  for (const { label, reasons } of quarantine) {
    io.stdout.write(`${label}: ${reasons.join('; ')}\n`);
  }
  io.stdout.write(
    `${countOf(packages.length, 'package version')} would be served, ${countOf(quarantine.length, 'is', 'are')} in quarantine\n`,
  );
  return quarantine.length === 0 ? exitCodes.ok : exitCodes.partly;
};
