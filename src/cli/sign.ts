import { Option, type Command } from 'commander';
import { DepotError } from '../domain/errors.ts';
import { addKeyringOptions } from './keyring-options.ts';
import { signArchives } from './sign/archives.ts';
import type { SignDeps, SignOptions } from './sign/deps.ts';
import { parseLifetime } from './sign/lifetime.ts';
import { makeKey, printPublicKey } from './sign/site-key.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

/** `fleet-depot sign`: makes a site key, prints its public half, signs archives, signs a verified set anew. */
export const createSignVerb = (deps: SignDeps): Verb => ({
  name: 'sign',
  register(program, io, finish) {
    signCommand(program).action(async (paths: string[], options: SignOptions) => {
      const keyFile = requiredKey(paths, options, io);
      if (options.init === true) {
        await makeKey(keyFile, options, io, deps);
        finish(exitCodes.ok);
      } else if (options.public === true) {
        await printPublicKey(keyFile, options, io);
        finish(exitCodes.ok);
      } else {
        finish(await signArchives(paths, keyFile, options, io, deps));
      }
    });
  },
});

const signCommand = (program: Command): Command =>
  addKeyringOptions(program.command('sign'))
    .description('Make a site key and sign archives with it')
    .argument('[path...]', 'folders or archives to sign')
    .option('--key <file>', 'the private site key (FLEET_DEPOT_KEY_FILE)')
    .option('--init', 'make a new site key')
    .option('--name <name>', 'with --init: whose key it is, such as "Example Ltd Fleet site key"')
    .option('--email <address>', 'with --init: an address for the user id')
    .addOption(
      new Option('--algorithm <name>', 'with --init').choices(['rsa4096', 'ed25519']).default('rsa4096'),
    )
    .option(
      '--expires <time>',
      'with --init: days, weeks or years, such as 90d or 5y (default: never)',
      parseLifetime,
    )
    .option('--no-passphrase', 'with --init: leave the private key unprotected')
    .option(
      '--passphrase-file <file>',
      'file with the passphrase (FLEET_DEPOT_KEY_PASSPHRASE_FILE, FLEET_DEPOT_KEY_PASSPHRASE)',
    )
    .option('--public', 'print the public key, armored')
    .option('--resign', 'sign anew what a key of the keyring signed, once that was verified')
    .option('--partial', 'with --resign: sign those that were verified, though others are refused')
    .option('--dry-run', 'only say what would be signed')
    .option('--json', 'print JSON');

/** What a user id may have in it: whoever reads `Name <address>` must find each where it belongs. */
const [properName, properAddress] = [
  /^[^\p{Cc}\p{Cf}<>]+$/u,
  /^[^\p{C}\p{Z}@<>\\]+@[^\p{C}\p{Z}@<>\\]*[^\p{C}\p{Z}\p{P}@]$/u,
];

const requiredKey = (paths: readonly string[], options: SignOptions, io: CommandIo): string => {
  const usage = (reason: string): never => {
    throw new DepotError('USAGE', { reason });
  };
  const modes = [options.init, options.public, options.resign].filter((mode) => mode === true).length;
  if (modes > 1) {
    usage('--init, --public and --resign exclude each other');
  }
  if (options.init === true && (options.name === undefined || options.name.trim() === '')) {
    usage('--init needs --name "whose key it is"');
  }
  if (options.init === true && !properName.test(options.name ?? '')) {
    usage('--name must have no "<", ">" and no control characters in it');
  }
  if (options.email !== undefined && !properAddress.test(options.email)) {
    usage(`--email ${JSON.stringify(options.email)} is no address`);
  }
  const signs = options.init !== true && options.public !== true;
  if (signs !== paths.length > 0) {
    usage(signs ? 'name the folders or archives to sign' : '--init and --public take no paths');
  }
  return (
    options.key ??
    io.env['FLEET_DEPOT_KEY_FILE'] ??
    usage('name the private site key with --key FILE; `sign --init` makes one')
  );
};
