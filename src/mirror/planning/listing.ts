import { parseConstraint } from '../../domain/constraint.ts';
import { DepotError } from '../../domain/errors.ts';
import { isObject } from '../../domain/json-tree.ts';
import { parseStrictVersion } from '../../domain/version.ts';
import type { Candidate, Requirement } from '../../distribution/candidate.ts';
import { isPackageName } from '../../distribution/parse-definition.ts';
import { showUrl } from '../../net/http.ts';

/** What a `/search` came to. */
export interface SearchAnswer {
  readonly candidates: readonly Candidate[];
  /** Entries whose name or version isn't proper. */
  readonly refused: readonly DepotError[];
}

/** Reads the entries that `url` has answered. */
export function readListing(items: readonly unknown[], url: URL): SearchAnswer {
  const candidates: Candidate[] = [];
  const refused: DepotError[] = [];
  for (const item of items) {
    const candidate = readCandidate(item);
    if (typeof candidate === 'string') {
      refused.push(new DepotError('UPSTREAM_LISTING', { url: showUrl(url), reason: candidate }));
    } else {
      candidates.push(candidate);
    }
  }
  return { candidates, refused };
}

function readCandidate(item: unknown): Candidate | string {
  if (!isObject(item)) {
    return 'an entry is no object';
  }
  const { name, version, download, signature_path: signaturePath } = item;
  if (typeof name !== 'string' || !isPackageName(name)) {
    return `the name ${quote(name)} is not made of a-z, 0-9 and _`;
  }
  const parsed = typeof version === 'string' ? parseStrictVersion(version) : undefined;
  if (typeof version !== 'string' || !parsed) {
    return `${name}: the version ${quote(version)} is not MAJOR.MINOR.PATCH`;
  }
  return {
    name,
    version,
    parsed,
    ...readConditions(item),
    ...(typeof download === 'string' && download !== '' ? { download } : {}),
    ...(typeof signaturePath === 'string' && signaturePath !== '' ? { signaturePath } : {}),
  };
}

/** What a search item or a manifest wants of Kibana and of other packages. */
export function readConditions(item: unknown): Pick<Candidate, 'kibana' | 'requires'> {
  const kibana = readKibana(isObject(item) ? item['conditions'] : undefined);
  return { ...(kibana === undefined ? {} : { kibana }), requires: readRequirements(item) };
}

/** `kibana.version` of a search item's conditions; what is no constraint counts as absent. */
function readKibana(conditions: unknown): string | undefined {
  const kibana = isObject(conditions) ? conditions['kibana'] : undefined;
  const version = isObject(kibana) ? kibana['version'] : undefined;
  return typeof version === 'string' && parseConstraint(version) ? version : undefined;
}

/** `requires.input[]` and `requires.content[]` of a search item or a manifest, each with `package` and `version`. */
function readRequirements(item: unknown): Requirement[] {
  const requires = isObject(item) ? item['requires'] : undefined;
  if (!isObject(requires)) {
    return [];
  }
  return [requires['input'], requires['content']].flatMap((list) =>
    (Array.isArray(list) ? (list as unknown[]) : []).flatMap((one) => {
      if (!isObject(one) || typeof one['package'] !== 'string') {
        return [];
      }
      return [
        { name: one['package'], constraint: typeof one['version'] === 'string' ? one['version'] : '*' },
      ];
    }),
  );
}

const quote = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);
