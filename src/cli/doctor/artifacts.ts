import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { countOf } from '../../domain/count.ts';
import { compareVersionTexts } from '../../artifacts/present-releases.ts';
import { agentPlatforms } from '../../artifacts/release-set.ts';
import { parseSha512File } from '../../artifacts/sha512-file.ts';
import { readPublicKeys } from '../../signing/public-key.ts';
import { createVerifier, fixedKeys } from '../../signing/verifier.ts';
import { isArmoredSignature } from '../../source/armor.ts';
import { attempt, failed, ok, unzipped, warning, type DoctorContext, type Finding } from './context.ts';
import { listServed } from './listing.ts';
import { checkOthers } from './others.ts';

/** What is asked of the artifacts. */
export interface ArtifactQuestions {
  /** Version that agents are to be upgraded to; the first that is listed where left out. */
  readonly agent?: string;
  readonly platform: string;
}

/** The artifact registry as agents and fleet-server use it. */
export const checkArtifacts = async (
  context: DoctorContext,
  questions: ArtifactQuestions,
): Promise<readonly Finding[]> => {
  const keys: string[] = [];
  const keyFindings = await attempt('agent key', () => checkKey(context, '/GPG-KEY-elastic-agent', keys));
  return [
    ...keyFindings,
    ...(await attempt('fleet-server key', () =>
      checkKey(context, '/api/agents/upgrades/9.0.0/pgp-public-key', []),
    )),
    ...(await attempt('agent artifact', () => checkAgent(context, questions, keys))),
    ...(await checkOthers(context)),
  ];
};

const checkKey = async ({ ask }: DoctorContext, path: string, keys: string[]): Promise<Finding> => {
  const check = path.startsWith('/api') ? 'fleet-server key' : 'agent key';
  const answer = await ask(path);
  const { status, headers } = answer;
  const body = unzipped(answer);
  if (status === 404) {
    return warning(
      check,
      `${path} is not served`,
      'put GPG-KEY-elastic-agent into the folder of -keys-path; agents that meet a new key fail without it',
    );
  }
  const isArmored = body.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----');
  const found = status === 200 && isArmored ? await readPublicKeys(body, path).catch(() => []) : [];
  if (found.length === 0 || !(headers['content-type'] ?? '').startsWith('text/plain')) {
    return failed(
      check,
      `${path} is answered ${status}, ${headers['content-type'] ?? 'no type'}, ${countOf(found.length, 'key')}`,
      'fleet-server keeps whatever is answered with 200 and serves it for good: something on the way answers instead of the server',
    );
  }
  keys.push(...found.map(({ armored }) => armored));
  const odd = found.filter(({ state }) => state !== 'usable');
  if (odd.length === found.length) {
    const advice = 'no agent takes a signature by it: put the current key in its place';
    return failed(check, odd.map(({ reason }) => reason).join(', '), advice);
  }
  return ok(check, found.map(({ fingerprint }) => fingerprint).join(', '));
};

const checkAgent = async (
  context: DoctorContext,
  questions: ArtifactQuestions,
  keys: readonly string[],
): Promise<Finding> => {
  const check = 'agent artifact';
  const { path, status: listed } = await findAgent(context, questions);
  if (path === undefined) {
    return noAgent(listed);
  }
  const file = join(tmpdir(), `fleet-depot-doctor-${randomUUID()}`);
  try {
    const hash = createHash('sha512');
    let size = 0;
    const { status, headers } = await context.pour(path, async (body: Readable) => {
      body.on('data', (piece: Buffer) => {
        hash.update(piece);
        size += piece.length;
      });
      await pipeline(body, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
    });
    if (status !== 200) {
      const advice =
        status === 401 || status === 429
          ? credentialsAdvice
          : status === 503
            ? 'its digest is being computed: wait'
            : '`fleet-depot artifacts check` says what is wrong with it';
      return failed(check, `${path} is answered ${status}`, advice);
    }
    if (headers['content-encoding'] !== undefined) {
      return failed(
        check,
        `${path} has Content-Encoding ${headers['content-encoding']}`,
        'agents would unpack it: turn compression off on the way',
      );
    }
    return await checkSidecars(context, path, { file, size, digest: hash.digest('hex') }, keys);
  } finally {
    await rm(file, { force: true });
  }
};

const folder = '/downloads/beats/elastic-agent/';

const findAgent = async (
  { ask }: DoctorContext,
  { agent, platform }: ArtifactQuestions,
): Promise<{ readonly path?: string; readonly status: number }> => {
  const end = `-${platform}.${agentPlatforms[platform] ?? 'tar.gz'}`;
  if (agent !== undefined) {
    return { path: `${folder}elastic-agent-${agent}${end}`, status: 200 };
  }
  const { status, names } = await listServed(ask, folder);
  const newest = names
    .filter((name) => /^elastic-agent-\d/.test(name) && name.endsWith(end))
    .map((name) => name.slice('elastic-agent-'.length, -end.length))
    .toSorted(compareVersionTexts)
    .at(-1);
  return newest === undefined ? { status } : { path: `${folder}elastic-agent-${newest}${end}`, status };
};

/** Why no agent was found in the listing. */
const noAgent = (status: number): Finding => {
  const check = 'agent artifact';
  if (status === 401 || status === 429) {
    return failed(check, `the listing is answered ${status}`, credentialsAdvice);
  }
  return status === 200 || status === 404
    ? warning(
        check,
        'no agent for this platform is listed',
        'set -artifacts-path; `fleet-depot artifacts check --agent VERSION` says what to fetch',
      )
    : failed(
        check,
        `the listing is answered ${status}`,
        status === 503 ? 'the folders are being listed: wait' : 'what answers there instead of the server?',
      );
};

const credentialsAdvice =
  'give the doctor the credentials of the agent binary source by --header "Authorization: ApiKey …"';

const checkSidecars = async (
  { ask }: DoctorContext,
  path: string,
  seen: { readonly file: string; readonly size: number; readonly digest: string },
  keys: readonly string[],
): Promise<Finding> => {
  const check = 'agent artifact';
  const [sha512, asc] = [await ask(`${path}.sha512`), await ask(`${path}.asc`)];
  const [line, signature] = [unzipped(sha512), unzipped(asc)];
  const advice = '`fleet-depot artifacts check` says what is wrong with it';
  const parsed = parseSha512File(line, posix.basename(path));
  if (sha512.status !== 200 || parsed.problem !== undefined) {
    return failed(
      check,
      `${path}.sha512 is answered ${sha512.status}${parsed.problem === undefined ? '' : ` and ${parsed.problem}`}`,
      advice,
    );
  }
  if (parsed.digest !== seen.digest) {
    return failed(
      check,
      `${path}: ${seen.size} bytes came with another digest than its .sha512 says`,
      'something on the way changes or cuts it',
    );
  }
  if (asc.status !== 200 || !isArmoredSignature(signature)) {
    return failed(
      check,
      `${path}.asc is answered ${asc.status} and is ${asc.status === 200 ? 'no armored signature' : 'not there'}`,
      advice,
    );
  }
  if (keys.length === 0) {
    return warning(
      check,
      `${path}: ${seen.size} bytes, digest good, signature not verified for want of a key`,
      'see the agent key above',
    );
  }
  const verdict = await createVerifier(fixedKeys(keys, 'that agents get from this server')).verify(
    createReadStream(seen.file),
    signature.toString('latin1'),
  );
  return verdict.state === 'good'
    ? ok(check, `${path}: ${seen.size} bytes, digest good, signed by ${verdict.fingerprint}`)
    : failed(check, `${path}: ${verdict.reason}`, advice);
};
