import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Deprecation } from '../domain/deprecation.ts';
import { renderJson } from '../domain/json.ts';
import { compareVersions } from '../domain/version.ts';
import type { PackageRecord } from '../search/record.ts';
import type { IndexedPackage } from './indexed-package.ts';

/**
 * The deprecation of the newest version that has one is shown on every version of that name. Takes packages by name and
 * version ascending and gives them in the same order. What was rendered is kept for the next call.
 */
export function createDeprecationSharing(): (
  packages: readonly IndexedPackage[],
) => readonly IndexedPackage[] {
  const rendered = new WeakMap<PackageRecord, Rendered>();
  const deprecate = (entry: IndexedPackage, deprecation: Deprecation): IndexedPackage => {
    const kept = rendered.get(entry.record);
    const answers = kept?.deprecation === deprecation ? kept : renderAnswers(entry, deprecation);
    rendered.set(entry.record, answers);
    return { ...entry, summary: answers.summary, detail: answers.detail };
  };
  return (packages) => share(packages, deprecate);
}

interface Rendered extends Pick<IndexedPackage, 'summary' | 'detail'> {
  readonly deprecation: Deprecation;
}

function share(
  packages: readonly IndexedPackage[],
  deprecate: (entry: IndexedPackage, deprecation: Deprecation) => IndexedPackage,
): readonly IndexedPackage[] {
  const newest = new Map<string, IndexedPackage>();
  for (const entry of packages) {
    const before = newest.get(entry.record.name);
    // Of versions that differ only in build metadata the first counts.
    if (entry.record.deprecated && (!before || compareVersions(entry.version, before.version) > 0)) {
      newest.set(entry.record.name, entry);
    }
  }
  return newest.size === 0
    ? packages
    : packages.map((entry) => {
        const deprecation = newest.get(entry.record.name)?.record.deprecated;
        return deprecation ? deprecate(entry, deprecation) : entry;
      });
}

function renderAnswers(entry: IndexedPackage, deprecation: Deprecation): Rendered {
  const summary = renderDeprecated(entry.summary, deprecation).replaceAll('\n', '\n  ');
  return {
    deprecation,
    summary: Buffer.from(summary),
    detail: async () => {
      const detail = await promisify(gunzip)(await entry.detail());
      return promisify(gzip)(`${renderDeprecated(detail, deprecation)}\n`);
    },
  };
}

/** The fields of an answer that stand behind `deprecated`. */
const later = new Set(['requires', 'group', 'format_version']);

function renderDeprecated(json: Buffer, deprecation: Deprecation): string {
  const fields = Object.entries(JSON.parse(json.toString()) as object).filter(
    ([key]) => key !== 'deprecated',
  );
  const found = fields.findIndex(([key]) => later.has(key));
  const at = found < 0 ? fields.length : found;
  return renderJson(
    Object.fromEntries([...fields.slice(0, at), ['deprecated', deprecation], ...fields.slice(at)]),
  );
}
