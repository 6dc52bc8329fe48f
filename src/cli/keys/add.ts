import { DepotError } from '../../domain/errors.ts';
import { formatFingerprint } from '../../signing/fingerprint.ts';
import { addChosenKey, addPinnedKey, chooseKey, refuseUnusable } from '../../signing/key-choice.ts';
import { shownSource, readKeyContent, type FetchBytes } from '../../signing/key-fetch.ts';
import type { Keyring } from '../../signing/keyring.ts';
import { pinnedKeys } from '../../signing/pinned-keys.ts';
import { readPublicKeys, type PublicKeyInfo } from '../../signing/public-key.ts';
import { applyRevocation } from '../../signing/revocation.ts';
import { openKeyring, type KeyringOptions } from '../keyring-options.ts';
import { fullFingerprint } from './fingerprint.ts';
import { describeKey, keyToJson } from './shown-key.ts';
import type { OutgoingOptions } from '../outgoing-options.ts';
import type { Terminal } from '../terminal.ts';
import type { CommandIo } from '../verb.ts';

/** What the verb `keys` works with. */
export interface KeysDeps {
  /** What fetches a key from an address, through the proxy and with the certificates of the flags. */
  readonly openFetch: (options: OutgoingOptions, io: Pick<CommandIo, 'env' | 'signal'>) => FetchBytes;
  readonly terminal: Terminal;
}

/** The flags of `keys add`. */
export interface AddOptions extends KeyringOptions, OutgoingOptions {
  readonly from?: string;
  readonly expect?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** `keys add`: takes a key, or the revocation of one, into the keyring and shows it. Throws DepotError. */
export const addKey = async (
  what: string,
  options: AddOptions,
  io: CommandIo,
  deps: KeysDeps,
): Promise<void> => {
  const keyring = openKeyring(options, io);
  const { key, added } = await takeKey(what, options, keyring, io, deps);
  if (options.json === true) {
    io.stdout.write(
      `${JSON.stringify({ ...keyToJson(key), added, keyring: keyring.location }, undefined, 2)}\n`,
    );
  } else {
    io.stdout.write(describeKey(key));
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
    io.stderr.write(describeKey(key));
    const confirmed =
      deps.terminal.interactive &&
      (await deps.terminal.confirm('Is this fingerprint the one that its owner publishes?'));
    if (!confirmed) {
      throw new DepotError('KEY_UNCONFIRMED', { label, found: formatFingerprint(key.fingerprint) });
    }
  }
  return key;
};
