import { askPresence, askPresences } from '../transfer/presence.ts';
import type { SmallFetch } from '../transfer/small-fetch.ts';
import { isSmallKind } from './group.ts';
import type { ReleasePlan } from './plan.ts';

/** Asks for the sizes of large files that have to be fetched; small ones don't matter. */
export const askReleaseSizes = async (
  plan: ReleasePlan,
  concurrency: number,
  deps: SmallFetch,
): Promise<ReleasePlan> => {
  const unknown = plan.groups.flatMap(({ kind, main, fault }) =>
    main.state === 'new' && main.size === undefined && !isSmallKind(kind) && fault === undefined
      ? [main]
      : [],
  );
  const answers = await askPresences(unknown, concurrency, ({ url }) => askPresence(url, deps));
  const groups = plan.groups.map((group) => {
    const size = answers.get(group.main)?.size ?? group.body?.length;
    return size === undefined || group.main.size !== undefined
      ? group
      : { ...group, main: { ...group.main, size } };
  });
  return { ...plan, groups };
};
