import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { createMessage, readKey, readSignature, verify, type Key } from 'openpgp';
import { Agent, ProxyAgent, type Dispatcher } from 'undici';

/** How an agent is set up: `agent.download.*` of its policy. */
export interface AgentSettings {
  readonly sourceUri: string;
  /** PEM. */
  readonly ca?: string;
  readonly proxy?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The fleet-server that it asks for a key: its address. */
  readonly fleetServer?: string;
  /** PEM of the CA of fleet-server, where it is another. */
  readonly fleetCa?: string;
  /** Keys that the upgrade action names: `pgp_raw:…` and `pgp_uri:https://…`. */
  readonly pgp?: readonly string[];
  /** The public address of the key; behind an air gap nothing answers there. */
  readonly publicKey?: string;
  /** The key that is built in. */
  readonly embeddedKey?: string;
  /** Milliseconds before the second attempt; doubles. An agent's own is 30 s. */
  readonly pause?: number;
  readonly attempts?: number;
}

/** What a download gave. */
export interface AgentUpgrade {
  readonly content: Buffer;
  /** Paths in the order that they were asked for, with their status. */
  readonly asked: readonly string[];
}

/** Statuses that new agents take for final, except of signatures and keys. */
const permanent = new Set([400, 401, 403, 404, 410]);

/** Downloads and verifies as an agent does: package, `.sha512`, `.asc`, keys, in this order. Throws what it would log. */
export const upgradeAgent = async (
  settings: AgentSettings,
  version: string,
  suffix: string,
): Promise<AgentUpgrade> => {
  const asked: string[] = [];
  const dispatcher = dispatcherOf(settings);
  const base = settings.sourceUri.endsWith('/') ? settings.sourceUri : `${settings.sourceUri}/`;
  const file = `elastic-agent-${version}-${suffix}`;
  const get = (end: string): Promise<Buffer> =>
    fetchWithRetries(
      dispatcher,
      { ...settings, isPatient: end === '.asc' },
      `${base}beats/elastic-agent/${file}${end}`,
      asked,
    );
  try {
    const content = await get('');
    checkDigest((await get('.sha512')).toString('utf8'), file, content);
    const armored = (await get('.asc')).toString('utf8');
    const keys = await collectKeys(dispatcher, settings, version, asked);
    await checkSignature(content, armored, keys);
    return { content, asked };
  } finally {
    await dispatcher.close();
  }
};

/**
 * All keys, asked for up front: the built-in one, those of the action, the public one, fleet-server's. Only https addresses
 * are asked; what does not answer is passed over.
 */
const collectKeys = async (
  dispatcher: Dispatcher,
  settings: AgentSettings,
  version: string,
  asked: string[],
): Promise<readonly string[]> => {
  const keys = settings.embeddedKey === undefined ? [] : [settings.embeddedKey];
  const take = async (url: string, by: Dispatcher, isPlainAllowed = false): Promise<void> => {
    if (!url.startsWith('https:') && !isPlainAllowed) {
      asked.push(`skipped ${new URL(url).pathname.split('/').at(-1)}`);
      return;
    }
    const key = await fetchWithRetries(by, { ...settings, headers: {}, isPatient: true }, url, asked).catch(
      () => undefined,
    );
    if (key) {
      keys.push(key.toString('utf8'));
    }
  };
  for (const source of settings.pgp ?? []) {
    const [kind = '', value = ''] = source.split(/:(.*)/s);
    if (kind === 'pgp_raw') {
      keys.push(value);
    } else {
      await take(value, dispatcher);
    }
  }
  if (settings.publicKey !== undefined) {
    await take(settings.publicKey, dispatcher);
  }
  if (settings.fleetServer !== undefined) {
    const [release = ''] = version.split(/[-+]/);
    const url = `${settings.fleetServer}/api/agents/upgrades/${release}/pgp-public-key`;
    // By the transport of Fleet, with its CA. The one of these tests may be plain.
    const own = settings.fleetCa === undefined ? undefined : new Agent({ connect: { ca: settings.fleetCa } });
    await take(url, own ?? dispatcher, true);
    await own?.close();
  }
  return keys;
};

/** Takes the key as fleet-server does: any 200 is stored, whatever it holds. */
export const fetchFleetServerKey = async (
  url: string,
  settings: Partial<AgentSettings> = {},
): Promise<string> => {
  const dispatcher = dispatcherOf({ sourceUri: url, ...settings });
  try {
    const headers = { 'user-agent': 'Go-http-client/1.1', 'accept-encoding': 'gzip' };
    const { status, body } = await fetchOnce(dispatcher, url, headers);
    if (status !== 200) {
      throw new Error(`upstream answered ${status}`);
    }
    return body.toString('utf8');
  } finally {
    await dispatcher.close();
  }
};

const dispatcherOf = ({ proxy, ca }: AgentSettings): Dispatcher => {
  const tls = ca === undefined ? {} : { ca };
  return proxy === undefined
    ? new Agent({ connect: tls })
    : new ProxyAgent({ uri: proxy, requestTls: tls, proxyTunnel: false });
};

interface Fetched {
  readonly status: number;
  readonly body: Buffer;
}

const fetchOnce = async (
  dispatcher: Dispatcher,
  url: string,
  headers: Readonly<Record<string, string>>,
  hops = 10,
): Promise<Fetched> => {
  const { origin } = new URL(url);
  // The path as it was put together: a Go client cleans nothing, and sends `+` as it is.
  const answer = await dispatcher.request({
    origin,
    path: url.slice(origin.length),
    method: 'GET',
    headers: { ...headers },
  });
  const location = answer.headers['location'];
  if (answer.statusCode >= 300 && answer.statusCode < 400 && typeof location === 'string' && hops > 0) {
    await answer.body.dump();
    return fetchOnce(dispatcher, new URL(location, url).href, headers, hops - 1);
  }
  const pieces: Buffer[] = [];
  for await (const piece of answer.body as AsyncIterable<Buffer>) {
    pieces.push(piece);
  }
  if (answer.headers['content-encoding'] !== undefined) {
    throw new Error(`${url} came with Content-Encoding ${String(answer.headers['content-encoding'])}`);
  }
  return { status: answer.statusCode, body: Buffer.concat(pieces) };
};

const fetchWithRetries = async (
  dispatcher: Dispatcher,
  {
    headers = {},
    pause = 50,
    attempts = 5,
    isPatient = false,
  }: AgentSettings & { readonly isPatient?: boolean },
  url: string,
  asked: string[],
): Promise<Buffer> => {
  let fault = '';
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (attempt > 0) {
      await wait(pause * 2 ** (attempt - 1));
    }
    try {
      const { status, body } = await fetchOnce(dispatcher, url, {
        'user-agent': 'Beat elastic-agent v9.2.0',
        'accept-encoding': 'gzip',
        ...headers,
      });
      asked.push(`${status} ${new URL(url).pathname.split('/').at(-1)}`);
      if (status === 200) {
        return body;
      }
      fault = `call to '${url}' returned unsuccessful status code: ${status}`;
      if (permanent.has(status) && !isPatient) {
        break;
      }
    } catch (error) {
      fault = `${url}: ${(error as Error).message}`;
      asked.push(`failed ${new URL(url).pathname.split('/').at(-1)}`);
    }
  }
  throw new Error(fault);
};

const checkDigest = (text: string, file: string, content: Buffer): void => {
  let expected: string | undefined;
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const fields = line.split(/\s+/);
    if (fields.length !== 2) {
      throw new Error('invalid format in .sha512');
    }
    if (fields[1]?.replace(/^\*/, '') === file) {
      expected = fields[0];
    }
  }
  if (expected !== createHash('sha512').update(content).digest('hex')) {
    throw new Error('checksum mismatch');
  }
};

const checkSignature = async (
  content: Buffer,
  armored: string,
  armoredKeys: readonly string[],
): Promise<void> => {
  const signature = await readSignature({ armoredSignature: armored });
  for (const armoredKey of armoredKeys) {
    const verificationKeys: Key = await readKey({ armoredKey });
    const result = await verify({
      message: await createMessage({ binary: content }),
      signature,
      verificationKeys,
    });
    const isGood = await result.signatures[0]?.verified.catch(() => false);
    if (isGood === true) {
      return;
    }
  }
  throw new Error('signature could not be verified with any key');
};
