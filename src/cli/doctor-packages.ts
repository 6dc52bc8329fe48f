import { gunzipSync } from 'node:zlib';
import { fixedKeys, createVerifier } from '../signing/verify.ts';
import { isArmoredSignature } from '../source/armor.ts';
import { attempt, failed, ok, warning, type DoctorContext, type Finding } from './doctor-context.ts';

/** What is asked of the packages. */
export interface PackageQuestions {
  /** `kibana.version` of the search. */
  readonly kibana?: string;
  /** The first key of the site's key file, armored. */
  readonly key?: string;
}

interface SearchItem {
  readonly name?: string;
  readonly version?: string;
  readonly download?: string;
  readonly icons?: readonly { readonly path?: string; readonly type?: string }[];
}

/** The registry as Kibana uses it: list, details, archive, signature, images. */
export const checkPackages = async (
  context: DoctorContext,
  questions: PackageQuestions,
): Promise<readonly Finding[]> => {
  const items: SearchItem[] = [];
  const findings = [
    ...(await attempt('search', () => checkSearch(context, questions, items))),
    ...(await attempt('absent package', () => checkAbsence(context))),
  ];
  const item = items.find(({ download }) => download !== undefined) ?? items[0];
  if (item?.name === undefined || item.version === undefined) {
    return findings;
  }
  return [
    ...findings,
    ...(await attempt('archive', () => checkArchive(context, item, questions.key))),
    ...(await attempt('content types', () => checkTypes(context, items))),
  ];
};

const checkSearch = async (
  { ask }: DoctorContext,
  { kibana }: PackageQuestions,
  items: SearchItem[],
): Promise<Finding> => {
  const query = kibana === undefined ? '' : `?kibana.version=${kibana}`;
  const { status, headers, body } = await ask(`/search${query}`);
  const type = headers['content-type'] ?? 'none';
  if (status !== 200 || !type.startsWith('application/json')) {
    return failed(
      'search',
      `/search${query} is answered ${status}, ${type}`,
      status === 503
        ? 'the first index is being made: wait, /health says how far it is'
        : 'is this the address of a package registry, with its prefix?',
    );
  }
  const found = JSON.parse(unzipped(headers, body)) as SearchItem[];
  items.push(...found);
  const odd = found.find(({ download }) => download !== undefined && !download.startsWith('/'));
  if (odd) {
    return failed(
      'search',
      `${odd.name} has the download address ${odd.download}`,
      'it must begin with a slash and have no host',
    );
  }
  return found.length === 0
    ? warning(
        'search',
        'there are no packages for this Kibana',
        'look at -package-paths, and at `fleet-depot inspect` for what is in quarantine',
      )
    : ok('search', `${found.length} packages${kibana === undefined ? '' : ` for Kibana ${kibana}`}`);
};

/** The client hands bodies over as they came. */
const unzipped = (headers: Readonly<Record<string, string | undefined>>, body: Buffer): string =>
  (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8');

const checkAbsence = async ({ ask }: DoctorContext): Promise<readonly Finding[]> => {
  const search = await ask('/search?package=fleet_depot_doctor_absent&prerelease=false');
  const archive = await ask('/epr/absent/fleet_depot_doctor_absent-0.0.1.zip');
  const isEmpty = search.status === 200 && unzipped(search.headers, search.body).trim() === '[]';
  return [
    isEmpty && archive.status === 404
      ? ok('absent package', 'an empty list and a real 404')
      : failed(
          'absent package',
          `the search is answered ${search.status}, the archive ${archive.status}; wanted are 200 with [] and 404`,
          'something on the way has its own error pages: turn them off for this address',
        ),
  ];
};

const checkArchive = async (
  { ask }: DoctorContext,
  item: SearchItem,
  key: string | undefined,
): Promise<readonly Finding[]> => {
  const details = await ask(`/package/${item.name}/${item.version}/`);
  const { download, signature_path: signaturePath } = JSON.parse(unzipped(details.headers, details.body)) as {
    readonly download?: string;
    readonly signature_path?: string;
  };
  const path = download ?? `/epr/${item.name}/${item.name}-${item.version}.zip`;
  const archive = await ask(path);
  const encoding = archive.headers['content-encoding'];
  if (archive.status !== 200 || encoding !== undefined || archive.body.subarray(0, 2).toString() !== 'PK') {
    return [
      failed(
        'archive',
        `${path} is answered ${archive.status}${encoding === undefined ? '' : `, with Content-Encoding ${encoding}`}; ${archive.body.length} bytes that ${archive.body.subarray(0, 2).toString() === 'PK' ? 'are' : 'are not'} a zip`,
        'Kibana takes archives as they are: turn compression off on the way',
      ),
    ];
  }
  const length = archive.headers['content-length'];
  const findings = [
    ok('archive', `${path}, ${archive.body.length} bytes${length === undefined ? ', sent in chunks' : ''}`),
  ];
  return [...findings, await checkSignature({ ask }, signaturePath, archive.body, key)];
};

const checkSignature = async (
  { ask }: Pick<DoctorContext, 'ask'>,
  path: string | undefined,
  archive: Buffer,
  key: string | undefined,
): Promise<Finding> => {
  const check = 'signature';
  if (path === undefined) {
    return warning(
      check,
      'the package has none: Kibana installs it as unverified',
      'sign it with `fleet-depot sign`',
    );
  }
  const answer = await ask(path);
  if (answer.status !== 200 || !isArmoredSignature(answer.body)) {
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
    answer.body.toString('latin1'),
  );
  return verdict.state === 'good'
    ? ok(check, `good, by ${verdict.fingerprint}`)
    : failed(
        check,
        verdict.reason,
        'Kibana uses the first key of its file alone: put the key that signs first',
      );
};

/** What Kibana passes on to browsers; anything else is a 400. */
const passed =
  /^(?:image\/(?:svg\+xml|png|jpeg|gif|x-icon)|text\/(?:plain|markdown|x-markdown|yaml|css)|application\/(?:json|zip|yaml|pdf))(?:;|$)/;

const checkTypes = async ({ ask }: DoctorContext, items: readonly SearchItem[]): Promise<Finding> => {
  const icon = items.flatMap(({ icons }) => icons ?? []).find(({ path }) => path !== undefined)?.path;
  const readme = `/package/${items[0]?.name}/${items[0]?.version}/docs/README.md`;
  const odd: string[] = [];
  for (const path of [readme, ...(icon === undefined ? [] : [icon])]) {
    const { status, headers } = await ask(path);
    const type = headers['content-type'] ?? 'none';
    if (status === 200 && (!passed.test(type) || type.startsWith('text/x-markdown'))) {
      odd.push(`${path}: ${type}`);
    }
  }
  return odd.length === 0
    ? ok('content types', 'Kibana passes them on')
    : failed(
        'content types',
        odd.join(', '),
        'Kibana refuses such files: something on the way changes Content-Type',
      );
};
