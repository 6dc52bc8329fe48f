import { parseConstraint } from './constraint.ts';
import type { Fields } from './fields.ts';

/** What a package needs of the stack it is installed in. */
export interface Conditions {
  readonly kibana: { readonly version: string } | undefined;
  readonly elastic:
    | { readonly subscription: string; readonly capabilities: readonly string[] | undefined }
    | undefined;
  readonly agent: { readonly version: string } | undefined;
}

/** The `conditions` of a manifest. A version condition that is no constraint, also an empty one, breaks the package. */
export function decodeConditions(fields: Fields): Conditions | undefined {
  const conditions = fields.map('conditions');
  const elastic = conditions?.map('elastic');
  const capabilities = elastic?.texts('capabilities') ?? [];
  return (
    conditions && {
      kibana: decodeVersion(conditions, 'kibana'),
      elastic: elastic && {
        subscription: elastic.text('subscription'),
        capabilities: capabilities.length > 0 ? capabilities : undefined,
      },
      agent: decodeVersion(conditions, 'agent'),
    }
  );
}

function decodeVersion(conditions: Fields, key: string): { readonly version: string } | undefined {
  const entry = conditions.map(key);
  const version = entry?.text('version') ?? '';
  if (entry && !parseConstraint(version)) {
    entry.broken(`${entry.name('version')} is "${version}", which is no version constraint`);
  }
  return entry && { version };
}
