import { pinnedKeys } from '../../signing/pinned-keys.ts';
import { formatFingerprint } from '../../signing/fingerprint.ts';
import type { PublicKeyInfo } from '../../signing/public-key.ts';

// Control characters in a user id could rewrite what a terminal shows.
const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?');

/** A key for people: fingerprint, names, age and end, and why it is of no use where it isn't. */
export const describeKey = (key: PublicKeyInfo): string => {
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

/** A key for programs: without its armor. */
export const keyToJson = ({ armored: _armored, ...key }: PublicKeyInfo): Omit<PublicKeyInfo, 'armored'> =>
  key;
