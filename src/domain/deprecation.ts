import type { Fields } from './fields.ts';

/** That something shouldn't be used any more: since which version, and what to do instead. */
export interface Deprecation {
  readonly since: string;
  readonly description: string;
  readonly replaced_by: Replacement | undefined;
}

/** What takes the place of the deprecated thing, by names. */
export interface Replacement {
  readonly package?: string | undefined;
  readonly policy_template?: string | undefined;
  readonly input?: string | undefined;
  readonly data_stream?: string | undefined;
  readonly variable?: string | undefined;
}

/** The `deprecated` mapping of a package or of a part of it; undefined where there is none. */
export function decodeDeprecation(fields: Fields): Deprecation | undefined {
  const entry = fields.map('deprecated');
  const replacement = entry?.map('replaced_by');
  return (
    entry && {
      since: entry.text('since'),
      description: entry.text('description'),
      replaced_by: replacement && {
        package: replacement.text('package') || undefined,
        policy_template: replacement.text('policy_template') || undefined,
        input: replacement.text('input') || undefined,
        data_stream: replacement.text('data_stream') || undefined,
        variable: replacement.text('variable') || undefined,
      },
    }
  );
}
