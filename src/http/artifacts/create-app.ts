import type { Context } from 'koa';
import { createBody } from '../../answer/body.ts';
import type { Artifact } from '../../artifacts/artifact.ts';
import { agentKeyPath, mounts } from '../../artifacts/mounts.ts';
import { listBucket } from '../../artifacts/product-docs.ts';
import { DepotError } from '../../domain/errors.ts';
import { renderJson } from '../../domain/json.ts';
import { createApplication, type Application, type RequestState } from '../application.ts';
import { accessLog } from '../middleware/access-log.ts';
import { errorResponse } from '../middleware/error-response.ts';
import { hostGuard } from '../middleware/host-guard.ts';
import { methodGuard } from '../middleware/method-guard.ts';
import { requestId } from '../middleware/request-id.ts';
import { answerHeaders } from '../middleware/answer-headers.ts';
import { foundOr, tellingFaults } from '../missing-file.ts';
import { ownTurn } from '../own-turn.ts';
import { redirect } from '../redirect.ts';
import { sendBody, sendFile, sendMoment } from '../send.ts';
import { artifactType } from './artifact-type.ts';
import { listFolder, renderListing } from './listing.ts';
import type { ArtifactAppOptions } from './options.ts';
import { artifactPath, upgradeKeyPath } from './paths.ts';

/**
 * The artifact registry as a Koa application: what agents, fleet-server, endpoints and Elasticsearch download. A path is only
 * ever looked up. Nothing has a Content-Encoding: agents would unpack it and find another digest.
 */
export const createArtifactApp = (options: ArtifactAppOptions): Application => {
  const { log, metrics, prefix, clientOf } = options;
  const app = createApplication((error) => log.debug({ err: error }, 'an answer was not sent whole'));
  app.use(requestId());
  app.use(accessLog(log, metrics, clientOf));
  app.use(answerHeaders());
  app.use(errorResponse(log));
  app.use(hostGuard());
  app.use(methodGuard());
  app.use(artifactPath(prefix));
  app.use((context) => answer(context, context.state, options));
  return app;
};

const answer = async (context: Context, state: RequestState, options: ArtifactAppOptions): Promise<void> => {
  const { path } = state;
  if (path === '/health') {
    state.route = '/health';
    answerHealth(context, options);
    return;
  }
  if (!options.store.isListed()) {
    throw new DepotError('ARTIFACT_UNCHECKED');
  }
  if (path === agentKeyPath || upgradeKeyPath.test(path)) {
    state.route = path === agentKeyPath ? path : '/api/agents/upgrades/:version/pgp-public-key';
    await sendArtifact(context, findKey(options), options);
    return;
  }
  const mount = Object.values(mounts).find((one) => path.startsWith(one));
  state.route = mount === undefined ? 'unknown' : `${mount}*`;
  // Keys are public, and fleet-server asks for them without credentials.
  if (options.gatekeeper && mount !== mounts.keys) {
    const { authorization } = context.req.headers;
    await options.gatekeeper.admit(authorization, options.clientOf(context.req) ?? '');
  }
  const artifact = options.store.find(path);
  if (artifact) {
    await sendArtifact(context, artifact, options);
  } else {
    answerFolder(context, path, options);
  }
};

/** Agents' key by its name, or the name that fleet-server keeps it under. */
const findKey = ({ store }: ArtifactAppOptions): Artifact | undefined =>
  [agentKeyPath, `${mounts.keys}default.pgp`]
    .map((path) => store.find(path))
    .find((one) => one !== undefined);

const sendArtifact = async (
  context: Context,
  artifact: Artifact | undefined,
  { store, news, maxAge, transfers, log }: ArtifactAppOptions,
): Promise<void> => {
  if (
    !artifact ||
    (!store.isServed(artifact) && artifact.state === 'quarantined' && !store.isAwaited(artifact))
  ) {
    if (artifact) {
      log.warn(
        { 'event.action': 'artifact-withheld', 'file.path': artifact.path },
        `${artifact.path} was asked for and is in quarantine: it ${artifact.reasons.join('; ')}`,
      );
    }
    throw new DepotError(!artifact && store.isLost(mounts.keys) ? 'ARTIFACTS_LOST' : 'ARTIFACT_UNKNOWN');
  }
  // Endpoints refuse an ETag that changes, so Defend's files wait for their digest whatever the policy.
  if (!store.isServed(artifact) || (artifact.kind === 'defend' && artifact.digest === undefined)) {
    throw new DepotError('ARTIFACT_UNCHECKED');
  }
  // A cache on the way asks again before it answers: an artifact and its .sha512 of two different times would not fit. And
  // what compresses on the way would give agents another content.
  const keep = artifact.kind === 'key' ? `max-age=${maxAge}` : 'no-cache';
  const cacheControl = `public, ${keep}, no-transform`;
  const turn = ownTurn(context.res);
  if (turn && !(await turn)) {
    return;
  }
  const send = async (): Promise<void> => {
    const file = tellingFaults(await store.open(artifact), news);
    await sendFile(context, file, { type: artifactType(artifact), maxAge, cacheControl }, transfers);
  };
  await foundOr(fileAnswers, news, send());
};

const fileAnswers = {
  gone: 'ARTIFACT_UNKNOWN',
  changed: 'ARTIFACT_UNCHECKED',
  unreadable: 'ARTIFACTS_LOST',
} as const;

const answerFolder = (
  context: Context,
  path: string,
  { store, prefix, maxAge }: ArtifactAppOptions,
): void => {
  const isDocs = path === mounts.productDocs || path === mounts.productDocs.slice(0, -1);
  if (isDocs && store.isMounted(mounts.productDocs)) {
    const files = store.list().filter((one) => one.kind === 'product-doc' && store.isServed(one));
    const body = createBody(Buffer.from(listBucket(files, mounts.productDocs)));
    sendBody(context, body, { type: 'application/xml', maxAge });
    return;
  }
  const folder = path.endsWith('/') ? path : `${path}/`;
  const found = listFolder(folder, store.list(), store.isServed);
  const listing = found ?? (store.isMounted(folder) ? { path: folder, folders: [], files: [] } : undefined);
  if (!listing) {
    throw new DepotError(store.isLost(path) ? 'ARTIFACTS_LOST' : 'ARTIFACT_UNKNOWN');
  }
  if (folder !== path) {
    redirect(context, folder, prefix);
    return;
  }
  const wantsJson =
    new URLSearchParams(context.state['query'] as string).get('format') === 'json' ||
    context.accepts('text/html', 'application/json') === 'application/json';
  const text = wantsJson ? `${renderJson(listing)}\n` : renderListing(listing);
  context.set(
    'Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
  );
  context.vary('Accept');
  sendBody(context, createBody(Buffer.from(text)), {
    type: wantsJson ? 'application/json' : 'text/html; charset=utf-8',
    maxAge: 0,
  });
};

const answerHealth = (context: Context, { store }: ArtifactAppOptions): void => {
  const { listed, files, good, unchecked, quarantined } = store.report();
  const status = listed ? 'ready' : 'loading';
  const text = `${JSON.stringify({ status, files, good, unchecked, quarantined })}\n`;
  sendMoment(context, listed ? 200 : 503, 'application/json', text);
};
