import type { Command } from 'commander';
import { DepotError } from '../../domain/errors.ts';
import type { Signer } from '../../signing/signature.ts';
import { readSitePublicKey } from '../../signing/signer.ts';
import type { SyncOptions } from './options.ts';
import type { LoadSigner } from '../signer-loader.ts';
import type { CommandIo } from '../verb.ts';

/** Adds the flags of the site key. */
export const addResignOptions = (command: Command): Command =>
  command
    .option(
      '--resign-key <file>',
      'private site key that signs what strip-screenshots of the definition has changed (FLEET_DEPOT_KEY_FILE)',
    )
    .option(
      '--passphrase-file <file>',
      'its passphrase (FLEET_DEPOT_KEY_PASSPHRASE_FILE, FLEET_DEPOT_KEY_PASSPHRASE)',
    );

/** The site key where packages are changed; only what a trusted key signed may be. */
export async function openResigner(
  strips: boolean,
  options: SyncOptions,
  io: CommandIo,
  loadSigner: LoadSigner,
): Promise<Signer | undefined> {
  if (!strips) {
    if (options.resignKey !== undefined) {
      throw new DepotError('USAGE', {
        reason: '--resign-key goes with strip-screenshots; `fleet-depot sign --resign` signs a set as it is',
      });
    }
    return undefined;
  }
  const keyFile = options.resignKey ?? io.env['FLEET_DEPOT_KEY_FILE'];
  if (keyFile === undefined) {
    throw new DepotError('USAGE', {
      reason:
        'strip-screenshots changes archives and so breaks their signatures: name the site key that signs them anew (--resign-key FILE; `fleet-depot sign --init` makes one)',
    });
  }
  if (!options.requireSignature) {
    throw new DepotError('USAGE', {
      reason: 'strip-screenshots changes only what a trusted key signed: leave out --no-require-signature',
    });
  }
  return options.dryRun === true
    ? {
        ...(await readSitePublicKey(keyFile)),
        sign: () => Promise.reject(new Error('a dry run signs nothing')),
      }
    : await loadSigner(keyFile, options.passphraseFile, io);
}
