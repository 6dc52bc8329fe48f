import type { Version } from './version.ts';

/** How mature a package or a data stream is. */
export type Release = 'experimental' | 'beta' | 'ga';

/** Whether a manifest's text is one of the three; any other makes the package invalid. */
export function isRelease(text: string): text is Release {
  return text === 'experimental' || text === 'beta' || text === 'ga';
}

/** The release of a package that doesn't say: `beta` for a prerelease tag or 0.x, else `ga`. */
export function defaultRelease(version: Version): Release {
  return version.prerelease !== '' || version.major === 0 ? 'beta' : 'ga';
}
