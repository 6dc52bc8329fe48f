import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp, type App } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { requestFields, requestMessage } from '../../src/telemetry/request-line.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

/** A real server on a free port of this machine. */
export interface TestServer {
  /** Without a slash at its end. */
  readonly url: string;
  readonly app: App;
  /** The lines of the log so far: level, message and fields. */
  readonly lines: readonly LogLine[];
  /** Its metrics, as Prometheus text. */
  metrics(): Promise<string>;
  close(): Promise<void>;
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Settings by flag: `{ 'package-paths': 'a,b', strict: 'true' }`; the address is always a free port. */
export interface TestServerOptions {
  readonly packagePaths?: readonly string[];
  readonly requirePackageSignatures?: boolean;
  readonly flags?: Readonly<Record<string, string>>;
  /** False returns as soon as the port is open. */
  readonly untilReady?: boolean;
}

/** Starts a server and waits until packages are served. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const cacheFolder = mkdtempSync(join(tmpdir(), 'fleet-depot-cache-'));
  const removeCache = (): void => rmSync(cacheFolder, { recursive: true, force: true });
  const flags = new Map(
    Object.entries({
      address: '127.0.0.1:0',
      'package-paths': (options.packagePaths ?? []).join(','),
      'require-package-signatures': String(options.requirePackageSignatures ?? false),
      'cache-dir': cacheFolder,
      ...options.flags,
    }).filter(([, value]) => value !== ''),
  );
  const loaded = loadConfig({ env: {}, flags });
  if (!loaded.ok) {
    throw new Error(loaded.problems.map((problem) => problem.message).join('\n'));
  }
  const lines: LogLine[] = [];
  const metrics = createMetrics({ version: 'test' });
  const app = await startApp(loaded.config, {
    log: collectLog(lines),
    metrics,
  });
  const close = async (): Promise<void> => {
    await app.close();
    removeCache();
  };
  try {
    await (options.untilReady === false ? undefined : app.ready);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: app.address.replace('localhost', '127.0.0.1'),
    app,
    lines,
    metrics: () => metrics.text(),
    close,
  };
}

/** A log that is kept in memory. */
export function collectLog(lines: LogLine[], base: Readonly<Record<string, unknown>> = {}): Log {
  const write =
    (level: string) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void =>
      void lines.push({ level, message, fields: { ...base, ...fields } });
  return {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    request: (level, line) => write(level)(requestFields(line), requestMessage(line)),
    child: (fields) => collectLog(lines, { ...base, ...fields }),
  };
}
