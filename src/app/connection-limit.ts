import { readFileSync } from 'node:fs';
import { nameOf } from '../config/setting.ts';
import { settings, type Config } from '../config/settings.ts';
import type { ListenerOptions } from '../http/server.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/**
 * How many connections a listener takes. Not more than half of the files that this process may have open: a download needs a file
 * beside its connection, and a flood of connections must leave the packages readable.
 */
export const connectionLimit = (
  { maxConnections }: Config,
  metrics: Pick<Metrics, 'connectionClosed'>,
  log: Log,
): Pick<ListenerOptions, 'maxConnections' | 'onCrowded'> => {
  const files = mostOpenFiles();
  const possible = Math.max(16, Math.floor(files / 2));
  if (possible < maxConnections) {
    const { flag, variable } = nameOf(settings.maxConnections);
    log.info(
      { 'event.action': 'connections-limited' },
      `${possible} connections at a time instead of ${maxConnections} (${flag}, ${variable}), for this process may have ${files} files open (ulimit -n)`,
    );
  }
  return { maxConnections: Math.min(possible, maxConnections), onCrowded: metrics.connectionClosed };
};

/** `ulimit -n` of this process, which Node has raised as far as it may; no limit where the system doesn't say. */
const mostOpenFiles = (): number => {
  try {
    const [, soft = ''] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === '' ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
};
