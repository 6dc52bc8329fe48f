import { productionPaths, productionVersions } from '../grow/grown-corpus.ts';
import type { Line } from '../line.ts';
import { measureStarts } from '../starts.ts';
import { showNumber } from '../table.ts';

/** First start and restart, and the memory after each. */
export const startLines: readonly Line[] = [
  {
    key: 'first-start',
    needs: [],
    run: (stage) =>
      measureStarts(stage, {
        key: 'first-start',
        title: `first start, ${showNumber(stage.corpus.archives.length)} versions`,
        packagePaths: [stage.corpus.folder],
        cacheDir: stage.emptyFolder,
        bounds: { ready: 8, memory: 150 },
      }),
  },
  {
    key: 'restart',
    needs: [],
    run: (stage) =>
      measureStarts(stage, {
        key: 'restart',
        title: `restart, ${showNumber(stage.corpus.archives.length)} versions`,
        packagePaths: [stage.corpus.folder],
        cacheDir: stage.warmCache,
        bounds: { ready: 1, memory: 150 },
      }),
  },
  {
    key: 'large-restart',
    needs: [],
    run: async (stage) => {
      const packagePaths = await productionPaths(stage);
      return measureStarts(stage, {
        key: 'large-restart',
        title: `restart, ${showNumber(productionVersions)} versions`,
        packagePaths,
        cacheDir: () => stage.warmCache(packagePaths),
        bounds: { ready: 2, memory: 300 },
      });
    },
  },
];
