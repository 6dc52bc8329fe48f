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
  const summary = entry.summary.toString().replaceAll('\n  ', '\n');
  return {
    summary: Buffer.from(putDeprecation(summary, deprecation).replaceAll('\n', '\n  ')),
    detail: async () => {
      const detail = await promisify(gunzip)(await entry.detail());
      return promisify(gzip)(putDeprecation(detail.toString(), deprecation));
    },
  };
}

/** The fields of an answer that stand behind `deprecated`. */
const later = /^ {2}"(?:requires|group|format_version)":/;

/**
 * The field in an answer as it was rendered, a line of two spaces and a name for each field. It is not parsed: numbers
 * beyond 2^53 and keys that are numbers would not come back as they were.
 */
function putDeprecation(json: string, deprecation: Deprecation): string {
  const end = json.lastIndexOf('\n}');
  const fields = json
    .slice(2, end)
    .split(/,\n(?= {2}")/)
    .filter((field) => !field.startsWith('  "deprecated":'));
  const found = fields.findIndex((field) => later.test(field));
  fields.splice(found < 0 ? fields.length : found, 0, renderJson({ deprecated: deprecation }).slice(2, -2));
  return `{\n${fields.join(',\n')}${json.slice(end)}`;
}
