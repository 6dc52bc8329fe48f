import { showUrl } from '../../net/http.ts';
import type { Count } from '../planning/plan.ts';
import { plannedFiles, type ReleasePlan } from './plan.ts';

/** Files and bytes of a plan, as of packages. Small files of unknown size don't count as unknown. */
export interface ReleaseTotals {
  readonly files: number;
  readonly fetch: Count;
  readonly keep: Count;
  readonly unwanted: Count;
  readonly unknownSizes: number;
}

export const releaseTotals = (plan: ReleasePlan): ReleaseTotals => {
  const count = (items: readonly { readonly size?: number }[]): Count => ({
    items: items.length,
    bytes: items.reduce((sum, { size = 0 }) => sum + size, 0),
  });
  const files = plannedFiles(plan);
  return {
    files: files.length,
    fetch: count(files.filter(({ state }) => state === 'new')),
    keep: count(files.filter(({ state }) => state !== 'new')),
    unwanted: count(plan.unwanted),
    unknownSizes: plan.groups.filter(
      ({ kind, main }) => main.state === 'new' && main.size === undefined && kind !== 'key',
    ).length,
  };
};

/** The plan for programs. */
export const releasePlanToJson = (plan: ReleasePlan): object => ({
  totals: releaseTotals(plan),
  files: plannedFiles(plan).map(({ path, state, size, url }) => ({
    path,
    state,
    size: size ?? null,
    url: showUrl(url),
  })),
  unwanted: plan.unwanted.map(({ id, size }) => ({ path: id, size })),
  foreign: plan.foreign,
  problems: plan.problems.map(({ label, reason }) => ({ label, reason })),
});
