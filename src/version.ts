import { readFileSync } from 'node:fs';
import { installedFile } from './installation.ts';

const { version: written } = JSON.parse(readFileSync(installedFile('package.json'), 'utf8')) as {
  readonly version: string;
};

/** Version of this build, from package.json. */
export const version = written;
