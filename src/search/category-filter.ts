import { categories } from '../domain/categories.ts';
import type { PackageRecord } from './record.ts';

/** Whether one of a list's categories is the wanted one or a part of it. */
export function isInCategory(list: readonly string[], wanted: string): boolean {
  return list.some((category) => category === wanted || categories.get(category)?.parent === wanted);
}

/**
 * Names of the policy templates that are shown where a package is in a category only through them; undefined where none
 * is. As in the reference those name the category itself: one that names a part of it brings the package in, but is not
 * shown.
 */
export function templatesInCategory(record: PackageRecord, wanted: string): ReadonlySet<string> | undefined {
  return record.templates.some((template) => isInCategory(template.categories, wanted))
    ? new Set(record.templates.filter(({ categories: own }) => own.includes(wanted)).map(({ name }) => name))
    : undefined;
}
