/** The known word that `word` was most likely meant to be: at most a third of its letters differ. Undefined if none is near. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      [best, bestDistance] = [candidate, distance];
    }
  }
  return best;
}

/**
 * The known word that begins as `word` does, for at least four letters and two thirds of the shorter one: `query` and
 * `queries`, `kibana` and `kibana.version`. Undefined if there is none.
 */
export function relatedWord(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let longest = 3;
  for (const candidate of known) {
    const shared = sharedLetters(word.toLowerCase(), candidate);
    if (shared > longest && shared * 3 >= Math.min(word.length, candidate.length) * 2) {
      [best, longest] = [candidate, shared];
    }
  }
  return best;
}

/** How many letters two words have in common at their beginning. */
function sharedLetters(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) {
    at++;
  }
  return at;
}

/** Levenshtein distance, with two neighbouring letters swapped counting as one change. Texts above 64 letters count as far. */
function editDistance(a: string, b: string): number {
  if (a.length > 64 || b.length > 64) {
    return 64;
  }
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length] ?? 0;
}
