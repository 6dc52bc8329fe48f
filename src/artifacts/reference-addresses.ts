/** Where the reference files of a release come from. One table; every address may be replaced. */
export interface ReferenceAddresses {
  /** Ends before `/downloads/`. */
  readonly artifacts: string;
  /** Ends before `/{version}-{hash}/downloads/`. */
  readonly snapshots: string;
  /** The key that agents ask for by this very name. */
  readonly agentKey: string;
  readonly models: string;
  readonly productDocs: string;
}

/** The public addresses. */
export const referenceAddresses: ReferenceAddresses = {
  artifacts: 'https://artifacts.elastic.co',
  snapshots: 'https://snapshots.elastic.co',
  agentKey: 'https://artifacts.elastic.co/GPG-KEY-elastic-agent',
  models: 'https://ml-models.elastic.co',
  productDocs: 'https://kibana-knowledge-base-artifacts.elastic.co',
};
