import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Deprecation } from '../domain/deprecation.ts';
import { renderJson } from '../domain/json.ts';
import { compareVersions } from '../domain/version.ts';
import type { IndexedPackage } from './indexed-package.ts';

/**
 * The deprecation of the newest version that has one is shown on every version. Takes the versions of one name, ascending,
 * and gives them in the same order.
 */
export function shareDeprecation(versions: readonly IndexedPackage[]): readonly IndexedPackage[] {
  const newest = versions.reduce<IndexedPackage | undefined>(
    // Of versions that differ only in build metadata the first counts.
    (before, entry) =>
      entry.record.deprecated && (!before || compareVersions(entry.version, before.version) > 0)
        ? entry
        : before,
    undefined,
  );
  const deprecation = newest?.record.deprecated;
  return deprecation
    ? versions.map((entry) => ({ ...entry, ...renderAnswers(entry, deprecation) }))
    : versions;
}

function renderAnswers(
  entry: IndexedPackage,
  deprecation: Deprecation,
): Pick<IndexedPackage, 'summary' | 'detail'> {
  const summary = renderDeprecated(entry.summary, deprecation).replaceAll('\n', '\n  ');
  return {
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
