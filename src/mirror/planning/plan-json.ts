import { totalsOf, type Plan } from './plan.ts';

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
