import { agentPlatforms } from '../artifacts/release-set.ts';
import { DepotError } from '../domain/errors.ts';

/** Reads `linux-x86_64,windows-x86_64`. Throws USAGE. */
export const readPlatforms = (text: string): readonly string[] => {
  const platforms = text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const odd = platforms.find((one) => !(one in agentPlatforms));
  if (odd !== undefined || platforms.length === 0) {
    throw new DepotError('USAGE', {
      reason: `--platform: '${odd ?? ''}' is not one of ${Object.keys(agentPlatforms).join(', ')}`,
    });
  }
  return [...new Set(platforms)];
};
