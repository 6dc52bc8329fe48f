import { Gauge, type Registry } from 'prom-client';

/** Numbers of the artifacts, asked at each scrape. */
export interface ArtifactCounts {
  readonly good: number;
  readonly unchecked: number;
  readonly quarantined: number;
  readonly bytes: number;
  /** Large files that are on their way to clients. */
  readonly transfers: number;
  readonly releases: readonly {
    readonly version: string;
    readonly platform: string;
    readonly hasAgent: boolean;
    readonly missing: readonly string[];
  }[];
}

/** Adds the artifact registry's gauges. */
export const addArtifactMetrics = (registry: Registry, ask: () => ArtifactCounts): void => {
  const registers = [registry];
  const files = new Gauge({
    name: 'fleet_depot_artifacts',
    help: 'Artifacts, keys and their sidecars by what is known of them',
    labelNames: ['state'],
    // Worker processes all have the same files.
    aggregator: 'max',
    registers,
    collect: () => {
      const counts = ask();
      for (const state of ['good', 'unchecked', 'quarantined'] as const) {
        files.set({ state }, counts[state]);
      }
    },
  });
  const bytes = new Gauge({
    name: 'fleet_depot_artifact_bytes',
    help: 'Bytes of all artifacts',
    aggregator: 'max',
    registers,
    collect: () => {
      bytes.set(ask().bytes);
    },
  });
  const labelNames = ['version', 'platform'] as const;
  const agents = new Gauge({
    name: 'fleet_depot_artifact_release_agents',
    help: '1 where agents can take this version, 0 where its agent is missing or refused',
    labelNames,
    aggregator: 'max',
    registers,
    collect: () => {
      agents.reset();
      for (const { version, platform, hasAgent } of ask().releases) {
        agents.set({ version, platform }, Number(hasAgent));
      }
    },
  });
  const missing = new Gauge({
    name: 'fleet_depot_artifact_release_missing',
    help: 'Artifacts of the whole release set that are not here',
    labelNames,
    aggregator: 'max',
    registers,
    collect: () => {
      missing.reset();
      for (const release of ask().releases) {
        const { version, platform } = release;
        missing.set({ version, platform }, release.missing.length);
      }
    },
  });
  const transfers = new Gauge({
    name: 'fleet_depot_artifact_transfers',
    help: 'Large artifacts that are being sent',
    registers,
    collect: () => {
      transfers.set(ask().transfers);
    },
  });
};
