import type { Context } from 'koa';
import type { IndexState } from '../../index/store.ts';
import { sendMoment } from '../send.ts';

/** What `/health` answers. Fields that aren't known yet are left out. */
export interface HealthReport {
  readonly status: 'ready' | 'degraded' | 'loading' | 'failed' | 'stopping';
  readonly reason?: string;
  readonly generation: number;
  /** Different names. */
  readonly packages: number;
  readonly versions: number;
  readonly quarantined: number;
  readonly indexed_at?: string;
  readonly progress?: { readonly done: number; readonly total: number };
  readonly certificate_expires?: string;
  readonly artifacts?: ArtifactHealth;
}

/** Files that agents download, by what is known of them. */
export interface ArtifactHealth {
  readonly good: number;
  readonly unchecked: number;
  readonly quarantined: number;
  /** The first that clients don't get, and why. */
  readonly quarantine: readonly { readonly path: string; readonly reasons: readonly string[] }[];
  /** By version and platform: whether agents can take it, and how much of the whole release set is not here. */
  readonly releases: readonly {
    readonly version: string;
    readonly platform: string;
    readonly agents: boolean;
    readonly missing: number;
  }[];
}

/** What health is told by. */
export interface HealthSources {
  state(): IndexState;
  certificateExpires(): Date | undefined;
  isStopping(): boolean;
  /** Left out where no artifacts are served. */
  artifacts?(): ArtifactHealth;
}

/** `GET /health`: 200 when packages are served, 503 before and after. `?live=true` is 200 as long as the process answers. */
export function healthRoute(sources: HealthSources) {
  return (context: Context): void => {
    const report = reportHealth(sources);
    const query = context.state['query'] as string;
    const isServing = report.status === 'ready' || report.status === 'degraded';
    const asksLife = query !== '' && new URLSearchParams(query).get('live') === 'true';
    const isWell = isServing || asksLife;
    const further = isWell ? [] : ['Retry-After', '1'];
    sendMoment(context, isWell ? 200 : 503, 'application/json', `${JSON.stringify(report)}\n`, further);
  };
}

/** The state of the server in one small object. */
export function reportHealth({
  state,
  certificateExpires,
  isStopping,
  artifacts,
}: HealthSources): HealthReport {
  const { snapshot, progress, fault } = state();
  const expires = certificateExpires();
  const status = isStopping()
    ? 'stopping'
    : snapshot
      ? fault
        ? 'degraded'
        : 'ready'
      : fault
        ? 'failed'
        : 'loading';
  const reason = status === 'loading' ? 'the first index is being made' : fault;
  return {
    status,
    ...(reason === undefined ? {} : { reason }),
    generation: snapshot?.generation ?? 0,
    packages: snapshot?.names ?? 0,
    versions: snapshot?.packages.length ?? 0,
    quarantined: snapshot?.quarantine.length ?? 0,
    ...(snapshot ? { indexed_at: snapshot.indexedAt.toISOString() } : {}),
    ...(progress ? { progress } : {}),
    ...(expires ? { certificate_expires: expires.toISOString() } : {}),
    ...(artifacts ? { artifacts: artifacts() } : {}),
  };
}
