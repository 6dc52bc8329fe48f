import type { Fields } from './fields.ts';

/** What an agent must be allowed to do for a package or a data stream. */
export interface AgentNeeds {
  readonly privileges: { readonly root: true | undefined } | undefined;
}

/** The `agent` mapping of a package or of a data stream; undefined where there is none. */
export function decodeAgentNeeds(fields: Fields): AgentNeeds | undefined {
  const agent = fields.map('agent');
  const privileges = agent?.map('privileges');
  return agent && { privileges: privileges && { root: privileges.flag('root') || undefined } };
}
