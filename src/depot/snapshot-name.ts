import { DepotError } from '../domain/errors.ts';
import type { Journal } from './journal.ts';
import { successionOf } from './succession.ts';

/** What a name is looked up in. */
export interface NamedSnapshots {
  /** Ids of all snapshots, oldest first. */
  readonly known: readonly string[];
  /** The id of the one in force. */
  readonly current: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
  readonly journal: Journal;
}

/** An id from what a person wrote: an id, the beginning of just one, a label, `current` or `previous`. Throws SNAPSHOT_UNKNOWN. */
export const snapshotNamed = async (name: string, among: NamedSnapshots): Promise<string> => {
  const { known, current, labels } = among;
  const wanted =
    name === 'current' ? current : name === 'previous' ? await previousOf(among) : labels.get(name);
  if (wanted !== undefined && known.includes(wanted)) {
    return wanted;
  }
  const matching = known.filter((id) => name !== '' && id.startsWith(name));
  const [only] = matching;
  if (only !== undefined && (matching.length === 1 || only === name)) {
    return only;
  }
  throw new DepotError('SNAPSHOT_UNKNOWN', { name, reason: whyUnknown(name, among, matching.length) });
};

/** What was in force before; where the journal does not know, the one that was made before. */
const previousOf = async ({ known, current, journal }: NamedSnapshots): Promise<string | undefined> => {
  const succession = successionOf((await journal.read()).lines).filter((id) => known.includes(id));
  const at = current === undefined ? -1 : succession.lastIndexOf(current);
  return at > 0 ? succession[at - 1] : known.filter((id) => id < (current ?? '')).at(-1);
};

const whyUnknown = (name: string, { known, current }: NamedSnapshots, matching: number): string => {
  if (name === 'previous') {
    return 'there is none before the current one';
  }
  if (name === 'current' && known.length === 0) {
    return 'the depot has none yet; `bundle import` and `sync` make them';
  }
  if (name === 'current' && current === undefined) {
    return '`current` is missing; `snapshot rollback ID` sets it';
  }
  return matching === 0 ? 'no id or label is so' : `${matching} ids begin so`;
};
