import type { Config } from '../../config/settings.ts';
import { ownArtifactsUrl, ownUrl } from '../own-url.ts';
import type { SiteAddresses } from './settings.ts';

/** What flags say of a site; what they leave out is the server of this environment. */
export interface SiteOptions {
  readonly url?: string;
  readonly artifactsUrl?: string;
  readonly artifacts?: string;
  readonly keys?: string;
}

/** The addresses that clients of the site are given. */
export const siteOf = (options: SiteOptions, config: Config): SiteAddresses => {
  const packages = withoutPassword(options.url ?? ownUrl(config)).replace(/\/+$/, '');
  const artifacts = withoutPassword(
    options.artifactsUrl ?? (options.url === undefined ? ownArtifactsUrl(config) : packages),
  ).replace(/\/+$/, '');
  return {
    packages,
    artifacts,
    hasArtifacts: (options.artifacts ?? config.artifactsPath) !== undefined,
    hasKeys: (options.keys ?? config.keysPath) !== undefined,
    hasModels: config.modelsPath !== undefined,
    hasProductDocs: config.productDocsPath !== undefined,
  };
};

/** A plan is passed on; who sets the line knows the password. */
const withoutPassword = (address: string): string =>
  address.replace(/^(https?:\/\/[^/:@]*):[^/@]*@/i, '$1:PASSWORD@');
