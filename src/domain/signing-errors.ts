import type { ErrorKind } from './error-kind.ts';

/** Keys, keyrings and signatures. */
export const signingErrors = {
  KEY_INVALID: {
    status: 500,
    message: '{label}: {reason}',
    advice: 'Export the public key again: `gpg --export --armor FINGERPRINT`.',
  },
  KEY_UNUSABLE: {
    status: 500,
    message: '{label}: {reason}, so nothing that it signed would be good',
    advice:
      'Ask its owner for a key that counts: extended and exported again (`gpg --export --armor FINGERPRINT`), or a new one.',
  },
  KEY_SECRET: {
    status: 500,
    message: '{label} holds a private key',
    advice:
      'A keyring holds public keys only: `gpg --export --armor FINGERPRINT`, or `fleet-depot sign --public --key FILE` for a site key.',
  },
  KEY_FINGERPRINT: {
    status: 500,
    message: '{label}: the key has the fingerprint {found}, expected {expected}',
    advice:
      'Do not trust this key. Fetch it again by a way that you trust, and compare the fingerprint with what its owner publishes.',
  },
  KEY_UNCONFIRMED: {
    status: 500,
    message: '{label}: nobody confirmed the fingerprint {found}',
    advice: 'Compare it with what the owner publishes, then give it with --expect, or --yes.',
  },
  KEY_UNKNOWN: {
    status: 500,
    message: 'no key {fingerprint} in the keyring {location}',
    advice: '`fleet-depot keys list` shows the full fingerprints.',
  },
  KEY_FETCH_FAILED: {
    status: 500,
    message: '{url}: {reason}',
    advice:
      'Check proxy (--proxy) and certificates (--ca); or fetch the key on a connected machine, carry it in, and add it: `fleet-depot keys add elastic --from FILE`, or `fleet-depot keys add FILE` for another one.',
  },
  KEYRING_INVALID: {
    status: 500,
    message: 'keyring {path}: {reason}',
    advice:
      'Add keys with `fleet-depot keys add`; a keyring folder holds one file FINGERPRINT.asc for each key, and whoever reads it needs access to it.',
  },
  KEYRING_UNWRITABLE: {
    status: 500,
    message: 'keyring {path}: {reason}',
    advice: 'Name a folder that this user may write, on a disk with room, with -keyring or EPR_KEYRING.',
  },
  SITE_KEY_INVALID: {
    status: 500,
    message: '{path}: {reason}',
    advice: 'Name the private key that `fleet-depot sign --init` wrote with --key.',
  },
  SITE_KEY_EXISTS: {
    status: 500,
    message: '{path} is there already',
    advice: 'Choose another name; a key is never overwritten.',
  },
  SITE_KEY_EXPOSED: {
    status: 500,
    message: '{path} can be read by others than its owner (mode {mode})',
    advice:
      'Take it away from them (`chmod 600 FILE`; on a file system without permissions, as FAT, copy it to one that has them), and make a new key if others had access. A secret that another user owns may be readable by one group of this process (0440 or 0640; in Kubernetes `defaultMode: 0440` and an `fsGroup`), never by all.',
  },
  SITE_KEY_LOCKED: {
    status: 500,
    message: '{path}: {reason}',
    advice:
      'Give the passphrase by FLEET_DEPOT_KEY_PASSPHRASE_FILE, --passphrase-file, FLEET_DEPOT_KEY_PASSPHRASE, or on a terminal when asked.',
  },
  SITE_KEY_UNWRITABLE: {
    status: 500,
    message: '{path}: {reason}',
    advice: 'Name a file in a folder that this user may write, on a file system with permissions.',
  },
  SIGNING_FAILED: {
    status: 500,
    message: '{label}: {reason}',
    advice: 'Nothing was changed for this file; correct the cause and run the same command again.',
  },
  SIGNED_FILE_UNREADABLE: {
    status: 500,
    message: '{path}: {reason}',
    advice: 'Check that the file is there and may be read.',
  },
} as const satisfies Record<string, ErrorKind>;
