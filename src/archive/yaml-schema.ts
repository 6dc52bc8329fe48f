import { defineMappingTag, defineScalarTag, mergeTag, NOT_RESOLVED, Schema, seqTag, strTag } from 'js-yaml';
import { isNull, parseBoolean, parseFloating, parseInteger, type YamlValue } from './yaml-scalars.ts';

const notDumped = (): boolean => false;

const nullTag = defineScalarTag<null>('tag:yaml.org,2002:null', {
  implicit: true,
  implicitFirstChars: ['', '~', 'n', 'N'],
  resolve: (text) => (isNull(text) ? null : NOT_RESOLVED),
  identify: notDumped,
});

const boolTag = defineScalarTag<boolean>('tag:yaml.org,2002:bool', {
  implicit: true,
  implicitFirstChars: [...'yYnNtTfFoO'],
  resolve: (text) => parseBoolean(text) ?? NOT_RESOLVED,
  identify: notDumped,
});

const intTag = defineScalarTag<number | bigint>('tag:yaml.org,2002:int', {
  implicit: true,
  implicitFirstChars: [...'+-0123456789'],
  resolve: (text) => parseInteger(text) ?? NOT_RESOLVED,
  identify: notDumped,
});

const floatTag = defineScalarTag<number>('tag:yaml.org,2002:float', {
  implicit: true,
  implicitFirstChars: [...'+-.0123456789'],
  resolve: (text, isExplicit) => {
    // Whole numbers come first, as everywhere: 010 is 8.
    const whole = isExplicit ? parseInteger(text) : undefined;
    return whole === undefined ? (parseFloating(text) ?? NOT_RESOLVED) : Number(whole);
  },
  identify: notDumped,
});

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const binaryTag = defineScalarTag<string>('tag:yaml.org,2002:binary', {
  resolve: (text) => {
    const digits = text.replaceAll(/[\r\n]/g, '');
    return base64.test(digits) ? Buffer.from(digits, 'base64').toString('utf8') : NOT_RESOLVED;
  },
  identify: notDumped,
});

const timestamp =
  /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?)?$/;

const timestampTag = defineScalarTag<string>('tag:yaml.org,2002:timestamp', {
  resolve: (text) => (timestamp.test(text) ? text : NOT_RESOLVED),
  identify: notDumped,
});

type Mapping = Record<string, YamlValue>;

/** A mapping that is being read. */
interface Carrier {
  readonly mapping: Mapping;
  /** The keys that `<<` brought in, as long as none of the mapping's own follows. */
  readonly merged: Set<string>;
  /** The key that the next pair is merged in with. */
  merging: string | undefined;
}

/**
 * As Go's yaml.v2, where `<<` stands counts: it replaces what stands before it and is replaced by what follows, and of several
 * mappings that it names the first goes before. `json` lets a key come twice, so that only merging asks whether one is there.
 */
const mapTag = (textKeys: boolean) =>
  defineMappingTag<Carrier, Mapping>('tag:yaml.org,2002:map', {
    create: () => ({ mapping: {}, merged: new Set(), merging: undefined }),
    has: (carrier, key) => {
      carrier.merging = String(key);
      return carrier.merged.has(carrier.merging);
    },
    addPair: (carrier, key, value) => {
      if (typeof key === 'object' && key !== null) {
        return 'a list or a mapping is no key';
      }
      if (textKeys && typeof key !== 'string') {
        return `the key ${String(key)} is no text; in quotes it is one`;
      }
      const name = String(key);
      if (carrier.merging === name) {
        carrier.merged.add(name);
      } else {
        carrier.merged.clear();
      }
      carrier.merging = undefined;
      // Plain assignment, but `__proto__` stays an ordinary key.
      Object.defineProperty(carrier.mapping, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
      return '';
    },
    keys: Object.keys,
    get: (mapping, key) => mapping[String(key)],
    finalize: ({ mapping }) => mapping,
    identify: notDumped,
  });

const any = { tagName: '', matchByTagPrefix: true } as const;

/**
 * The tags of Go's yaml.v2, measured with version 2.4: those of a scalar say what its text has to be, quoted or not; every other
 * makes text of a scalar, whatever it names, and that of a collection means nothing. No tag makes anything but plain values.
 * With `textKeys` a key that is no text is an error, else it becomes its text.
 */
const goSchema = (textKeys: boolean): Schema => {
  const map = mapTag(textKeys);
  return new Schema(
    [strTag, nullTag, boolTag, intTag, floatTag, binaryTag, timestampTag, mergeTag, seqTag, map].concat(
      [strTag, seqTag, map].map((tag) => ({ ...tag, ...any })),
    ),
  );
};

export const anyKeySchema = goSchema(false);
export const textKeySchema = goSchema(true);
