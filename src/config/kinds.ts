import { isIP } from 'node:net';
import { DepotError } from '../domain/errors.ts';
import { parseAddress, type ListenAddress } from './address.ts';
import { parseBytes } from './bytes.ts';
import { formatDuration, parseDuration } from './duration.ts';

/** How the text of a setting becomes a value. `parse` throws DepotError VALUE_INVALID with a clause that quotes the text. */
export interface Kind<T> {
  /** What stands behind the flag in the help: `<path>`. */
  readonly placeholder: string;
  /** One clause for the reference page. */
  readonly form: string;
  readonly parse: (text: string) => T;
  /** True where the flag alone means "true", as Go's boolean flags. */
  readonly isBoolean?: boolean;
  /** True where a list in config.yml and a comma in flag and variable separate several values. */
  readonly isList?: boolean;
}

const refuse = (reason: string): never => {
  throw new DepotError('VALUE_INVALID', { reason });
};

const goBooleans: Readonly<Record<string, boolean>> = {
  1: true, t: true, T: true, TRUE: true, true: true, True: true,
  0: false, f: false, F: false, FALSE: false, false: false, False: false,
}; // prettier-ignore

/** The words of Go's strconv.ParseBool: the reference's flags take no others. */
export const boolean: Kind<boolean> = {
  placeholder: '',
  form: '`true` or `false` (also 1, t, T, 0, f, F)',
  isBoolean: true,
  parse: (text) =>
    (Object.hasOwn(goBooleans, text) ? goBooleans[text] : undefined) ??
    refuse(`'${text}' is not a boolean: write true or false`),
};

/** Any text. */
export const text: Kind<string> = { placeholder: 'text', form: 'text', parse: (value) => value };

/** A file or folder; relative ones start at the working directory. */
export const path: Kind<string> = {
  placeholder: 'path',
  form: 'a path, relative to the working directory',
  parse: (value) => (value.includes('\0') ? refuse('a path has no NUL character') : value),
};

/** Several files or folders. */
export const paths: Kind<readonly string[]> = {
  placeholder: 'path,…',
  form: 'a list of paths in config.yml, paths with commas between them elsewhere',
  isList: true,
  parse: (value) =>
    value
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
      .map(path.parse),
};

/** IP addresses and networks in CIDR notation. */
export const networks: Kind<readonly { readonly address: string; readonly bits: number }[]> = {
  placeholder: 'address,…',
  form: 'IP addresses and networks such as `10.0.0.0/8`, with commas between them',
  parse: (value) =>
    value
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
      .map((one) => {
        const [address = '', length, ...more] = one.split('/');
        const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
        const bits = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : most + 1;
        return bits >= 0 && bits <= most && more.length === 0
          ? { address, bits }
          : refuse(`'${one}' is no IP address or network such as 10.0.0.0/8`);
      }),
};

/** Go's duration, in milliseconds. */
export const duration: Kind<number> = {
  placeholder: 'duration',
  form: 'a duration such as `10s`, `10m`, `1h30m`',
  parse: parseDuration,
};

/** A duration that a timer waits for: at least `from` and at most `to` milliseconds. */
export const timer = (from: number, to: number): Kind<number> => ({
  placeholder: 'duration',
  form: `a duration from \`${formatDuration(from)}\` to \`${formatDuration(to)}\``,
  parse: (value) => {
    const milliseconds = parseDuration(value);
    return milliseconds >= from && milliseconds <= to
      ? milliseconds
      : refuse(`'${value}' is not from ${formatDuration(from)} to ${formatDuration(to)}`);
  },
});

/** A size in bytes, at least 1. */
export const bytes: Kind<number> = {
  placeholder: 'size',
  form: 'a size such as `64MiB`, `512KB`, `1048576`',
  parse: (value) => parseBytes(value) || refuse(`'${value}' leaves nothing to read`),
};

/** A whole number from `from` to `to`. */
export const integer = (from: number, to: number): Kind<number> => ({
  placeholder: 'number',
  form: `a whole number from ${from} to ${to}`,
  parse: (value) => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    return number >= from && number <= to
      ? number
      : refuse(`'${value}' is not a whole number from ${from} to ${to}`);
  },
});

/** Memory for a cache: a size as above, or 0 for none. */
export const cacheBytes: Kind<number> = {
  ...bytes,
  form: `${bytes.form}, or \`0\` for none`,
  parse: parseBytes,
};

/** A number of processes: `auto` is 0, one for each core. */
export const processes: Kind<number> = {
  placeholder: 'number|auto',
  form: 'a whole number from 1 to 64, or `auto` for one on each core',
  parse: (value) => (value.toLowerCase() === 'auto' ? 0 : integer(1, 64).parse(value)),
};

/** One of some words; case doesn't matter. */
export const choice = <const W extends string>(...words: W[]): Kind<W> => ({
  placeholder: words.join('|'),
  form: `one of ${words.map((word) => `\`${word}\``).join(', ')}`,
  parse: (value) =>
    words.find((word) => word === value.toLowerCase()) ??
    refuse(`'${value}' is not one of ${words.join(', ')}`),
});

const levels = choice('debug', 'info', 'warn', 'error', 'fatal');

/** Other words for levels that the reference's logger takes. This server logs nothing above `error`. */
const otherLevels: Readonly<Record<string, ReturnType<typeof levels.parse>>> = {
  warning: 'warn', dpanic: 'fatal', panic: 'fatal',
}; // prettier-ignore

/** The least level that is logged; case doesn't matter. */
export const logLevel: typeof levels = {
  ...levels,
  form: `${levels.form} (nothing at all); also ${Object.keys(otherLevels)
    .map((word) => `\`${word}\``)
    .join(', ')}`,
  parse: (value) => {
    const word = value.toLowerCase();
    return (Object.hasOwn(otherLevels, word) ? otherLevels[word] : undefined) ?? levels.parse(value);
  },
};

/** A full OpenPGP fingerprint; spaces are allowed, as gpg prints them. */
export const fingerprint: Kind<string> = {
  placeholder: 'fingerprint',
  form: '40 or 64 hexadecimal digits',
  parse: (value) => {
    const digits = value.replaceAll(/\s/g, '').toUpperCase();
    return /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(digits)
      ? digits
      : refuse(`'${value}' is no full fingerprint`);
  },
};

/** `host:port` to listen on. */
export const address: Kind<ListenAddress> = {
  placeholder: 'host:port',
  form: '`host:port`, `:port` or `[ipv6]:port`',
  parse: parseAddress,
};

/** An http or https address of another server. */
export const url: Kind<string> = {
  placeholder: 'url',
  form: 'an address that starts with `http://` or `https://`',
  parse: (value) => {
    const parsed = URL.canParse(value) ? new URL(value) : undefined;
    return parsed?.protocol === 'http:' || parsed?.protocol === 'https:'
      ? value
      : refuse('the value is not an address that starts with http:// or https://');
  },
};

/** A prefix of request paths: `/registry`; slashes at its end are dropped, empty is none. */
export const pathPrefix: Kind<string> = {
  placeholder: '/prefix',
  form: 'a path such as `/registry`',
  parse: (value) => {
    const prefix = value.replace(/\/+$/, '');
    return prefix === '' || /^(?:\/[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/.test(prefix)
      ? prefix
      : refuse(`'${value}' is not a path such as /registry`);
  },
};
