/** How the files of one artifact are packed. */
export type PackageType = 'tar.gz' | 'zip' | 'deb' | 'rpm' | 'msi';

/** The parts of `elastic-agent-9.2.1-linux-x86_64.tar.gz`. */
export interface ArtifactName {
  readonly name: string;
  /** With `-SNAPSHOT` and `+build…` where the file has them. */
  readonly version: string;
  /** What stands between version and extension: `linux-x86_64`, `amd64`, `docker-image-linux-amd64`. */
  readonly platform: string;
  readonly type: PackageType;
}

const form =
  /^([a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*)-(\d{1,6}\.\d{1,6}\.\d{1,6}(?:-(?:SNAPSHOT|(?:alpha|beta|rc)\.?\d+))*(?:\+[0-9A-Za-z.]+)?)-([a-z0-9_]+(?:-[a-z0-9_]+)*)\.(tar\.gz|zip|deb|rpm|msi)$/;

/** Reads a file name of the artifact registry; undefined where it has another form. */
export const parseArtifactName = (file: string): ArtifactName | undefined => {
  const match = form.exec(file);
  if (!match) {
    return undefined;
  }
  const [, name = '', version = '', platform = '', type] = match;
  return { name, version, platform, type: type as PackageType };
};

/** The files that lie beside an artifact, by the end of their names. */
export const sidecars = ['.sha512', '.asc'] as const;

/** The end of a sidecar's name. */
export type Sidecar = (typeof sidecars)[number];

/** Splits `x.tar.gz.sha512` into the artifact's path and the sidecar's end; undefined for anything else. */
export const sidecarOf = (path: string): { readonly of: string; readonly end: Sidecar } | undefined => {
  const end = sidecars.find((one) => path.endsWith(one));
  return end === undefined ? undefined : { of: path.slice(0, -end.length), end };
};
