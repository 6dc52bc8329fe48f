import { createHmac, randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { DepotError } from '../domain/errors.ts';
import type { Log } from '../telemetry/log.ts';
import { createAttemptLimit } from './attempt-limit.ts';
import { isSecretOf, readCredentials, type Credential, type CredentialScheme } from './credential-file.ts';

/** Lets clients in that show a credential of the file. */
export interface Gatekeeper {
  /**
   * Returns the name of the credential. Throws CREDENTIALS_WANTED, or CREDENTIALS_LIMITED where a client has failed too often
   * or too many guesses wait.
   */
  admit(authorization: string | undefined, client: string): Promise<string>;
  /** Counts a wrong credential that this client has shown to another process. */
  failedElsewhere(client: string): void;
  /** Reads the file again where it has changed; a broken one is logged and the old credentials stay. */
  refresh(): Promise<void>;
}

/** Guesses that wait for scrypt at the same time; each takes 16 MiB. */
const maxWaiting = 8;
/** Good credentials that are known without computing. */
const maxKnown = 4096;

/** What a gatekeeper may be given besides. */
export interface GatekeeperOptions {
  readonly now?: () => number;
  /** Told of each wrong credential, so that other processes count it as well. */
  readonly onFailure?: (client: string) => void;
}

/** Opens the credential file. Throws CREDENTIALS_INVALID: a server that should ask for credentials doesn't start without. */
export const openGatekeeper = async (
  path: string,
  log: Log,
  { now = () => performance.now(), onFailure }: GatekeeperOptions = {},
): Promise<Gatekeeper> => {
  let credentials = await readCredentials(path);
  let stamp = await stampOf(path);
  // A credential that was good is known by a keyed digest, so that the header itself stays nowhere in memory.
  const secret = randomBytes(32);
  const known = new LRUCache<string, string>({ max: maxKnown });
  // Thousands of agents come with the same header at once: it is computed once for all.
  const running = new Map<string, Promise<boolean>>();
  // How many of them a client waits for: guesses at the same time are no more than those one after the other.
  const guesses = new Map<string, number>();
  const limit = createAttemptLimit({ burst: 10, refill: 6000, now });

  const failed = (client: string): void => {
    limit.failed(client);
    onFailure?.(client);
  };

  const find = (shown: ShownCredential): Credential | undefined =>
    credentials.find(({ name, scheme }) => name === shown.name && scheme === shown.scheme);

  const isGood = (digest: string, shown: ShownCredential, client: string): Promise<boolean> => {
    const same = running.get(digest);
    if (same) {
      return same;
    }
    if (running.size >= maxWaiting) {
      throw new DepotError('CREDENTIALS_LIMITED');
    }
    guesses.set(client, (guesses.get(client) ?? 0) + 1);
    const computing = isSecretOf(find(shown), shown.secret).finally(() => {
      running.delete(digest);
      const left = (guesses.get(client) ?? 1) - 1;
      if (left > 0) {
        guesses.set(client, left);
      } else {
        guesses.delete(client);
      }
    });
    running.set(digest, computing);
    return computing;
  };

  return {
    admit: async (authorization, client) => {
      if (authorization === undefined) {
        throw new DepotError('CREDENTIALS_WANTED');
      }
      const digest = createHmac('sha256', secret).update(authorization).digest('base64url');
      const name = known.get(digest);
      if (name !== undefined) {
        return name;
      }
      const underWay = running.has(digest) ? 0 : guesses.get(client);
      if (!limit.allows(client, underWay)) {
        throw new DepotError('CREDENTIALS_LIMITED');
      }
      const shown = readAuthorization(authorization);
      if (!shown) {
        failed(client);
        throw new DepotError('CREDENTIALS_WANTED');
      }
      const before = credentials;
      if (!(await isGood(digest, shown, client))) {
        failed(client);
        log.warn(
          { 'event.action': 'credentials-refused', 'client.address': client },
          `wrong credentials for artifacts from ${client}`,
        );
        throw new DepotError('CREDENTIALS_WANTED');
      }
      if (before === credentials) {
        known.set(digest, shown.name);
      }
      return shown.name;
    },
    failedElsewhere: (client) => limit.failed(client),
    refresh: async () => {
      const found = await stampOf(path);
      if (found === stamp) {
        return;
      }
      try {
        credentials = await readCredentials(path);
        known.clear();
        running.clear();
      } catch (error) {
        log.error({ err: error }, `the credentials stay as they were: ${(error as Error).message}`);
      }
      stamp = found;
    },
  };
};

interface ShownCredential {
  readonly scheme: CredentialScheme;
  readonly name: string;
  readonly secret: string;
}

/** `Basic base64(name:secret)` and `ApiKey base64(name:secret)`; the key also plain, as some clients send it. */
const readAuthorization = (header: string): ShownCredential | undefined => {
  const match = /^(Basic|ApiKey) +([\w+/=.:@-]{1,1024})$/i.exec(header);
  const [, word = '', value = ''] = match ?? [];
  const text = value.includes(':') ? value : Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 1
    ? undefined
    : {
        scheme: word.toLowerCase() === 'basic' ? 'basic' : 'apikey',
        name: text.slice(0, colon),
        secret: text.slice(colon + 1),
      };
};

const stampOf = async (path: string): Promise<string> =>
  stat(path).then(
    ({ size, mtimeMs, ino }) => `${size} ${mtimeMs} ${ino}`,
    () => 'missing',
  );
