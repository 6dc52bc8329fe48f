import { fillCaches } from '../fill.ts';
import type { Finding } from '../finding.ts';
import { productionPaths, productionVersions } from '../grow/grown-corpus.ts';
import type { Line } from '../line.ts';
import type { Stage } from '../stage.ts';
import { showNumber } from '../table.ts';

/** Resident memory while every cache is full and requests come in. */
export const memoryLines: readonly Line[] = [
  {
    key: 'memory',
    needs: ['wrk'],
    run: (stage) =>
      measure(stage, {
        key: 'memory',
        packagePaths: [stage.corpus.folder],
        versions: stage.corpus.archives.length,
        most: 350,
      }),
  },
  {
    key: 'large-memory',
    needs: ['wrk'],
    run: async (stage) =>
      measure(stage, {
        key: 'large-memory',
        packagePaths: await productionPaths(stage),
        versions: productionVersions,
        most: 500,
      }),
  },
];

interface MemoryLine {
  readonly key: string;
  readonly packagePaths: readonly string[];
  readonly versions: number;
  /** MB */
  readonly most: number;
}

async function measure(stage: Stage, { key, packagePaths, versions, most }: MemoryLine): Promise<Finding[]> {
  const depot = await stage.ownDepot(packagePaths, await stage.warmCache(packagePaths));
  try {
    const { peak, faults } = await fillCaches(stage, depot);
    return [
      {
        key,
        title: `memory under load with caches full, ${showNumber(versions)} versions`,
        unit: 'MB',
        value: peak,
        wanted: { of: 'value', most },
        faults,
      },
    ];
  } finally {
    await depot.stop();
  }
}
