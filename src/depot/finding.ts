/** One thing found. `damage` makes the verb fail; a `note` is worth knowing (a torn line after a crash, leftovers). */
export interface Finding {
  readonly severity: 'damage' | 'note';
  readonly path: string;
  readonly reason: string;
}

/** Gathers what is found. */
export interface Findings {
  readonly all: readonly Finding[];
  tell(severity: Finding['severity'], path: string, reason: string): void;
  damage(path: string, reason: string): void;
  note(path: string, reason: string): void;
}

/** Nothing is found yet. */
export const createFindings = (): Findings => {
  const all: Finding[] = [];
  const tell: Findings['tell'] = (severity, path, reason) => void all.push({ severity, path, reason });
  return {
    all,
    tell,
    damage: (path, reason) => tell('damage', path, reason),
    note: (path, reason) => tell('note', path, reason),
  };
};
