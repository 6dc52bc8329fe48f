import type { Context } from 'koa';
import { DepotError } from '../../domain/errors.ts';
import { packageName } from '../../domain/reference.ts';
import { parseStrictVersion } from '../../domain/version.ts';
import type { IndexedPackage } from '../../index/indexed-package.ts';
import type { Snapshot } from '../../index/snapshot.ts';
import { createEncodingChoice } from '../encoding.ts';
import { redirect } from '../redirect.ts';
import { createHeads, sendBody } from '../send.ts';
import type { RegistryRoutes } from './registry.ts';

/** `GET /package/{name}/{version}/`; without the slash the client is sent to the address with it. */
export function packageRoute({ snapshot, answers, cacheTimes, prefix }: RegistryRoutes) {
  const heads = createHeads({ type: 'application/json', maxAge: cacheTimes.index, varies: true });
  const chooseEncoding = createEncodingChoice();
  return (path: string) => {
    const { name, version, rest } = splitPath(path);
    return (context: Context): void | Promise<void> => {
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
      return body instanceof Promise
        ? body.then((made) => sendBody(context, made, heads[encoding]))
        : sendBody(context, body, heads[encoding]);
    };
  };
}

/** Parts of a clean path below `/package`; `rest` is undefined without a slash behind the version. */
export function splitPath(path: string): { name: string; version: string; rest: string | undefined } {
  const [, , name = '', version = '', ...rest] = path.split('/');
  return { name, version, rest: rest.length > 0 ? rest.join('/') : undefined };
}

/** Throws PACKAGE_UNKNOWN, or VERSION_INVALID for what is no version. */
export function findPackage(snapshot: Snapshot, name: string, version: string): IndexedPackage {
  const entry = snapshot.find(name, version);
  if (!entry) {
    throw new DepotError(parseStrictVersion(version) ? 'PACKAGE_UNKNOWN' : 'VERSION_INVALID');
  }
  return entry;
}
