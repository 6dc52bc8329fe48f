import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where caches lie unless told: `$XDG_CACHE_HOME/fleet-depot`, else `~/.cache/fleet-depot` (XDG base directories). */
export function defaultCacheFolder(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'fleet-depot');
}
