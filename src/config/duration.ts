import { DepotError } from '../domain/errors.ts';

const unitMilliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/**
 * Milliseconds of a duration as Go writes it ("10m", "1h30m", "1.5s", "500ms", "0"), because operators bring their
 * configuration from the reference (https://pkg.go.dev/time#ParseDuration). A negative one is refused: no setting has a use for it.
 * Throws DepotError VALUE_INVALID.
 */
export const parseDuration = (text: string): number => {
  if (text === '0') {
    return 0;
  }
  let milliseconds = 0;
  part.lastIndex = 0;
  let end = 0;
  while (end < text.length) {
    const match = part.exec(text);
    if (match === null) {
      throw new DepotError('VALUE_INVALID', {
        reason: `'${text}' is not a duration such as 10m, 1h30m, 1.5s or 500ms`,
      });
    }
    milliseconds += Number(match[1]) * (unitMilliseconds[match[2] ?? ''] ?? 0);
    end = part.lastIndex;
  }
  if (text === '' || !Number.isFinite(milliseconds)) {
    throw new DepotError('VALUE_INVALID', {
      reason: `'${text}' is not a duration such as 10m, 1h30m, 1.5s or 500ms`,
    });
  }
  return milliseconds;
};

const shownUnits = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** The shortest Go form of whole milliseconds: 5400000 is "1h30m". */
export const formatDuration = (milliseconds: number): string => {
  let rest = Math.round(milliseconds);
  let text = '';
  for (const [unit, size] of shownUnits) {
    const count = Math.floor(rest / size);
    if (count > 0) {
      text += `${count}${unit}`;
      rest -= count * size;
    }
  }
  return text === '' ? '0s' : text;
};
