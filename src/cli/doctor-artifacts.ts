import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { agentPlatforms } from '../artifacts/release-set.ts';
import { parseSha512File } from '../artifacts/sha512-file.ts';
import { readPublicKeys } from '../signing/public-key.ts';
import { createVerifier, fixedKeys } from '../signing/verify.ts';
import { isArmoredSignature } from '../source/armor.ts';
import { attempt, failed, ok, warning, type DoctorContext, type Finding } from './doctor-context.ts';

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
  ];
};

const checkKey = async ({ ask }: DoctorContext, path: string, keys: string[]): Promise<Finding> => {
  const check = path.startsWith('/api') ? 'fleet-server key' : 'agent key';
  const { status, headers, body } = await ask(path);
  if (status === 404) {
    return warning(
      check,
      `${path} is not served`,
      'put GPG-KEY-elastic-agent into the folder of -keys-path; agents that meet a new key fail without it',
    );
  }
  const found = status === 200 ? await readPublicKeys(body, path).catch(() => []) : [];
  if (found.length === 0 || !(headers['content-type'] ?? '').startsWith('text/plain')) {
    return failed(
      check,
      `${path} is answered ${status}, ${headers['content-type'] ?? 'no type'}, ${found.length} keys`,
      'fleet-server keeps whatever is answered with 200 and serves it for good: something on the way answers instead of the server',
    );
  }
  keys.push(...found.map(({ armored }) => armored));
  return ok(check, found.map(({ fingerprint }) => fingerprint).join(', '));
};

const checkAgent = async (
  context: DoctorContext,
  questions: ArtifactQuestions,
  keys: readonly string[],
): Promise<Finding> => {
  const check = 'agent artifact';
  const path = await findAgent(context, questions);
  if (path === undefined) {
    return warning(
      check,
      'no agent for this platform is listed',
      'set -artifacts-path; `fleet-depot artifacts check --agent VERSION` says what to fetch',
    );
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
        status === 401
          ? 'give the doctor the credentials of the agent binary source by --header "Authorization: ApiKey …"'
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

const findAgent = async (
  { ask }: DoctorContext,
  { agent, platform }: ArtifactQuestions,
): Promise<string | undefined> => {
  const type = agentPlatforms[platform] ?? 'tar.gz';
  const folder = '/downloads/beats/elastic-agent/';
  if (agent !== undefined) {
    return `${folder}elastic-agent-${agent}-${platform}.${type}`;
  }
  const answer = await ask(`${folder}?format=json`);
  if (answer.status !== 200) {
    return undefined;
  }
  const listing = JSON.parse(answer.body.toString('utf8')) as {
    readonly files?: readonly { readonly name: string; readonly served: boolean }[];
  };
  const name = listing.files
    ?.filter(({ served }) => served)
    .findLast((one) => one.name.endsWith(`-${platform}.${type}`))?.name;
  return name === undefined ? undefined : folder + name;
};

const checkSidecars = async (
  { ask }: DoctorContext,
  path: string,
  seen: { readonly file: string; readonly size: number; readonly digest: string },
  keys: readonly string[],
): Promise<Finding> => {
  const check = 'agent artifact';
  const [sha512, asc] = [await ask(`${path}.sha512`), await ask(`${path}.asc`)];
  const advice = '`fleet-depot artifacts check` says what is wrong with it';
  const parsed = parseSha512File(sha512.body, posix.basename(path));
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
  if (asc.status !== 200 || !isArmoredSignature(asc.body)) {
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
  const verdict = await createVerifier(fixedKeys(keys)).verify(
    createReadStream(seen.file),
    asc.body.toString('latin1'),
  );
  return verdict.state === 'good'
    ? ok(check, `${path}: ${seen.size} bytes, digest good, signed by ${verdict.fingerprint}`)
    : failed(check, `${path}: ${verdict.reason}`, advice);
};
