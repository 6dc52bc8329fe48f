import type { Constraint } from '../domain/constraint.ts';
import type { Version } from '../domain/version.ts';
import type { Snapshot } from '../index/snapshot.ts';
import type { SearchQuery } from '../search/query.ts';

/**
 * One text for all queries that get the same answer from a snapshot: other spelling, other order, and client versions
 * that satisfy the same constraints. So a flood of different versions makes no more answers than there are.
 */
export function queryKey(snapshot: Snapshot, query: SearchQuery): string {
  const { category, name, type, capabilities, specMin, specMax, all, prerelease, experimental, discovery } =
    query;
  const filters = discovery.map(({ kind, values }) => `${kind}:${[...values].toSorted().join(',')}`);
  return JSON.stringify([
    satisfied(snapshot.kibanaConstraints, query.kibana),
    satisfied(snapshot.agentConstraints, query.agent),
    category ?? null,
    name ?? null,
    type ?? null,
    capabilities ? [...new Set(capabilities)].toSorted() : null,
    specMin ? specOf(specMin) : null,
    specMax ? specOf(specMax) : null,
    (all ? 1 : 0) + (prerelease ? 2 : 0) + (experimental ? 4 : 0),
    filters.toSorted(),
  ]);
}

const specOf = ({ major, minor, prerelease }: Version): string => `${major}.${minor}-${prerelease}`;

/** Which constraints a version satisfies, four to a hexadecimal digit; empty without a version. */
function satisfied(constraints: readonly Constraint[], version: Version | undefined): string {
  if (!version) {
    return '';
  }
  let digits = 'v';
  for (let at = 0; at < constraints.length; at += 4) {
    let digit = 0;
    for (let bit = 0; bit < 4; bit++) {
      digit |= constraints[at + bit]?.test(version) ? 1 << bit : 0;
    }
    digits += digit.toString(16);
  }
  return digits;
}
