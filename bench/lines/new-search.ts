import { measureNewSearches } from '../new-search-times.ts';
import { productionPaths, productionVersions } from '../grow/grown-corpus.ts';
import type { Line } from '../line.ts';
import { showNumber } from '../table.ts';

/** Searches that no cache helps with, at the size of production. */
export const newSearchLine: Line = {
  key: 'new-search',
  needs: [],
  run: async (stage) => {
    const packagePaths = await productionPaths(stage);
    const depot = await stage.ownDepot(packagePaths, await stage.warmCache(packagePaths));
    try {
      const { middle, p95, faults } = await measureNewSearches(depot);
      return [
        {
          key: 'new-search',
          title: `/search never asked before, each, ${showNumber(productionVersions)} versions`,
          unit: 'ms',
          value: p95,
          wanted: { of: 'value', most: 10 },
          faults,
          note: `95th percentile; the median is ${showNumber(middle)} ms`,
        },
      ];
    } finally {
      await depot.stop();
    }
  },
};
