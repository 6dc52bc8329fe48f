import type { Deprecation } from './deprecation.ts';
import { decodeDeprecation } from './deprecation.ts';
import type { Fields } from './fields.ts';
import type { Json } from './json.ts';

/** A setting that the user fills in, as the registry answers it. The order of the fields is the answer's. */
export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly title: string | undefined;
  readonly description: string | undefined;
  readonly multi: boolean;
  readonly required: boolean;
  readonly show_user: boolean;
  readonly default: Json;
  readonly deprecated: Deprecation | undefined;
}

/** The `vars` of a package, an input or a stream; undefined where there are none. */
export function decodeVariables(fields: Fields): readonly Variable[] | undefined {
  const list = fields.list('vars').map((entry): Variable => ({
    name: entry.text('name'),
    type: entry.text('type'),
    title: entry.text('title') || undefined,
    description: entry.text('description') || undefined,
    multi: entry.flag('multi') ?? false,
    required: entry.flag('required') ?? false,
    show_user: entry.flag('show_user') ?? false,
    default: entry.free('default'),
    deprecated: decodeDeprecation(entry),
  }));
  return list.length > 0 ? list : undefined;
}
