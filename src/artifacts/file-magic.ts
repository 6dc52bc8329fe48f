import { open } from 'node:fs/promises';
import type { PackageType } from './artifact-name.ts';

const magicBytes = 64;

/** The first bytes of a file. Rejects where it can't be read. */
export const readBeginning = async (path: string): Promise<Buffer> => {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(magicBytes), 0, magicBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
};

/**
 * True for a web page or an XML error, such as a portal or a store of objects answers instead of a file. Only the first bytes
 * are looked at.
 */
export const isWebPage = (bytes: Uint8Array): boolean =>
  /^\s*<(?:!doctype|html|\?xml|head|body|error)/i.test(
    Buffer.from(bytes.subarray(0, 256)).toString('latin1'),
  );

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
  return isWebPage(bytes)
    ? `is a web page or an error message, not ${what}`
    : `does not begin as ${what} does`;
};
