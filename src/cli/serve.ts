import { once } from 'node:events';
import type { App } from '../app.ts';
import { loadConfig } from '../config/load.ts';
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
  const log = createLog({ level: config.logLevel, type: config.logType, version });
  const flush = (): void => log.flush();
  process.once('exit', flush);
  try {
    for (const warning of loaded.warnings) {
      log.warn({ 'event.action': 'settings' }, warning);
    }
    const metrics = createMetrics({ version, process: config.metricsAddress !== undefined });
    // Loaded here, so that help, health and the other verbs start without the whole server.
    const { startApp } = await import('../app.ts');
    const app = await startApp(config, { log, metrics });
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
    log.flush();
    process.off('exit', flush);
  }
};

/** A dry run reads all packages; its exit code says whether all of them would be served. */
const finishDryRun = async (app: App, io: CommandIo): Promise<number> => {
  const { packages, quarantine } = await app.ready;
  for (const { label, reasons } of quarantine) {
    io.stdout.write(`${label}: ${reasons.join('; ')}\n`);
  }
  io.stdout.write(
    `${packages.length} package versions would be served, ${quarantine.length} are in quarantine\n`,
  );
  return quarantine.length === 0 ? exitCodes.ok : exitCodes.partly;
};
