import { countOf } from '../../domain/count.ts';
import { readPublicKeys } from '../../signing/public-key.ts';
import { checkAgent, type ArtifactQuestions } from './agent-artifact.ts';
import { attempt, failed, ok, unzipped, warning, type DoctorContext, type Finding } from './context.ts';
import { checkOthers } from './other-downloads.ts';

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
