import { readFileSync } from 'node:fs';

const readVersion = (): string => {
  // From build/src/version.js, and from src/version.ts where Node runs TypeScript itself.
  for (const place of ['../../package.json', '../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as Record<
        string,
        unknown
      >;
      if (name === 'fleet-depot' && typeof version === 'string') {
        return version;
      }
    } catch {
      // Not here.
    }
  }
  return '0.0.0';
};

/** Version of this build, from package.json. */
export const version = readVersion();
