import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countOf } from '../../domain/count.ts';
import { readDefendManifest } from '../../artifacts/defend-manifest.ts';
import { compareVersionTexts } from '../../artifacts/present-releases.ts';
import {
  attempt,
  failed,
  jsonOf,
  ok,
  unzipped,
  warning,
  type DoctorContext,
  type Finding,
} from './context.ts';
import { listServed } from './listing.ts';

/** What Elastic Defend, Elasticsearch and Kibana's assistant download. Nothing is said of what isn't served at all. */
export const checkOthers = async (context: DoctorContext): Promise<readonly Finding[]> => [
  ...(await attempt('Defend manifest', () => checkDefend(context))),
  ...(await attempt('models', () => checkModels(context))),
  ...(await attempt('product docs', () => checkDocs(context))),
];

const checkDefend = async ({ ask }: DoctorContext): Promise<readonly Finding[]> => {
  const check = 'Defend manifest';
  const folder = '/downloads/endpoint/manifest/';
  const { names } = await listServed(ask, folder);
  const name = names
    .filter((one) => /^artifacts-\d.*\.zip$/.test(one))
    .toSorted((a, b) => compareVersionTexts(a.slice(10, -4), b.slice(10, -4)))
    .at(-1);
  if (name === undefined) {
    return [];
  }
  const answer = await ask(folder + name);
  const file = join(tmpdir(), `fleet-depot-doctor-${randomUUID()}`);
  try {
    await writeFile(file, unzipped(answer), { flag: 'wx', mode: 0o600 });
    const { urls, problem } = await readDefendManifest(file);
    if (answer.status !== 200 || urls === undefined) {
      const advice = 'endpoints never update from this: `fleet-depot artifacts check` says what is wrong';
      return [failed(check, `${folder}${name} is answered ${answer.status}, ${problem ?? ''}`, advice)];
    }
    const [first = ''] = urls;
    const referred = await ask(first);
    const odd = [
      { path: folder + name, etag: answer.headers['etag'] },
      { path: first, etag: referred.headers['etag'] },
    ].find(({ etag }) => !/^"[^"-]+"$/.test(etag ?? ''));
    if (referred.status !== 200) {
      const advice = 'fetch what the manifest refers to: `defend:` in a definition of `fleet-depot sync`';
      return [failed(check, `${first} is answered ${referred.status}`, advice)];
    }
    return [
      odd
        ? failed(
            check,
            `${odd.path} has the ETag ${odd.etag ?? 'none'}`,
            'endpoints want a strong one without `-`: something on the way changes it (compression makes it weak)',
          )
        : ok(check, `${name}, ${countOf(urls.length, 'file')}, ETags that endpoints take`),
    ];
  } finally {
    await rm(file, { force: true });
  }
};

const checkModels = async ({ ask }: DoctorContext): Promise<readonly Finding[]> => {
  const check = 'models';
  const { names } = await listServed(ask, '/ml-models/');
  const name = names.find((one) => one.endsWith('.metadata.json'));
  if (name === undefined) {
    return names.length === 0
      ? []
      : [
          warning(
            check,
            'there is no .metadata.json, which Elasticsearch asks for first',
            'fetch whole models',
          ),
        ];
  }
  const answer = await ask(`/ml-models/${name}`);
  if (answer.status !== 200) {
    const advice = 'Elasticsearch shows no credentials: let it in without';
    return [failed(check, `${name} is answered ${answer.status}`, advice)];
  }
  jsonOf(answer);
  return [ok(check, `${countOf(names.length, 'file')}, ${name} is JSON`)];
};

const checkDocs = async ({ ask }: DoctorContext): Promise<readonly Finding[]> => {
  const check = 'product docs';
  const answer = await ask('/product-docs/?max-keys=1000');
  if (answer.status === 404) {
    return [];
  }
  const xml = unzipped(answer).toString('utf8');
  const keys = [...xml.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key = '']) => key);
  if (answer.status !== 200 || !xml.includes('<ListBucketResult') || keys.length === 0) {
    const advice = "Kibana's assistant wants the S3 listing with at least one zip at this address";
    return [
      failed(
        check,
        `/product-docs/ is answered ${answer.status} with ${countOf(keys.length, 'file')}`,
        advice,
      ),
    ];
  }
  const file = await ask(`/product-docs/${keys[0]}`);
  return [
    file.status === 200
      ? ok(check, `${countOf(keys.length, 'file')} in the S3 listing`)
      : failed(check, `${keys[0]} is answered ${file.status}`, 'it is in the listing, so Kibana asks for it'),
  ];
};
