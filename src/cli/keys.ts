import type { Command } from 'commander';
import { DepotError } from '../domain/errors.ts';
import { addChosenKey, addPinnedKey, chooseKey, refuseUnusable } from '../signing/key-choice.ts';
import { readKeyContent, shownSource, type FetchBytes } from '../signing/key-fetch.ts';
import { createKeyring, keyringLocation, type Keyring } from '../signing/keyring.ts';
import { pinnedKeys } from '../signing/pinned-keys.ts';
import { formatFingerprint, parseFingerprint } from '../signing/fingerprint.ts';
import { readPublicKeys, type PublicKeyInfo } from '../signing/public-key.ts';
import { applyRevocation } from '../signing/revocation.ts';
import { addOutgoingOptions, type OutgoingOptions } from './outgoing-options.ts';
import type { Terminal } from './terminal.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

/** What the verb `keys` works with. */
export interface KeysDeps {
  /** What fetches a key from an address, through the proxy and with the certificates of the flags. */
  readonly openFetch: (options: OutgoingOptions, io: Pick<CommandIo, 'env' | 'signal'>) => FetchBytes;
  readonly terminal: Terminal;
}

/** Options of every verb that uses the keyring. */
export interface KeyringOptions {
  readonly keyring?: string;
  readonly depot?: string;
}

interface AddOptions extends KeyringOptions, OutgoingOptions {
  readonly from?: string;
  readonly expect?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Adds the options that say where the keyring is. */
export const addKeyringOptions = (command: Command): Command =>
  command
    .option('--keyring <path>', 'folder of trusted keys, or one file of them (EPR_KEYRING)')
    .option('--depot <dir>', "use the depot's own keyring, DIR/keys");

/** The keyring that the options and variables name. */
export const openKeyring = (options: KeyringOptions, io: CommandIo): Keyring =>
  createKeyring(keyringLocation(options.keyring, io.env, options.depot));

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
      .action(async (options: AddOptions) => {
        const keyring = openKeyring(options, io);
        const all = await keyring.list();
        io.stdout.write(
          options.json === true
            ? `${JSON.stringify(all.map(toJson), undefined, 2)}\n`
            : all.map(describe).join(''),
        );
        if (all.length === 0) {
          io.stderr.write(
            `the keyring ${keyring.location} is empty; \`fleet-depot keys add elastic\` adds Elastic's key\n`,
          );
        }
        finish(exitCodes.ok);
      });
    addKeyringOptions(keys.command('remove'))
      .description('Stop trusting a key')
      .argument('<fingerprint...>', 'the full fingerprint, as `list` shows it, with or without spaces')
      .action(async (groups: readonly string[], options: KeyringOptions) => {
        const fingerprint = groups.join(' ');
        const keyring = openKeyring(options, io);
        const removed = await keyring.remove(fingerprint);
        io.stderr.write(
          `removed ${formatFingerprint(removed?.fingerprint ?? parseFingerprint(fingerprint) ?? '')} from ${keyring.location}\n`,
        );
        finish(exitCodes.ok);
      });
    addKeyringOptions(keys.command('show'))
      .description('Print a trusted key, armored')
      .argument('<fingerprint...>', 'the full fingerprint, as `list` shows it, or "elastic"')
      .option('--json', 'print JSON')
      .action(async (groups: readonly string[], options: AddOptions) => {
        const key = await findKey(groups.join(' '), openKeyring(options, io));
        io.stdout.write(
          options.json === true
            ? `${JSON.stringify({ ...toJson(key), armored: key.armored }, undefined, 2)}\n`
            : key.armored,
        );
        if (options.json !== true) {
          io.stderr.write(describe(key));
        }
        finish(exitCodes.ok);
      });
  },
});

const addKey = async (what: string, options: AddOptions, io: CommandIo, deps: KeysDeps): Promise<void> => {
  const keyring = openKeyring(options, io);
  const { key, added } = await takeKey(what, options, keyring, io, deps);
  if (options.json === true) {
    io.stdout.write(
      `${JSON.stringify({ ...toJson(key), added, keyring: keyring.location }, undefined, 2)}\n`,
    );
  } else {
    io.stdout.write(describe(key));
  }
  io.stderr.write(`${added ? 'added to' : 'was already in'} ${keyring.location}\n`);
  if (key.state !== 'usable') {
    io.stderr.write(`from now on nothing that it signed counts here: ${key.reason ?? key.state}\n`);
  }
};

const takeKey = async (
  what: string,
  options: AddOptions,
  keyring: Keyring,
  io: CommandIo,
  deps: KeysDeps,
): Promise<{ readonly key: PublicKeyInfo; readonly added: boolean }> => {
  const expected = options.expect === undefined ? undefined : fullFingerprint(options.expect);
  const fetchBytes = deps.openFetch(options, io);
  const pinned = pinnedKeys.find((one) => one.name === what);
  if (pinned !== undefined) {
    if (expected !== undefined && expected !== pinned.fingerprint) {
      throw new DepotError('KEY_FINGERPRINT', {
        label: what,
        found: formatFingerprint(pinned.fingerprint),
        expected: formatFingerprint(expected),
      });
    }
    return addPinnedKey(keyring, pinned, fetchBytes, options.from);
  }
  if (options.from !== undefined) {
    throw new DepotError('USAGE', {
      reason: `--from goes with a known key (${pinnedKeys.map((one) => one.name).join(', ')}), not with "${shownSource(what)}"`,
    });
  }
  const content = await readKeyContent(what, fetchBytes);
  const label = shownSource(what);
  const known = await keyring.list();
  const revoked = await applyRevocation(content, known);
  if (revoked === undefined) {
    throw new DepotError('KEY_INVALID', {
      label,
      reason: 'it is a revocation certificate, but of no key in the keyring',
    });
  }
  if (revoked !== 'not-one') {
    return addChosenKey(keyring, revoked, label);
  }
  const found = await readPublicKeys(content, label);
  const key =
    expected === undefined
      ? await confirmKey(found, known, label, options, io, deps)
      : chooseKey(found, expected, label);
  return addChosenKey(keyring, key, label);
};

const confirmKey = async (
  found: readonly PublicKeyInfo[],
  known: readonly PublicKeyInfo[],
  label: string,
  options: AddOptions,
  io: CommandIo,
  deps: KeysDeps,
): Promise<PublicKeyInfo> => {
  const [key, ...more] = found;
  if (key === undefined || more.length > 0) {
    const list = found.map((one) => formatFingerprint(one.fingerprint)).join(', ');
    throw new DepotError('USAGE', {
      reason: `${label} holds ${found.length} keys (${list}); choose one with --expect FINGERPRINT`,
    });
  }
  // News of a trusted key, such as its revocation, are its own: they count only where it signed them.
  if (known.some((one) => one.fingerprint === key.fingerprint)) {
    return key;
  }
  refuseUnusable(key, label);
  if (options.yes !== true) {
    io.stderr.write(describe(key));
    const confirmed =
      deps.terminal.interactive &&
      (await deps.terminal.confirm('Is this fingerprint the one that its owner publishes?'));
    if (!confirmed) {
      throw new DepotError('KEY_UNCONFIRMED', { label, found: formatFingerprint(key.fingerprint) });
    }
  }
  return key;
};

const fullFingerprint = (text: string): string => {
  const fingerprint = parseFingerprint(text);
  if (fingerprint === undefined) {
    throw new DepotError('USAGE', {
      reason: `"${text}" is no full fingerprint (40 or 64 hex digits); a key id can be forged`,
    });
  }
  return fingerprint;
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

// Control characters in a user id could rewrite what a terminal shows.
const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?');

const describe = (key: PublicKeyInfo): string => {
  const pinned = pinnedKeys.find((one) => one.fingerprint === key.fingerprint);
  const ends =
    key.expiresAt === undefined ? 'no expiry' : `expires ${key.expiresAt.toISOString().slice(0, 10)}`;
  return [
    `${formatFingerprint(key.fingerprint)}${pinned === undefined ? '' : `  (${pinned.name})`}`,
    ...key.userIds.map((id) => `    ${plain(id)}`),
    `    ${key.algorithm}, made ${key.createdAt.toISOString().slice(0, 10)}, ${ends}`,
    ...(key.state === 'usable' ? [] : [`    NOT USABLE: ${key.reason ?? key.state}`]),
    '',
  ].join('\n');
};

const toJson = ({ armored: _armored, ...key }: PublicKeyInfo): Omit<PublicKeyInfo, 'armored'> => key;
