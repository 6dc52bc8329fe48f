import type { DefinedFields } from '../domain/field-definitions.ts';
import type { TreeMap } from '../domain/tree.ts';

/** Why a content is refused. */
export interface Refusal {
  readonly reason: string;
}

/** What was found of contents, by a key that equal contents share. Forgets the oldest beyond its bounds. */
export interface ContentMemory<T> {
  get(key: string): T | undefined;
  /** `size` is that of the content in bytes. */
  set(key: string, found: T, size: number): void;
}

/**
 * What was found of files, by kind. Most files repeat from version to version, so each content is judged once: that is
 * what makes a first start bearable.
 */
export interface LearnedContent {
  readonly mappings: ContentMemory<{ readonly tree: TreeMap } | Refusal>;
  readonly fields: ContentMemory<{ readonly fields: DefinedFields } | Refusal>;
  readonly yamlPipelines: ContentMemory<object>;
  readonly jsonPipelines: ContentMemory<object>;
  /** Files that can be read and have the CRC that they should have. */
  readonly whole: ContentMemory<object>;
}

// Keys take most of what a verdict takes: a hundred bytes or two.
const maxVerdicts = 100_000;
// A tree takes five to ten times the memory of its text.
const maxTreeText = 8 * 1024 * 1024;

export function createLearnedContent(): LearnedContent {
  return {
    mappings: createMemory(maxVerdicts, maxTreeText),
    fields: createMemory(maxVerdicts),
    yamlPipelines: createMemory(maxVerdicts),
    jsonPipelines: createMemory(maxVerdicts),
    whole: createMemory(maxVerdicts),
  };
}

function createMemory<T>(maxItems: number, maxBytes = Number.POSITIVE_INFINITY): ContentMemory<T> {
  const items = new Map<string, { readonly found: T; readonly size: number }>();
  let bytes = 0;
  return {
    get: (key) => items.get(key)?.found,
    set: (key, found, size) => {
      if (items.has(key)) {
        return;
      }
      items.set(key, { found, size });
      bytes += size;
      // A map keeps the order in which its keys came.
      for (const [oldest, item] of items) {
        if (items.size <= maxItems && bytes <= maxBytes) {
          break;
        }
        items.delete(oldest);
        bytes -= item.size;
      }
    },
  };
}
