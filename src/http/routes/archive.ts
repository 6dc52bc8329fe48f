import type { Context } from 'koa';
import { DepotError } from '../../domain/errors.ts';
import { parseReference } from '../../domain/reference.ts';
import { redirect } from '../redirect.ts';
import { sendFile } from '../send.ts';
import type { RegistryRoutes } from './registry.ts';

/** `GET /epr/{any}/{name}-{version}.zip` and `.zip.sig`. Never with a Content-Encoding: Kibana would cut the file. */
export function archiveRoute({ snapshot, source, cacheTimes, prefix, metrics }: RegistryRoutes) {
  return async (context: Context): Promise<void> => {
    const path = context.state['path'] as string;
    const match = /^\/epr\/[^/]+\/([^/]+)\.zip(\.sig)?(\/?)$/.exec(path);
    const [, reference = '', signature, slash] = match ?? [];
    const parsed = parseReference(reference);
    if (!match || !parsed) {
      throw new DepotError('ROUTE_UNKNOWN');
    }
    if (slash) {
      redirect(context, path.slice(0, -1), prefix);
      return;
    }
    if (!parsed.parsed) {
      throw new DepotError('VERSION_INVALID');
    }
    const entry = snapshot().find(parsed.name, parsed.version);
    metrics.storageAsked(source.location, signature ? 'signature' : 'package');
    if (signature) {
      const file = entry && (await source.openSignature(entry.ref));
      if (!file) {
        throw new DepotError('SIGNATURE_UNKNOWN');
      }
      await sendFile(context, file, { type: 'text/plain; charset=utf-8', maxAge: cacheTimes.catchAll });
      return;
    }
    if (!entry) {
      throw new DepotError('ARCHIVE_UNKNOWN');
    }
    await sendFile(context, await source.openArchive(entry.ref), {
      type: 'application/zip',
      maxAge: cacheTimes.catchAll,
    });
  };
}
