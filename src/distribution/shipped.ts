import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { reasonOf } from '../files/errno.ts';
import { installedFile } from '../installation.ts';
import type { Definition } from './definition.ts';
import { parseDefinition } from './parse-definition.ts';
import { decodeSaved } from './saved-text.ts';

/** Where the shipped definitions lie. */
export const shippedFolder = (): string => fileURLToPath(installedFile('distributions'));

/** Names of the shipped definitions, sorted. */
export function listShipped(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yml'))
    .map((file) => file.slice(0, -'.yml'.length))
    .toSorted();
}

const maxBytes = 4 * 2 ** 20;

/**
 * Loads a definition by its shipped name or by path: what has a slash or ends in .yml or .yaml is a path, and so is what no
 * shipped one is named and a file is.
 * Throws DepotError DEFINITION_UNKNOWN or DEFINITION_INVALID.
 */
export function loadDefinition(nameOrFile: string, folder: string = shippedFolder()): Definition {
  const shipped = listShipped(folder);
  const isPath =
    /[/\\]|\.ya?ml$/i.test(nameOrFile) || (!shipped.includes(nameOrFile) && existsSync(nameOrFile));
  if (!isPath && !shipped.includes(nameOrFile)) {
    throw new DepotError('DEFINITION_UNKNOWN', { name: nameOrFile, shipped: shipped.join(', ') });
  }
  let text: Buffer;
  try {
    text = readFileSync(isPath ? nameOrFile : join(folder, `${nameOrFile}.yml`));
  } catch (error) {
    const code = errnoOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      const reason = code === 'EISDIR' ? 'it is a folder; name a file in it' : reasonOf(error);
      throw new DepotError('DEFINITION_INVALID', { file: nameOrFile, reason }, error);
    }
    throw new DepotError('DEFINITION_UNKNOWN', { name: nameOrFile, shipped: shipped.join(', ') }, error);
  }
  if (text.length > maxBytes) {
    throw new DepotError('DEFINITION_INVALID', {
      file: nameOrFile,
      reason: `it is larger than ${maxBytes} bytes`,
    });
  }
  return parseDefinition(decodeSaved(text), nameOrFile);
}
