import { parseYaml } from '../../archive/yaml.ts';
import { isMap } from '../../domain/tree.ts';

/** The package that a manifest has to be of. */
export interface ManifestOwner {
  readonly name: string;
  readonly version: string;
}

/**
 * Throws an Error where the manifest doesn't say this name and version. One that its signer vouches for is read line by
 * line where it is written as nearly all are, which takes a fiftieth of the time; nobody has hidden anything in it.
 */
export function checkManifest(bytes: Buffer, owner: ManifestOwner, isVouchedFor: boolean): void {
  const stated = (isVouchedFor ? readLines(bytes) : undefined) ?? readWhole(bytes);
  if (stated.name !== owner.name || stated.version !== owner.version) {
    throw new Error(
      `its manifest says ${`${stated.name} ${stated.version}`.slice(0, 200)}, not ${owner.name} ${owner.version}`,
    );
  }
}

/** A key at the outermost level with its value, which no YAML takes for anything but this text. */
const line = /^(name|version):[ \t]+(["']?)([a-z][a-z0-9_]*|\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)\2[ \t]*\r?$/gm;
/** Whatever may be such a key. */
const anyLine = /^["']?(?:name|version)["']?[ \t]*:/gm;

/** Undefined where the two aren't there once each, one line each. */
function readLines(bytes: Buffer): ManifestOwner | undefined {
  const text = bytes.toString('latin1');
  const lines = [...text.matchAll(line)];
  const values = new Map(lines.map((match) => [match[1], match[3]]));
  const name = values.get('name');
  const version = values.get('version');
  const isPlain = lines.length === 2 && text.match(anyLine)?.length === 2;
  return isPlain && name !== undefined && version !== undefined ? { name, version } : undefined;
}

function readWhole(bytes: Buffer): ManifestOwner {
  const tree = parseYaml(bytes);
  const fields = isMap(tree) ? tree : {};
  const show = (field: unknown): string => (typeof field === 'object' ? 'nothing' : String(field));
  return { name: show(fields['name']), version: show(fields['version']) };
}
