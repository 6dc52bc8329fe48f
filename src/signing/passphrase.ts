import { readFile } from 'node:fs/promises';
import { DepotError, messageOf } from '../domain/errors.ts';

/** Where a passphrase may come from. Never from a flag's value: everyone on the machine can read those. */
export interface PassphraseSource {
  /** `--passphrase-file`. */
  readonly file?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Asks on a terminal without echo; absent where there is none. */
  readonly ask?: (() => Promise<string>) | undefined;
}

const variable = 'FLEET_DEPOT_KEY_PASSPHRASE';
const fileVariable = `${variable}_FILE`;

/**
 * The passphrase of the site key, from the named file, FLEET_DEPOT_KEY_PASSPHRASE_FILE, FLEET_DEPOT_KEY_PASSPHRASE or
 * the terminal, in this order; undefined where none of them has one. One line end at the end of a file is not part of it.
 */
export const readPassphrase = async (source: PassphraseSource): Promise<string | undefined> => {
  const plain = source.env[variable];
  const named = source.env[fileVariable];
  if (plain !== undefined && named !== undefined && source.file === undefined) {
    throw new DepotError('SETTING_INVALID', {
      flag: '--passphrase-file',
      variable: fileVariable,
      reason: `${variable} is set as well; set only one`,
    });
  }
  const file = source.file ?? named;
  if (file !== undefined) {
    return readSecretFile(file);
  }
  if (plain !== undefined) {
    return plain;
  }
  return source.ask?.();
};

const readSecretFile = async (path: string): Promise<string> => {
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    throw new DepotError(
      'SETTING_INVALID',
      { flag: '--passphrase-file', variable: fileVariable, reason: messageOf(error) },
      error,
    );
  }
};
