/** A key that is known by its fingerprint before it is ever fetched. */
export interface PinnedKey {
  readonly name: string;
  readonly fingerprint: string;
  readonly url: string;
}

/** Elastic's signing key: all of its packages, and what Kibana trusts unless it is told otherwise. */
export const elasticKey: PinnedKey = {
  name: 'elastic',
  fingerprint: '46095ACC8548582C1A2699A9D27D666CD88E42B4',
  url: 'https://artifacts.elastic.co/GPG-KEY-elasticsearch',
};

/** Keys that can be added by name. */
export const pinnedKeys: readonly PinnedKey[] = [elasticKey];
