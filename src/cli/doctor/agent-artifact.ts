import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { compareVersionTexts } from '../../artifacts/present-releases.ts';
import { agentPlatforms } from '../../artifacts/release-set.ts';
import { parseSha512File } from '../../artifacts/sha512-file.ts';
import { createVerifier, fixedKeys } from '../../signing/verifier.ts';
import { isArmoredSignature } from '../../source/armor.ts';
import { failed, ok, unzipped, warning, type DoctorContext, type Finding } from './context.ts';
import { listServed } from './listing.ts';

/** What is asked of the artifacts. */
export interface ArtifactQuestions {
  /** Version that agents are to be upgraded to; the first that is listed where left out. */
  readonly agent: string | undefined;
  readonly platform: string;
}

/** Downloads an agent as an agent does: archive, digest, signature. */
export const checkAgent = async (
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
