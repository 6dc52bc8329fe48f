import { showNumber, showQuantity, type TextTable } from '../table.ts';
import type { Growth } from './growth.ts';

/** One column for each size. */
export function growthTable(sizes: readonly Growth[]): TextTable {
  const row = (title: string, show: (growth: Growth) => string): string[] => [title, ...sizes.map(show)];
  return {
    head: ['package versions', ...sizes.map(({ versions }) => showNumber(versions))],
    rows: [
      row('first start', ({ firstStart }) => showQuantity(firstStart, 's')),
      row('restart', ({ restart }) => showQuantity(restart, 's')),
      row('memory after it', ({ memory }) => showQuantity(memory, 'MB')),
      row('memory under load', ({ memoryUnderLoad }) => showQuantity(memoryUnderLoad, 'MB')),
      row('/search never asked before, median', ({ newSearch }) => showQuantity(newSearch, 'ms')),
      row('/search, kept', ({ keptSearch }) => showQuantity(keptSearch, 'req/s')),
      row('/search of one package, kept', ({ keptPackage }) => showQuantity(keptPackage, 'req/s')),
    ],
  };
}

/** How much dearer each got from the smallest to the largest, where the number of versions grew so many times. */
export function growthRemarks(sizes: readonly Growth[]): string[] {
  const [small, large] = [sizes[0], sizes.at(-1)];
  if (!small || !large || small === large) {
    return [];
  }
  const times = (of: (growth: Growth) => number): string => `${showNumber(of(large) / of(small))} times`;
  return [
    `From ${showNumber(small.versions)} to ${showNumber(large.versions)} versions (${times(({ versions }) => versions)} as many), ` +
      `a restart took ${times(({ restart }) => restart)} as long, a search never asked before ${times(({ newSearch }) => newSearch)}, ` +
      `and a kept answer ${times(({ keptSearch }) => 1 / keptSearch)}.`,
  ];
}
