/**
 * Whether a folder below a package path is one of the artifact registry's, as `sync` and bundles put them beside the packages:
 * the zips in it are agents, product docs and manifests of Elastic Defend, no packages. By the registry's own names only, so
 * that a site's packages may lie in any other folder, `downloads/` included.
 */
export const isArtifactFolder = (label: string): boolean =>
  /^(?:downloads\/(?:apm-server|beats|cloudbeat|endpoint|endpoint-dev|fleet-server|prodfiler)|ml-models|product-docs)$/.test(
    label,
  );
