import type { Plan } from './plan.ts';

/** What a plan comes to. Unknown sizes count as 0 and are told apart. */
export interface Totals {
  readonly fetch: Count;
  readonly keep: Count;
  readonly unwanted: Count;
  readonly unknownSizes: number;
}

/** What a plan of packages comes to. */
export interface PlanTotals extends Totals {
  readonly packages: number;
  readonly names: number;
}

/** How many files, and how large they are together. */
export interface Count {
  readonly items: number;
  readonly bytes: number;
}

/** What a list of files amounts to; unknown sizes count as 0. */
export const sumOf = (files: readonly { readonly size?: number }[]): Count => ({
  items: files.length,
  bytes: files.reduce((sum, { size = 0 }) => sum + size, 0),
});

/** Counts a plan, for people and reports. */
export function totalsOf(plan: Plan): PlanTotals {
  const fetched = plan.items.filter((item) => item.state === 'new');
  return {
    packages: plan.items.length,
    names: new Set(plan.items.map((item) => item.name)).size,
    fetch: sumOf(fetched),
    keep: sumOf(plan.items.filter((item) => item.state !== 'new')),
    unwanted: sumOf(plan.unwanted),
    unknownSizes: fetched.filter((item) => item.size === undefined).length,
  };
}

/** The plan for programs. */
export function planToJson(plan: Plan): object {
  return {
    totals: totalsOf(plan),
    packages: plan.items.map(({ name, version, state, size }) => ({
      name,
      version,
      state,
      size: size ?? null,
    })),
    unwanted: plan.unwanted,
    foreign: plan.foreign,
    absent: plan.absent,
    problems: plan.problems.map(({ label, reason }) => ({ label, reason })),
  };
}
