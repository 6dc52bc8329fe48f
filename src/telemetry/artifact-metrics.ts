import { Gauge, type Registry } from 'prom-client';

/** Numbers of the artifacts, asked at each scrape. */
export interface ArtifactCounts {
  readonly good: number;
  readonly unchecked: number;
  readonly quarantined: number;
  readonly bytes: number;
  /** Large files that are on their way to clients. */
  readonly transfers: number;
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
  const transfers = new Gauge({
    name: 'fleet_depot_artifact_transfers',
    help: 'Large artifacts that are being sent',
    registers,
    collect: () => {
      transfers.set(ask().transfers);
    },
  });
};
