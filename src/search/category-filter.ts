import { categories } from '../domain/categories.ts';
import type { PackageRecord } from './record.ts';

/** Whether one of a list's categories is the wanted one or a part of it. */
export function isInCategory(list: readonly string[], wanted: string): boolean {
  return list.some((category) => category === wanted || categories.get(category)?.parent === wanted);
}

/** Names of the policy templates that are in a category by themselves; undefined where none is. */
export function templatesInCategory(record: PackageRecord, wanted: string): ReadonlySet<string> | undefined {
  const names = record.templates
    .filter((template) => isInCategory(template.categories, wanted))
    .map(({ name }) => name);
  return names.length > 0 ? new Set(names) : undefined;
}
