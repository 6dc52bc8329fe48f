import { showUrl } from '../../net/http.ts';
import type { Plan, PlanItem } from '../planning/plan.ts';
import type { SyncRequest } from '../planning/request.ts';
import { askPresences } from '../transfer/presence.ts';
import type { PackageDeps } from './deps.ts';

/** Asks for the sizes of archives that have to be fetched; a lock file says them itself. */
export async function askSizes(plan: Plan, request: SyncRequest, deps: PackageDeps): Promise<Plan> {
  const unknown = plan.items.filter((item) => item.state === 'new' && !item.locked);
  const answers = await askPresences(unknown, request.concurrency * 2, ({ archiveUrl }) =>
    deps.upstream.archivePresence(archiveUrl, deps.signal),
  );
  const items = plan.items.map((item): PlanItem => {
    const locked = item.locked && (item.locked.original ?? item.locked);
    const size = item.state === 'new' ? (locked ?? answers.get(item))?.size : undefined;
    return size === undefined ? item : { ...item, size };
  });
  if (!request.dryRun) {
    // A run finds out by itself, and tells which of them failed; a dry run has nothing else to tell it by.
    return { ...plan, items };
  }
  const absent = [...answers].flatMap(([{ id, archiveUrl }, { isAbsent }]) =>
    isAbsent ? [{ label: id, reason: `${showUrl(archiveUrl)}: the upstream does not have it (404)` }] : [],
  );
  return { ...plan, items, problems: [...plan.problems, ...absent] };
}
