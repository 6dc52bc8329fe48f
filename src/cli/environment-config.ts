import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/settings.ts';
import { DepotError } from '../domain/errors.ts';

/** The settings of this environment, and of the flags of `serve` where a verb takes them. Throws the first problem. */
export const environmentConfig = (
  env: NodeJS.ProcessEnv,
  flags: ReadonlyMap<string, string> = new Map(),
): Config => {
  const loaded = loadConfig({ env, flags });
  if (!loaded.ok) {
    throw loaded.problems[0] ?? new DepotError('USAGE', { reason: 'the settings are not good' });
  }
  return loaded.config;
};
