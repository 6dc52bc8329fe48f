import { membersOf, parseJson } from '../domain/json-tree.ts';

const actions = [
  'init',
  'import',
  'switch',
  'rollback',
  'pin',
  'unpin',
  'label',
  'unlabel',
  'gc',
  'adopt',
  'recover',
  'restart',
] as const;

/** What a line of the journal can tell of. */
export type JournalAction = (typeof actions)[number];

/** Whether this version knows what such a line tells of; a newer one may write others. */
export const isKnownAction = (action: JournalAction): boolean => actions.includes(action);

/** A change as it is handed to the journal. */
export interface JournalEvent {
  readonly action: JournalAction;
  readonly snapshot?: string;
  /** Digest of the snapshot's set of files. */
  readonly digest?: string;
  /** Id of the bundle it came with: the digest of its manifest. */
  readonly bundle?: string;
  /** Fingerprint of who signed that bundle, or `unsigned`. */
  readonly signer?: string;
  /** One clause for people. */
  readonly note?: string;
}

/** A line of the journal. `previous` is the SHA-256 of the line before (64 zeros in the first). */
export interface JournalLine extends JournalEvent {
  readonly n: number;
  /** What the clock said; a clock that was set back shows here and breaks nothing. */
  readonly time: string;
  readonly user: string;
  readonly previous: string;
}

/** Reads a line; undefined where it has another form. An action that isn't known is one all the same. */
export const parseJournalLine = (text: string): JournalLine | undefined => {
  const value = parseJson(text);
  return isLine(value) ? value : undefined;
};

const required = ['time', 'user', 'action', 'previous'] as const;
const optional = ['snapshot', 'digest', 'bundle', 'signer', 'note'] as const;

const isLine = (value: unknown): value is JournalLine => {
  const fields = membersOf(value);
  return (
    typeof fields['n'] === 'number' &&
    required.every((name) => typeof fields[name] === 'string') &&
    optional.every((name) => fields[name] === undefined || typeof fields[name] === 'string')
  );
};
