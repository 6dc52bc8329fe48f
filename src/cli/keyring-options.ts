import type { Command } from 'commander';
import { createKeyring, keyringLocation, type Keyring } from '../signing/keyring.ts';
import type { CommandIo } from './verb.ts';

/** Options of every verb that uses the keyring. */
export interface KeyringOptions {
  readonly keyring?: string;
  readonly depot?: string;
}

/** Adds the options that say where the keyring is. */
export const addKeyringOptions = (command: Command): Command =>
  command
    .option('--keyring <path>', 'folder of trusted keys, or one file of them (EPR_KEYRING)')
    .option('--depot <dir>', "use the depot's own keyring, DIR/keys");

/** The keyring that the options and variables name. */
export const openKeyring = (options: KeyringOptions, io: CommandIo): Keyring =>
  createKeyring(keyringLocation(options.keyring, io.env, options.depot));
