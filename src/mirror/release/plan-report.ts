import { showUrl } from '../../net/http.ts';
import { sumOf, type Totals } from '../planning/plan-report.ts';
import { plannedFiles, type ReleasePlan } from './plan.ts';

/** What a plan of artifacts, keys, models and docs comes to. */
export interface ReleaseTotals extends Totals {
  readonly files: number;
}

/** Counts a plan. Small files of unknown size don't count as unknown. */
export const releaseTotals = (plan: ReleasePlan): ReleaseTotals => {
  const files = plannedFiles(plan);
  return {
    files: files.length,
    fetch: sumOf(files.filter(({ state }) => state === 'new')),
    keep: sumOf(files.filter(({ state }) => state !== 'new')),
    unwanted: sumOf(plan.unwanted),
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
