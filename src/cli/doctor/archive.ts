import { createVerifier, fixedKeys } from '../../signing/verifier.ts';
import { isArmoredSignature } from '../../source/armor.ts';
import {
  failed,
  jsonOf,
  ok,
  unzipped,
  warning,
  type Answer,
  type DoctorContext,
  type Finding,
} from './context.ts';

/** An archive whole, as Kibana takes it, and its signature. */
export const checkArchive = async (
  context: DoctorContext,
  item: { readonly name: string; readonly version: string },
  key: string | undefined,
): Promise<readonly Finding[]> => {
  const asked = `/package/${item.name}/${item.version}/`;
  const details = await context.ask(asked);
  if (details.status !== 200) {
    return [
      failed(
        'archive',
        `${asked} is answered ${details.status}`,
        'the rules of a proxy must let /package through',
      ),
    ];
  }
  const { download, signature_path: signaturePath } = jsonOf(details) as {
    readonly download?: string;
    readonly signature_path?: string;
  };
  const path = download ?? `/epr/${item.name}/${item.name}-${item.version}.zip`;
  const archive = await context.ask(path);
  const problem = archiveProblem(archive);
  if (problem) {
    return [failed('archive', `${path} ${problem.note}`, problem.advice)];
  }
  const length = archive.headers['content-length'];
  const size = `${archive.body.length} bytes${length === undefined ? ', sent in chunks' : ''}`;
  return [ok('archive', `${path}, ${size}`), await checkSignature(context, signaturePath, archive.body, key)];
};

const archiveProblem = ({
  status,
  headers,
  body,
}: Answer): (Pick<Finding, 'note'> & { readonly advice: string }) | undefined => {
  if (status !== 200) {
    const rules =
      'Kibana puts this path behind registryUrl as it is: look at the prefix rules of the proxy, at -path-prefix';
    return {
      note: `is answered ${status}`,
      advice: status >= 500 ? 'the log of the server says why, by the request id' : rules,
    };
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined) {
    return {
      note: `has Content-Encoding ${encoding}`,
      advice:
        'Kibana cuts what is packed once more: turn compression of zip files off on the way (gzip_types in nginx)',
    };
  }
  if (body.subarray(0, 2).toString('latin1') !== 'PK') {
    return {
      note: `gives ${body.length} bytes that are no zip`,
      advice: 'what answers there instead of the server?',
    };
  }
  // The end record has 22 bytes and a comment of at most 65,535.
  return body.subarray(-65_557).includes('PK\u0005\u0006', undefined, 'latin1')
    ? undefined
    : {
        note: `gives ${body.length} bytes without the end of a zip`,
        advice: 'something on the way cuts large answers: look at its limits of size and time',
      };
};

const checkSignature = async (
  { ask }: Pick<DoctorContext, 'ask'>,
  path: string | undefined,
  archive: Buffer,
  key: string | undefined,
): Promise<Finding> => {
  const check = 'signature';
  if (path === undefined) {
    const advice = 'sign it with `fleet-depot sign`';
    return warning(check, 'the package has none: Kibana installs it with its verification unknown', advice);
  }
  const answer = await ask(path);
  const signature = unzipped(answer);
  if (answer.status === 404) {
    return failed(
      check,
      `${path} is answered 404, though the package says that it is there`,
      'Kibana installs without verifying it: let the proxy on the way pass .sig files too',
    );
  }
  if (answer.status !== 200 || !isArmoredSignature(signature)) {
    return failed(
      check,
      `${path} is answered ${answer.status} and is no armored signature`,
      'Kibana fails on this even with force: look at what answers instead',
    );
  }
  if (key === undefined) {
    return warning(
      check,
      'it is armored; no key was given to verify it with',
      'give the doctor the file of xpack.fleet.packageVerification.gpgKeyPath by --key',
    );
  }
  const verdict = await createVerifier(fixedKeys([key]), { expiredKeys: 'signed-before' }).verify(
    archive,
    signature.toString('latin1'),
  );
  return verdict.state === 'good'
    ? ok(check, `good, by ${verdict.fingerprint}`)
    : failed(
        check,
        verdict.state === 'unknown-key'
          ? `signed by ${verdict.issuer}, not by the first key of --key`
          : verdict.reason,
        verdict.state === 'unknown-key'
          ? 'Kibana uses the first key of its file alone: put the key that signs first'
          : 'Kibana refuses it: sign the package anew, or find what changes it on the way',
      );
};
