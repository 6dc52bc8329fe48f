import { DepotError } from '../domain/errors.ts';
import { formatFingerprint, parseFingerprint } from '../signing/fingerprint.ts';
import type { Keyring } from '../signing/keyring.ts';
import { pinnedKeys } from '../signing/pinned-keys.ts';
import type { PublicKeyInfo } from '../signing/public-key.ts';
import { addKeyringOptions, openKeyring, type KeyringOptions } from './keyring-options.ts';
import { addKey, type AddOptions, type KeysDeps } from './keys/add.ts';
import { fullFingerprint } from './keys/fingerprint.ts';
import { describeKey, keyToJson } from './keys/shown-key.ts';
import { addOutgoingOptions } from './outgoing-options.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

interface ShownOptions extends KeyringOptions {
  readonly json?: boolean;
}

/** `fleet-depot keys add|list|remove|show`: the keyring of trusted public keys. */
export const createKeysVerb = (deps: KeysDeps): Verb => ({
  name: 'keys',
  register(program, io, finish) {
    const keys = program.command('keys').description('The keyring: which signers are trusted');
    addOutgoingOptions(addKeyringOptions(keys.command('add')))
      .description('Add a key: "elastic", a file, or an https address; or the revocation of a trusted one')
      .argument('<key>', '"elastic", FILE or URL')
      .option('--from <file|url>', 'where to take a known key such as "elastic" from')
      .option('--expect <fingerprint>', 'add it only if it has this full fingerprint')
      .option('--yes', 'add it without asking (the fingerprint is printed)')
      .option('--json', 'print the key as JSON')
      .action(async (key: string, options: AddOptions) => {
        await addKey(key, options, io, deps);
        finish(exitCodes.ok);
      });
    addKeyringOptions(keys.command('list'))
      .description('List the trusted keys')
      .option('--json', 'print JSON')
      .action(async (options: ShownOptions) => {
        await list(options, io);
        finish(exitCodes.ok);
      });
    addKeyringOptions(keys.command('remove'))
      .description('Stop trusting a key')
      .argument('<fingerprint...>', 'the full fingerprint, as `list` shows it, with or without spaces')
      .action(async (groups: readonly string[], options: KeyringOptions) => {
        await remove(groups.join(' '), options, io);
        finish(exitCodes.ok);
      });
    addKeyringOptions(keys.command('show'))
      .description('Print a trusted key, armored')
      .argument('<fingerprint...>', 'the full fingerprint, as `list` shows it, or "elastic"')
      .option('--json', 'print JSON')
      .action(async (groups: readonly string[], options: ShownOptions) => {
        await show(groups.join(' '), options, io);
        finish(exitCodes.ok);
      });
  },
});

const list = async (options: ShownOptions, io: CommandIo): Promise<void> => {
  const keyring = openKeyring(options, io);
  const all = await keyring.list();
  io.stdout.write(
    options.json === true
      ? `${JSON.stringify(all.map(keyToJson), undefined, 2)}\n`
      : all.map(describeKey).join(''),
  );
  if (all.length === 0) {
    io.stderr.write(
      `the keyring ${keyring.location} is empty; \`fleet-depot keys add elastic\` adds Elastic's key\n`,
    );
  }
};

const remove = async (fingerprint: string, options: KeyringOptions, io: CommandIo): Promise<void> => {
  const keyring = openKeyring(options, io);
  const removed = await keyring.remove(fingerprint);
  io.stderr.write(
    `removed ${formatFingerprint(removed?.fingerprint ?? parseFingerprint(fingerprint) ?? '')} from ${keyring.location}\n`,
  );
};

const show = async (text: string, options: ShownOptions, io: CommandIo): Promise<void> => {
  const key = await findKey(text, openKeyring(options, io));
  io.stdout.write(
    options.json === true
      ? `${JSON.stringify({ ...keyToJson(key), armored: key.armored }, undefined, 2)}\n`
      : key.armored,
  );
  if (options.json !== true) {
    io.stderr.write(describeKey(key));
  }
};

const findKey = async (text: string, keyring: Keyring): Promise<PublicKeyInfo> => {
  const fingerprint = pinnedKeys.find((one) => one.name === text)?.fingerprint ?? fullFingerprint(text);
  const key = (await keyring.list()).find((one) => one.fingerprint === fingerprint);
  if (key === undefined) {
    throw new DepotError('KEY_UNKNOWN', {
      fingerprint: formatFingerprint(fingerprint),
      location: keyring.location,
    });
  }
  return key;
};
