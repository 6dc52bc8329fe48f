import type { Context } from 'koa';
import type { Body, Encoding } from '../../answer/body.ts';
import type { PackageFileAnswer } from '../../answer/package-file.ts';
import type { IndexedPackage } from '../../index/indexed-package.ts';
import { isCompressible, typeByContent, typeByName } from '../content-type.ts';
import { createEncodingChoice } from '../encoding.ts';
import { foundOr, packageAnswers } from '../missing-file.ts';
import { redirect } from '../redirect.ts';
import { createHeads, sendBody, type AnswerHead } from '../send.ts';
import { findPackage, splitPath } from './package.ts';
import type { RegistryRoutes } from './registry.ts';

// Packages carry SVG, and SVG runs script when it is opened by itself.
const further = [
  ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox"],
] as const;

/** A file of a package as it was last asked for. */
interface LastFile {
  readonly entry: IndexedPackage;
  readonly answer: PackageFileAnswer;
  /** Undefined where only the content tells the type. */
  readonly heads: Readonly<Record<Encoding, AnswerHead>> | undefined;
}

/** `GET /package/{name}/{version}/{path…}`: a file from inside the package. */
export function packageFileRoute(registry: RegistryRoutes) {
  const { snapshot, files, cacheTimes, prefix } = registry;
  const chooseEncoding = createEncodingChoice();
  return (path: string) => {
    const { name, version, rest = '' } = splitPath(path);
    const varies = isCompressible(rest);
    const type = typeByName(rest);

    const headsOf = ({ ref }: IndexedPackage, typed: string): Readonly<Record<Encoding, AnswerHead>> => {
      const modifiedAt = new Date(ref.modifiedAt);
      return createHeads({
        type: typed,
        further,
        maxAge: cacheTimes.catchAll,
        varies,
        modifiedAt,
        lastModified: modifiedAt.toUTCString(),
        ranges: true,
      });
    };
    const find = (entry: IndexedPackage): LastFile => ({
      entry,
      answer: files.file(entry, rest),
      heads: type === undefined ? undefined : headsOf(entry, type),
    });
    const sendRead = async (
      context: Context,
      { entry, answer, heads }: LastFile,
      encoding: Encoding,
      reading: Promise<Body>,
    ): Promise<void> => {
      const body = await foundOr(packageAnswers('PACKAGE_UNKNOWN'), registry, reading);
      if (heads) {
        sendBody(context, body, heads[encoding]);
        return;
      }
      const plain = encoding === 'identity' ? body : await answer.body('identity');
      sendBody(context, body, headsOf(entry, typeByContent(plain.bytes))[encoding]);
    };

    let last: LastFile | undefined;
    return (context: Context): void | Promise<void> => {
      if (rest.endsWith('/')) {
        redirect(context, `/package/${name}/${version}/${rest.slice(0, -1)}`, prefix);
        return;
      }
      const entry = findPackage(snapshot(), name, version);
      const file = last?.entry === entry ? last : find(entry);
      last = file;
      const { headers } = context.req;
      const encoding =
        varies && headers.range === undefined ? chooseEncoding(headers['accept-encoding']) : 'identity';
      const body = file.answer.body(encoding);
      if (body instanceof Promise || !file.heads) {
        return sendRead(context, file, encoding, Promise.resolve(body));
      }
      sendBody(context, body, file.heads[encoding]);
    };
  };
}
