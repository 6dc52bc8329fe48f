import { open } from 'node:fs/promises';
import { DepotError, messageOf } from '../domain/errors.ts';
import { isOursToChange, shownMode } from '../files/private-file.ts';

/** Where a passphrase may come from. Never from a flag's value: everyone on the machine can read those. */
export interface PassphraseSource {
  /** `--passphrase-file`. */
  readonly file?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Asks on a terminal without echo; absent where there is none. */
  readonly ask?: (() => Promise<string>) | undefined;
  /** Told in one line where others can read the file. */
  readonly warn: (line: string) => void;
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
    return readSecretFile(file, source.warn);
  }
  if (plain !== undefined) {
    return plain;
  }
  return source.ask?.();
};

const readSecretFile = async (path: string, warn: PassphraseSource['warn']): Promise<string> => {
  try {
    const handle = await open(path, 'r');
    try {
      const stats = await handle.stat();
      // Only a file whose mode this user could change is worth a word.
      if ((stats.mode & 0o077) !== 0 && (await isOursToChange(path, stats))) {
        warn(`warning: others can read the passphrase file (mode ${shownMode(stats)}): chmod 600 ${path}`);
      }
      return (await handle.readFile('utf8')).replace(/\r?\n$/, '');
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new DepotError(
      'SETTING_INVALID',
      { flag: '--passphrase-file', variable: fileVariable, reason: messageOf(error) },
      error,
    );
  }
};
