import { categories } from '../domain/categories.ts';
import { isInCategory } from './category-filter.ts';
import type { PackageRecord } from './record.ts';

/** One element of the `/categories` answer; the order of the fields is the answer's. */
export interface CategoryCount {
  readonly id: string;
  readonly title: string;
  readonly count: number;
  readonly parent_id: string | undefined;
  readonly parent_title: string | undefined;
}

/**
 * Counts the packages of each category, sorted by id. With `includePolicyTemplates` each template counts too: once
 * for every category of its package and once for each of its own, and a category that only templates have, and no part of
 * it the package, counts the package once as well. Behaviour copied from the reference.
 */
export function countCategories(
  records: readonly PackageRecord[],
  includePolicyTemplates: boolean,
): CategoryCount[] {
  const counts = new Map<string, number>();
  const count = (list: Iterable<string>): void => {
    for (const id of list) {
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  };
  for (const record of records) {
    count(record.categories);
    const carries =
      record.templates.length > 1 || record.templates.some((template) => template.categories.length > 0);
    if (includePolicyTemplates && carries) {
      for (const template of record.templates) {
        count(record.categories);
        count(template.categories);
      }
      const ofTemplates = new Set(record.templates.flatMap((template) => template.categories));
      count([...ofTemplates].filter((id) => !isInCategory(record.categories, id)));
    }
  }
  return [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, number]) => {
      const category = categories.get(id);
      const parent = category?.parent === undefined ? undefined : categories.get(category.parent);
      return {
        id,
        title: category?.title ?? id,
        count: number,
        parent_id: parent?.id,
        parent_title: parent?.title,
      };
    });
}
