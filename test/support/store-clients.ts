import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { fromBufferPromise, type Entry } from 'yauzl';

/** Takes a model as Elasticsearch does: description first, then vocabulary and weights, checked by size and digest. */
export const loadModel = async (
  repository: string,
  name: string,
): Promise<{ readonly weights: Buffer; readonly vocabulary: unknown }> => {
  const metadata = JSON.parse((await get(`${repository}/${name}.metadata.json`)).toString()) as {
    readonly packaged_model_id: string;
    readonly vocabulary_file: string;
    readonly size: number;
    readonly sha256: string;
  };
  if (metadata.packaged_model_id !== name) {
    throw new Error(`the description is of ${metadata.packaged_model_id}`);
  }
  const described = JSON.parse((await get(`${repository}/${metadata.vocabulary_file}`)).toString()) as {
    readonly vocabulary: unknown;
  };
  const weights = await get(`${repository}/${name}.pt`);
  const sha256 = createHash('sha256').update(weights).digest('hex');
  if (weights.length !== metadata.size || sha256 !== metadata.sha256) {
    throw new Error('the weights are not what the description says');
  }
  return { weights, vocabulary: described.vocabulary };
};

/** The keys of an S3 list. */
export const parseXmlKeys = (xml: string): string[] =>
  [...xml.matchAll(/<Contents>.*?<Key>([^<]*)<\/Key>.*?<\/Contents>/gs)].map((found) => found[1] ?? '');

/** Takes the docs of a product as Kibana does: looks into the list at the root, downloads, and wants a manifest in the zip. */
export const installProductDocs = async (root: string, product: string, version: string): Promise<Buffer> => {
  const list = (await get(`${root}/?max-keys=1000`)).toString();
  if (!/<ListBucketResult[ >]/.test(list) || !/<IsTruncated>false<\/IsTruncated>/.test(list)) {
    throw new Error('this is no list of a bucket');
  }
  const name = `kb-product-doc-${product}-${version}.zip`;
  if (!parseXmlKeys(list).includes(name)) {
    throw new Error(`${name} is not in the list`);
  }
  const zip = await get(`${root}/${name}`);
  const manifest = JSON.parse((await readEntry(zip, 'manifest.json')).toString()) as {
    readonly productName: string;
  };
  if (manifest.productName !== product) {
    throw new Error(`these are docs of ${manifest.productName}`);
  }
  return zip;
};

/** What an endpoint got. */
export interface EndpointUpdate {
  readonly etag: string;
  readonly isUnchanged: boolean;
  /** By `relative_url`. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Updates as an endpoint does: the manifest, unless its ETag is the known one, then each `relative_url`, checked. */
export const updateEndpoint = async (
  baseUrl: string,
  version: string,
  known: string | undefined,
): Promise<EndpointUpdate> => {
  const answer = await fetch(`${baseUrl}/downloads/endpoint/manifest/artifacts-${version}.zip`);
  const zip = Buffer.from(await answer.arrayBuffer());
  const etag = answer.headers.get('etag') ?? '';
  if (answer.status !== 200 || etag === '' || etag.includes('-')) {
    throw new Error(`${answer.status} with the ETag '${etag}'`);
  }
  const files = new Map<string, Buffer>();
  if (etag === known) {
    return { etag, isUnchanged: true, files };
  }
  const wrapped = JSON.parse((await readEntry(zip, 'manifest.json')).toString()) as {
    readonly manifest: string;
  };
  const { artifacts } = JSON.parse(Buffer.from(wrapped.manifest, 'base64').toString()) as {
    readonly artifacts: Readonly<
      Record<string, { readonly relative_url: string; readonly encoded_sha256: string }>
    >;
  };
  for (const { relative_url: path, encoded_sha256: sha256 } of Object.values(artifacts)) {
    const content = await get(baseUrl + path);
    if (createHash('sha256').update(content).digest('hex') !== sha256) {
      throw new Error(`${path} is not what the manifest says`);
    }
    files.set(path, content);
  }
  return { etag, isUnchanged: false, files };
};

const get = async (url: string): Promise<Buffer> => {
  const answer = await fetch(url, { headers: { 'accept-encoding': 'identity' } });
  if (answer.status !== 200) {
    throw new Error(`${url}: ${answer.status}`);
  }
  return Buffer.from(await answer.arrayBuffer());
};

/** One file of a zip, read as Kibana reads it. */
const readEntry = async (zip: Buffer, name: string): Promise<Buffer> => {
  const file = await fromBufferPromise(zip, { lazyEntries: true });
  const entry = await new Promise<Entry>((resolve, reject) => {
    file.on('entry', (one: Entry) => {
      if (one.fileName === name) {
        resolve(one);
      } else {
        file.readEntry();
      }
    });
    file.once('end', () => reject(new Error(`there is no ${name}`)));
    file.once('error', reject);
    file.readEntry();
  });
  return buffer(await file.openReadStreamPromise(entry));
};
