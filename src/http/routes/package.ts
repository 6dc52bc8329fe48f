import type { Context } from 'koa';
import { DepotError } from '../../domain/errors.ts';
import { packageName } from '../../domain/reference.ts';
import { parseStrictVersion } from '../../domain/version.ts';
import type { IndexedPackage } from '../../index/indexed-package.ts';
import type { Snapshot } from '../../index/snapshot.ts';
import { isCompressible, typeByContent, typeByName } from '../content-type.ts';
import { chooseEncoding } from '../encoding.ts';
import { foundOr } from '../missing-file.ts';
import { redirect } from '../redirect.ts';
import { createHeads, sendBody } from '../send.ts';
import type { RegistryRoutes } from './registry.ts';

/** `GET /package/{name}/{version}/`; without the slash the client is sent to the address with it. */
export function packageRoute({ snapshot, answers, cacheTimes, prefix }: RegistryRoutes) {
  const heads = createHeads({ type: 'application/json', maxAge: cacheTimes.index, varies: true });
  return async (context: Context): Promise<void> => {
    const { name, version, rest } = splitPath(context);
    if (!packageName.test(name)) {
      if (rest === undefined) {
        throw new DepotError('ROUTE_UNKNOWN');
      }
      redirect(context, `/package/${name}/${version}`, prefix);
      return;
    }
    if (rest === undefined) {
      redirect(context, `/package/${name}/${version}/`, prefix);
      return;
    }
    const current = snapshot();
    const entry = findPackage(current, name, version);
    const encoding = chooseEncoding(context.req.headers['accept-encoding']);
    const body = answers.packageInfo(current, entry, encoding);
    sendBody(context, body instanceof Promise ? await body : body, heads[encoding]);
  };
}

// Packages carry SVG, and SVG runs script when it is opened by itself.
const further = [
  ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox"],
] as const;

/** `GET /package/{name}/{version}/{path…}`: a file from inside the package. */
export function packageFileRoute({ snapshot, files, cacheTimes, prefix, refresh }: RegistryRoutes) {
  return async (context: Context): Promise<void> => {
    const { name, version, rest = '' } = splitPath(context);
    if (rest.endsWith('/')) {
      redirect(context, `/package/${name}/${version}/${rest.slice(0, -1)}`, prefix);
      return;
    }
    const entry = findPackage(snapshot(), name, version);
    const isRange = context.req.headers.range !== undefined;
    const varies = isCompressible(rest);
    const encoding = varies && !isRange ? chooseEncoding(context.req.headers['accept-encoding']) : 'identity';
    const kept = files.file(entry, rest, encoding);
    const body = kept instanceof Promise ? await foundOr('PACKAGE_UNKNOWN', refresh, kept) : kept;
    const type =
      typeByName(rest) ??
      typeByContent(encoding === 'gzip' ? (await files.file(entry, rest, 'identity')).bytes : body.bytes);
    sendBody(context, body, {
      type,
      further,
      maxAge: cacheTimes.catchAll,
      varies,
      encoding,
      modifiedAt: new Date(entry.ref.modifiedAt),
      ranges: true,
    });
  };
}

/** Parts of the clean path; `rest` is undefined without a slash behind the version. */
function splitPath(context: Context): { name: string; version: string; rest: string | undefined } {
  const [, , name = '', version = '', ...rest] = (context.state['path'] as string).split('/');
  return { name, version, rest: rest.length > 0 ? rest.join('/') : undefined };
}

function findPackage(snapshot: Snapshot, name: string, version: string): IndexedPackage {
  const entry = snapshot.find(name, version);
  if (!entry) {
    throw new DepotError(parseStrictVersion(version) ? 'PACKAGE_UNKNOWN' : 'VERSION_INVALID');
  }
  return entry;
}
