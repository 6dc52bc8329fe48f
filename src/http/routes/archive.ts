import type { Context } from 'koa';
import type { KeptArchive } from '../../answer/archive-cache.ts';
import { DepotError } from '../../domain/errors.ts';
import type { PackageReference } from '../../domain/reference.ts';
import { parseReference } from '../../domain/reference.ts';
import type { PackageRef, ServedFile } from '../../source/source.ts';
import { foundOr, packageAnswers, tellingFaults } from '../missing-file.ts';
import { ownTurn } from '../own-turn.ts';
import { redirect } from '../redirect.ts';
import { sendBody, sendFile } from '../send.ts';
import type { RegistryRoutes } from './registry.ts';

/** `GET /epr/{any}/{name}-{version}.zip` and `.zip.sig`. Never with a Content-Encoding: Kibana would cut the file. */
export function archiveRoute(registry: RegistryRoutes) {
  return async (context: Context): Promise<void> => {
    const path = context.state['path'] as string;
    const match = /^\/epr\/[^/]+\/([^/]+)\.zip(\.sig)?(\/?)$/.exec(path);
    const [, text = '', signature, slash] = match ?? [];
    const reference = parseReference(text);
    if (!match || !reference) {
      throw new DepotError('ROUTE_UNKNOWN');
    }
    if (slash) {
      redirect(context, path.slice(0, -1), registry.prefix);
      return;
    }
    if (!reference.parsed) {
      throw new DepotError('VERSION_INVALID');
    }
    const turn = ownTurn(context.res);
    if (turn && !(await turn)) {
      return;
    }
    await (signature ? sendSignature : sendArchive)(context, reference, registry);
  };
}

async function sendSignature(
  context: Context,
  { name, version }: PackageReference,
  registry: RegistryRoutes,
): Promise<void> {
  const { snapshot, source, cacheTimes, metrics } = registry;
  const entry = snapshot().find(name, version);
  metrics.storageAsked(source.location, 'signature');
  const file = entry?.record.isSigned
    ? await foundOr(packageAnswers('SIGNATURE_UNKNOWN'), registry, source.openSignature(entry.ref))
    : undefined;
  if (!file) {
    throw new DepotError('SIGNATURE_UNKNOWN');
  }
  await sendFile(context, file, { type: 'text/plain; charset=utf-8', maxAge: cacheTimes.catchAll });
}

const archiveAnswers = packageAnswers('ARCHIVE_UNKNOWN');

async function sendArchive(
  context: Context,
  { name, version }: PackageReference,
  registry: RegistryRoutes,
): Promise<void> {
  const { snapshot, source, archives, cacheTimes, metrics } = registry;
  const entry = snapshot().find(name, version);
  if (!entry) {
    throw new DepotError('ARCHIVE_UNKNOWN');
  }
  const head = { type: 'application/zip', maxAge: cacheTimes.catchAll };
  const key = `${entry.ref.path} ${entry.ref.stamp}`;
  const kept = archives.take(key);
  if (kept) {
    sendKept(context, kept, head);
    return;
  }
  metrics.storageAsked(source.location, 'package');
  const opened = await foundOr(archiveAnswers, registry, source.openArchive(entry.ref));
  await refuseChanged(opened, entry.ref, registry);
  const send = async (file: ServedFile): Promise<void> => {
    const admitted = context.method === 'GET' ? await archives.admit(key, file) : undefined;
    if (admitted) {
      sendKept(context, admitted, head);
    } else {
      await sendFile(context, file, head, registry.transfers);
    }
  };
  await foundOr(archiveAnswers, registry, send(tellingFaults(opened, registry)));
}

function sendKept(context: Context, kept: KeptArchive, head: { type: string; maxAge: number }): void {
  context.res.once('close', kept.release);
  const body = { bytes: kept.bytes, etag: `"${kept.etag}"` };
  sendBody(context, body, { ...head, modifiedAt: kept.modifiedAt, ranges: true });
}

/**
 * An archive of another size than the one that was indexed may be half a copy: the client is told to come again (Kibana retries a
 * 503), and the index to look.
 */
async function refuseChanged(file: ServedFile, ref: PackageRef, { refresh }: RegistryRoutes): Promise<void> {
  if (ref.kind === 'zip' && file.size !== ref.size) {
    await file.close();
    refresh();
    throw new DepotError('ARCHIVE_CHANGED');
  }
}
