/** The addresses that clients are given, and what is served there. */
export interface SiteAddresses {
  /** The package registry, without slash at its end. */
  readonly packages: string;
  /** The artifact registry; may be a listener of its own. */
  readonly artifacts: string;
  readonly hasArtifacts: boolean;
  readonly hasKeys: boolean;
  readonly hasModels: boolean;
  readonly hasProductDocs: boolean;
}

/** The settings of one client. */
export interface ClientSettings {
  /** Where the lines go: `kibana.yml`. */
  readonly place: string;
  readonly lines: readonly string[];
}

const keyPath = '/GPG-KEY-elastic-agent';

/** The exact settings of every client for a site's addresses. A part that isn't served is a comment that says how to get it. */
export const clientSettings = (site: SiteAddresses): readonly ClientSettings[] => {
  const off = (setting: string): string => `# not served here: set -${setting}`;
  const isTls = site.packages.startsWith('https:');
  return [
    {
      place: 'kibana.yml',
      lines: [
        `xpack.fleet.registryUrl: "${site.packages}"`,
        'xpack.fleet.isAirGapped: true',
        ...(site.hasProductDocs
          ? [`xpack.productDocBase.artifactRepositoryUrl: "${site.artifacts}/product-docs"`]
          : [off('product-docs-path')]),
      ],
    },
    ...(isTls
      ? [{ place: "Kibana's environment", lines: ['NODE_EXTRA_CA_CERTS=/etc/kibana/certs/depot-ca.pem'] }]
      : []),
    {
      place: 'elasticsearch.yml',
      lines: site.hasModels
        ? [`xpack.ml.model_repository: "${site.artifacts}/ml-models"`]
        : [off('models-path')],
    },
    {
      place: 'Fleet > Settings > Agent binary download',
      lines: site.hasArtifacts ? [`${site.artifacts}/downloads/`] : [off('artifacts-path')],
    },
    {
      place: 'elastic-agent.yml of agents without Fleet',
      lines: site.hasArtifacts
        ? [`agent.download.sourceURI: "${site.artifacts}/downloads/"`]
        : [off('artifacts-path')],
    },
    {
      place: 'Fleet Server integration > Advanced options > Custom fleet-server configurations',
      lines: site.hasKeys ? [`server.pgp.upstream_url: "${site.artifacts}${keyPath}"`] : [off('keys-path')],
    },
    {
      place: 'Elastic Defend policy > Advanced settings',
      lines: site.hasArtifacts
        ? ['linux', 'mac', 'windows'].map(
            (system) => `${system}.advanced.artifacts.global.base_url: ${site.artifacts}`,
          )
        : [off('artifacts-path')],
    },
  ];
};
