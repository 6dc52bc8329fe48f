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
  /** The fleet-server that it asks for a key: its address, with its CA. */
  readonly fleetServer?: string;
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

/** Statuses that new agents take for final. */
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
    fetchWithRetries(dispatcher, settings, `${base}beats/elastic-agent/${file}${end}`, asked);
  try {
    const content = await get('');
    checkDigest((await get('.sha512')).toString('utf8'), file, content);
    const armored = (await get('.asc')).toString('utf8');
    const keys = settings.embeddedKey === undefined ? [] : [settings.embeddedKey];
    if (settings.fleetServer !== undefined) {
      const url = `${settings.fleetServer}/api/agents/upgrades/${version.split(/[-+]/)[0]}/pgp-public-key`;
      keys.push((await fetchWithRetries(dispatcher, settings, url, asked)).toString('utf8'));
    }
    await checkSignature(content, armored, keys);
    return { content, asked };
  } finally {
    await dispatcher.close();
  }
};

/** Takes the key as fleet-server does: any 200 is stored, whatever it holds. */
export const fetchFleetServerKey = async (
  url: string,
  settings: Partial<AgentSettings> = {},
): Promise<string> => {
  const dispatcher = dispatcherOf({ sourceUri: url, ...settings });
  try {
    return (
      await fetchOnce(dispatcher, url, { 'user-agent': 'Go-http-client/1.1', 'accept-encoding': 'gzip' })
    ).body.toString('utf8');
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
): Promise<Fetched> => {
  const { origin, pathname, search } = new URL(url);
  const answer = await dispatcher.request({
    origin,
    path: pathname + search,
    method: 'GET',
    headers: { ...headers },
  });
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
  { headers = {}, pause = 50, attempts = 5 }: AgentSettings,
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
      if (permanent.has(status)) {
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
