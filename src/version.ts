import { readFileSync } from 'node:fs';
import { installedFile } from './installation.ts';

/** Put here while packing (scripts/pack.js). */
declare const packedVersion: string | undefined;

const readVersion = (): string =>
  (JSON.parse(readFileSync(installedFile('package.json'), 'utf8')) as { readonly version: string }).version;

/** Version of this build, from package.json. */
export const version = typeof packedVersion === 'string' ? packedVersion : readVersion();
