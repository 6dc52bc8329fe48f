import type { Config, Key, Subkey } from 'openpgp';
import { keyCondition, type KeyCondition } from './key-condition.ts';

/** What was found of the keys of one verifier, so that ten thousand signatures ask once. */
export interface KeyFacts {
  /** As `keyCondition`. */
  condition(part: Key | Subkey, now: Date): Promise<KeyCondition>;
  /** Whether a part of a key could sign at a time, as `Key.getSigningKey` has it; rejects with its error. */
  couldSign(primary: Key, part: Key | Subkey, date: Date | null, config: Config): Promise<unknown>;
}

/** OpenPGP counts in whole seconds: within one nothing changes. */
const secondOf = (date: Date): number => Math.floor(date.getTime() / 1000);

/** Seconds of which something is kept; signatures of a set are made within few, or are asked for within few. */
const maxKept = 1000;

/** The facts of one verifier's keys: they are gone with it. */
export const createKeyFacts = (): KeyFacts => {
  const conditions = new WeakMap<Key | Subkey, Map<number, Promise<KeyCondition>>>();
  const signers = new WeakMap<Key | Subkey, Map<number, Promise<unknown>>>();
  return {
    condition: (part, now) => recall(conditions, part, secondOf(now), () => keyCondition(part, now)),
    couldSign: (primary, part, date, config) => {
      const find = (): Promise<unknown> => primary.getSigningKey(part.getKeyID(), date, undefined, config);
      return date === null ? find() : recall(signers, part, secondOf(date), find);
    },
  };
};

function recall<Found>(
  kept: WeakMap<Key | Subkey, Map<number, Promise<Found>>>,
  part: Key | Subkey,
  second: number,
  find: () => Promise<Found>,
): Promise<Found> {
  let ofPart = kept.get(part);
  if (!ofPart || ofPart.size >= maxKept) {
    ofPart = new Map();
    kept.set(part, ofPart);
  }
  let found = ofPart.get(second);
  if (!found) {
    found = find();
    found.catch(() => {});
    ofPart.set(second, found);
  }
  return found;
}
