/** Lets many take turns, with a look at what else has happened in between. */
export interface Turns {
  /** Resolves when it is one's turn: in the order of asking, a few in each round of the event loop. */
  next(): Promise<void>;
}

/**
 * Node takes one new connection in each round of its event loop. Five hundred clients that all get a piece in one round make it so
 * long that who comes next waits for seconds; with `together` of them in each round it stays below a millisecond.
 */
export const createTurns = (together = 4): Turns => {
  // What is before `first` has had its turn.
  let waiting: (() => void)[] = [];
  let first = 0;
  let isSet = false;
  const run = (): void => {
    const until = Math.min(first + together, waiting.length);
    for (; first < until; first += 1) {
      waiting[first]?.();
    }
    // It may never be empty: what has had its turn is taken off now and then.
    if (first === waiting.length || first > 1000) {
      waiting = waiting.slice(first);
      first = 0;
    }
    isSet = waiting.length > 0;
    if (isSet) {
      setImmediate(run);
    }
  };
  return {
    next: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        if (!isSet) {
          isSet = true;
          setImmediate(run);
        }
      }),
  };
};
