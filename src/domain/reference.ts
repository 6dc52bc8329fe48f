import type { Version } from './version.ts';
import { parseStrictVersion } from './version.ts';

/** What a package may be called: it becomes a part of addresses and file names. */
export const packageName = /^[a-z0-9_]+$/;

/** The address of a package on the registry, which its files and images stand below. */
export function packagePath(name: string, version: string): string {
  return `/package/${name}/${version}`;
}

/** A package as an address names it. */
export interface PackageReference {
  readonly name: string;
  readonly version: string;
}

/** Splits `nginx-1.2.3-beta.1`: a name has no hyphen, so the first one ends it. Undefined if the form is another. */
export function parseReference(
  text: string,
): (PackageReference & { readonly parsed: Version | undefined }) | undefined {
  const hyphen = text.indexOf('-');
  const name = text.slice(0, Math.max(hyphen, 0));
  const version = text.slice(hyphen + 1);
  return packageName.test(name) ? { name, version, parsed: parseStrictVersion(version) } : undefined;
}
