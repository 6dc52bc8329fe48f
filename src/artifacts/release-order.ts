import type { ReferenceAddresses } from './reference-addresses.ts';
import { releaseFiles, type ReleaseWish } from './release-set.ts';

/** A file to fetch: from where, and its path below the artifact folder's root. */
export interface WantedFile {
  readonly url: string;
  /** `downloads/beats/…`, `keys/…`, `ml-models/…`, `product-docs/…`. */
  readonly path: string;
}

/** The addresses of an artifact, its digest and its signature. A `+` in a name stays as it is. */
export const artifactUrls = (path: string, base: string): readonly WantedFile[] =>
  ['', '.sha512', '.asc'].map((end) => ({
    url: `${base.replace(/\/+$/, '')}/downloads/${path}${end}`,
    path: `downloads/${path}${end}`,
  }));

/** All that a definition's `artifacts:`, `keys:`, `defend:`, `models:` and `docs:` may ask for. */
export interface ReleaseOrder {
  readonly artifacts: readonly ReleaseWish[];
  /** Addresses by file name. */
  readonly keys: Readonly<Record<string, string>>;
  /** Endpoint versions; what their manifests refer to is found with `defendUrls` once they are here. */
  readonly defend: readonly string[];
  /** `elser_model_2_linux-x86_64`, … */
  readonly models: readonly string[];
  /** Versions (major.minor) of the product docs. */
  readonly docs: readonly string[];
}

const productDocs = ['elasticsearch', 'kibana', 'observability', 'security'] as const;

/** The files of an order, each path once, in the order of the definition. */
export const orderedFiles = (order: ReleaseOrder, addresses: ReferenceAddresses): readonly WantedFile[] => {
  const flat = (base: string, folder: string, file: string): WantedFile => ({
    url: `${base.replace(/\/+$/, '')}/${file}`,
    path: `${folder}/${file}`,
  });
  const files = [
    ...order.artifacts.flatMap((wish) =>
      releaseFiles(wish).flatMap(({ path }) => artifactUrls(path, addresses.artifacts)),
    ),
    ...Object.entries(order.keys).map(([name, url]) => ({ url, path: `keys/${name}` })),
    ...defendUrls(order.defend.map(defendManifestPath), addresses),
    ...order.models.flatMap((model) =>
      ['.metadata.json', '.pt', '.vocab.json'].map((end) =>
        flat(addresses.models, 'ml-models', `${model}${end}`),
      ),
    ),
    ...order.docs.flatMap((version) =>
      productDocs.map((product) =>
        flat(addresses.productDocs, 'product-docs', `kb-product-doc-${product}-${version}.zip`),
      ),
    ),
  ];
  return [...new Map(files.map((file) => [file.path, file])).values()];
};

/** Where endpoints of a version ask for their global manifest, below the server's root. */
const defendManifestPath = (version: string): string =>
  `/downloads/endpoint/manifest/artifacts-${version}.zip`;

/** The files that a Defend manifest refers to. `relative` are its `relative_url`s, checked by `readDefendManifest`. */
export const defendUrls = (
  relative: readonly string[],
  addresses: ReferenceAddresses,
): readonly WantedFile[] =>
  [...new Set(relative)].map((path) => ({
    url: `${addresses.artifacts.replace(/\/+$/, '')}${path}`,
    path: path.slice(1),
  }));
