import { InvalidArgumentError } from 'commander';

/** Seconds that a key is to last, of `90d`, `12w` or `5y`. Throws InvalidArgumentError. */
export const parseLifetime = (text: string): number => {
  const match = /^([1-9]\d{0,4})([dwy])$/.exec(text);
  if (match === null) {
    throw new InvalidArgumentError('Give days, weeks or years, such as 90d, 12w or 5y.');
  }
  const days = { d: 1, w: 7, y: 365 }[match[2] as 'd' | 'w' | 'y'];
  const seconds = Number(match[1]) * days * 86_400;
  if (Date.now() / 1000 + seconds > lastSecond) {
    throw new InvalidArgumentError(
      'OpenPGP knows no time after 2106-02-07; leave it out for a key without an end.',
    );
  }
  return seconds;
};

/** Times of OpenPGP have 32 bits: a key that is to last longer would end at once, or in the middle. */
const lastSecond = 0xffffffff;
