import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The folder of shared reference material beside the repository, or undefined where it is absent (the test then skips). */
export function sharedFolder(...parts: string[]): string | undefined {
  const path = resolve(process.cwd(), '..', 'shared', ...parts);
  return existsSync(path) ? path : undefined;
}
