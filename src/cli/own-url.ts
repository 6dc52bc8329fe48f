import { hostname } from 'node:os';
import type { Config } from '../config/settings.ts';

/** The address of the server that these settings start, as other machines reach it. */
export const ownUrl = (config: Config): string =>
  urlOf(config.address, config.tlsCert !== undefined) + config.pathPrefix;

/** The address that artifacts are asked at: the listener of its own where there is one. */
export const ownArtifactsUrl = (config: Config): string =>
  config.artifactsAddress === undefined
    ? ownUrl(config)
    : urlOf(config.artifactsAddress, config.artifactsTlsCert !== undefined) + config.pathPrefix;

const urlOf = ({ host, port }: Config['address'], isTls: boolean): string => {
  const name = ['', '0.0.0.0', '::'].includes(host) ? hostname() : host.includes(':') ? `[${host}]` : host;
  return `${isTls ? 'https' : 'http'}://${name}:${port}`;
};
