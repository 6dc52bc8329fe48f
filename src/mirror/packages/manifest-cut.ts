import { isDeepStrictEqual } from 'node:util';
import type { YamlValue } from '../../archive/yaml-scalars.ts';
import { parseYaml } from '../../archive/yaml.ts';
import { isMap, type TreeMap } from '../../domain/tree.ts';

/** A manifest without its screenshots, and the files that only they named. */
export interface CutManifest {
  readonly manifest: Buffer;
  /** Paths below the package's folder. */
  readonly files: readonly string[];
}

const key = /^( *)(?:screenshots|"screenshots"|'screenshots') *:(?:\s|$)/;

/**
 * Cuts the lines of `screenshots` out of a manifest and its policy templates; every other byte stays as it is. Undefined
 * where there are none. Decoded again, the rest must say the very same as before: throws an Error where it doesn't, as for
 * a manifest in one line.
 */
export const cutScreenshots = (manifest: Buffer): CutManifest | undefined => {
  const expected = parseYaml(manifest);
  const shown = takeScreenshots(expected);
  if (shown === undefined) {
    return undefined;
  }
  const cut = Buffer.from(cutLines(manifest.toString('utf8').split(/(?<=\n)/)).join(''));
  if (!isDeepStrictEqual(parseYaml(cut), expected)) {
    throw new Error('its screenshots are written in a way that cannot be cut out line by line');
  }
  const named = new Set(textsOf(expected));
  return {
    manifest: cut,
    files: shown.filter((src) => !named.has(src)).map((src) => src.replace(/^\//, '')),
  };
};

/** Takes the screenshots out of a decoded manifest; what they name. Undefined where it has no such key. */
const takeScreenshots = (manifest: YamlValue): string[] | undefined => {
  if (!isMap(manifest)) {
    return undefined;
  }
  const { policy_templates: templates } = manifest;
  const holders = [manifest, ...(Array.isArray(templates) ? templates : [])].filter(
    (one): one is TreeMap => isMap(one) && Object.hasOwn(one, 'screenshots'),
  );
  if (holders.length === 0) {
    return undefined;
  }
  return holders.flatMap((holder) => {
    const { screenshots } = holder;
    delete holder['screenshots'];
    return (Array.isArray(screenshots) ? screenshots : []).flatMap((one) =>
      isMap(one) && typeof one['src'] === 'string' ? [one['src']] : [],
    );
  });
};

/** A key's lines go to where something else begins at its column or before; blank lines and comments there stay. */
const cutLines = (lines: readonly string[]): string[] => {
  const kept: string[] = [];
  let column: number | undefined;
  let pending: string[] = [];
  for (const line of lines) {
    const text = line.trim();
    if (column !== undefined) {
      if (text === '' || text.startsWith('#')) {
        pending.push(line);
        continue;
      }
      const indent = line.length - line.trimStart().length;
      if (indent > column || (indent === column && /^-(?:\s|$)/.test(text))) {
        pending = [];
        continue;
      }
      column = undefined;
      kept.push(...pending);
      pending = [];
    }
    const found = key.exec(line);
    if (found) {
      column = found[1]?.length ?? 0;
    } else {
      kept.push(line);
    }
  }
  return [...kept, ...pending];
};

const textsOf = (value: YamlValue): string[] => {
  if (typeof value === 'string') {
    return [value];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
};
