import { renderJson } from '../domain/json.ts';
import type { IndexedPackage } from '../index/indexed-package.ts';
import type { CategoryCount } from '../search/category-counts.ts';
import type { Hit } from '../search/filter.ts';

const open = Buffer.from('[\n  ');
const between = Buffer.from(',\n  ');
const close = Buffer.from('\n]\n');

/** The `/search` answer. As in the reference, an empty one has no newline at its end. */
export function renderSearch(hits: readonly Hit<IndexedPackage>[]): Buffer {
  if (hits.length === 0) {
    return Buffer.from('[]');
  }
  const parts: Buffer[] = [open];
  for (const [index, hit] of hits.entries()) {
    if (index > 0) {
      parts.push(between);
    }
    parts.push(hit.templates ? withTemplates(hit.entry.summary, hit.templates) : hit.entry.summary);
  }
  parts.push(close);
  return Buffer.concat(parts);
}

/** The `/categories` answer. */
export function renderCategories(counts: readonly CategoryCount[]): Buffer {
  return Buffer.from(`${renderJson(counts)}\n`);
}

/** A package that a category matches only through policy templates is shown with just those. */
function withTemplates(summary: Buffer, templates: ReadonlySet<string>): Buffer {
  const item = JSON.parse(summary.toString()) as { policy_templates: { name: string }[] | undefined };
  const shown = item.policy_templates?.filter(({ name }) => templates.has(name));
  item.policy_templates = shown?.length ? shown : undefined;
  return Buffer.from(renderJson(item).replaceAll('\n', '\n  '));
}
