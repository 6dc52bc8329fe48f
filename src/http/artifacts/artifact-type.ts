import type { Artifact } from '../../artifacts/artifact.ts';

/** The type of a file. Nothing is ever sent as something that a browser would run. */
export const artifactType = ({ path, kind }: Artifact): string => {
  if (kind === 'key' || kind === 'sha512' || kind === 'signature') {
    return 'text/plain; charset=utf-8';
  }
  if (path.endsWith('.zip')) {
    return 'application/zip';
  }
  if (path.endsWith('.json')) {
    return 'application/json';
  }
  return path.endsWith('.gz') ? 'application/gzip' : 'application/octet-stream';
};
