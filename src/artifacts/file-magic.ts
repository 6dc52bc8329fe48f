import type { PackageType } from './artifact-name.ts';

/** How many bytes `magicProblem` looks at. */
export const magicBytes = 64;

const beginnings: Readonly<Record<PackageType, { readonly hex: string; readonly what: string }>> = {
  'tar.gz': { hex: '1f8b', what: 'a gzip file' },
  zip: { hex: '504b', what: 'a zip file' },
  deb: { hex: '213c617263683e', what: 'a Debian package' },
  rpm: { hex: 'edabeedb', what: 'an RPM package' },
  msi: { hex: 'd0cf11e0', what: 'a Windows installer' },
};

/** One clause where a file's first bytes aren't those of its extension: a web page or an error saved under its name. */
export const magicProblem = (type: PackageType, first: Uint8Array): string | undefined => {
  const bytes = Buffer.from(first);
  const { hex, what } = beginnings[type];
  if (bytes.length === 0) {
    return 'is empty';
  }
  if (bytes.toString('hex').startsWith(hex)) {
    return undefined;
  }
  return /^\s*<(?:!doctype|html|\?xml|head|error)/i.test(bytes.toString('latin1'))
    ? `is a web page or an error message, not ${what}`
    : `does not begin as ${what} does`;
};
