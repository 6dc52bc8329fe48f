import type { DeflatedEntry, PackageFiles } from '../source/source.ts';
import type { IndexedPackage } from '../index/indexed-package.ts';
import type { AnswerCache } from './answer-cache.ts';
import type { Body, Encoding } from './body.ts';
import { compress, ownBytes } from './bytes.ts';
import type { OpenPackages } from './open-packages.ts';

/** Files out of packages. */
export interface PackageFileAnswers {
  /** Reads nothing yet. */
  file(entry: IndexedPackage, path: string): PackageFileAnswer;
}

/** One file out of a package. */
export interface PackageFileAnswer {
  /** At once where it is kept. Throws RESOURCE_UNKNOWN for what isn't a file of the package, and what reading it throws. */
  body(encoding: Encoding): Body | Promise<Body>;
}

/** `onRead` is told of each file that had to be read, since it was not kept. */
export function createPackageFileAnswers(
  cache: AnswerCache,
  packages: OpenPackages,
  onRead: () => void,
): PackageFileAnswers {
  return {
    file: ({ ref }, path) => {
      const key = (encoding: Encoding): string => `file ${ref.path} ${ref.stamp} ${encoding} ${path}`;
      const keys = { identity: key('identity'), gzip: key('gzip') };
      const read = (encoding: Encoding): Promise<Buffer> => {
        onRead();
        return packages.with(ref, async (files) =>
          ownBytes(await (encoding === 'gzip' ? readGzipped(files, path) : files.read(path))),
        );
      };
      return {
        body: (encoding) => cache.peek(keys[encoding]) ?? cache.get(keys[encoding], () => read(encoding)),
      };
    },
  };
}

/** The entry as gzip. What lies deflated in the archive is only wrapped, after it was checked. */
async function readGzipped(files: PackageFiles, path: string): Promise<Buffer> {
  const content = await files.read(path);
  const deflated = await files.readDeflated(path);
  return deflated ? wrap(deflated) : compress(content);
}

// Method deflate, no flags, no time, unknown system (RFC 1952, 2.3).
const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);

function wrap({ bytes, crc32, size }: DeflatedEntry): Buffer {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  return Buffer.concat([gzipHeader, bytes, trailer]);
}
