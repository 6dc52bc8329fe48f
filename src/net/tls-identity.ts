import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { SecureContextOptions } from 'node:tls';
import { DepotError } from '../domain/errors.ts';
import type { Log } from '../telemetry/log.ts';
import { loadTlsPair, validityProblem, type TlsFiles, type TlsPair } from './tls.ts';

/** The certificate and key that a listener shows, kept up to date with the files. */
export interface TlsIdentity {
  /** What a new listener starts with. */
  options(): SecureContextOptions;
  /** Calls `use` with each renewed pair; the returned function ends that. */
  onRenewal(use: (options: SecureContextOptions) => void): () => void;
  certificateExpires(): Date;
  /** Looks at the files now instead of at the next tick; resolves when what is found is in use. */
  refresh(): Promise<void>;
  close(): void;
}

/** What `createTlsIdentity` needs besides the files. */
export interface TlsIdentityDeps {
  readonly log: Log;
  /** Milliseconds between two looks at the files; 5 s where left out. */
  readonly interval?: number;
}

/**
 * Loads the pair (throws as `loadTlsPair`) and looks at the content of both files every few seconds. Content is compared, not
 * times or events: a Kubernetes secret changes by the swap of a symlink further up, and network file systems send no events.
 * A new pair that is not good is reported once and the old one stays.
 */
export const createTlsIdentity = async (files: TlsFiles, deps: TlsIdentityDeps): Promise<TlsIdentity> => {
  const { log, interval = 5000 } = deps;
  const listeners = new Set<(options: SecureContextOptions) => void>();
  // The digest is taken first: if the files change in between, the next look sees another digest and loads again.
  let seen = await digestOf(files);
  let pair = await loadTlsPair(files);
  warnOfTime(log, pair);

  const look = async (): Promise<void> => {
    const digest = await digestOf(files);
    if (digest === seen) {
      return;
    }
    let renewed: TlsPair;
    try {
      renewed = await loadTlsPair(files);
    } catch (error) {
      seen = digest;
      if (!(error instanceof DepotError)) {
        throw error;
      }
      log.error(
        { 'event.action': 'tls-renewal-refused' },
        `the renewed certificate is not used, the old one stays: ${error.message}`,
      );
      return;
    }
    seen = digest;
    pair = renewed;
    for (const use of listeners) {
      use(pair.options);
    }
    log.info(
      { 'event.action': 'tls-renewed', 'x509.not_after': pair.expires.toISOString() },
      `new connections use the renewed certificate of ${files.certificate.path}`,
    );
    warnOfTime(log, pair);
  };

  let running: Promise<void> | undefined;
  const refresh = (): Promise<void> => {
    running ??= look().finally(() => {
      running = undefined;
    });
    return running;
  };
  const timer = setInterval(() => {
    refresh().catch((error: unknown) => {
      log.error({ err: error }, 'the certificate files cannot be looked at');
    });
  }, interval);
  timer.unref();

  return {
    options: () => pair.options,
    onRenewal: (use) => {
      listeners.add(use);
      return () => listeners.delete(use);
    },
    certificateExpires: () => pair.expires,
    refresh,
    close: () => {
      clearInterval(timer);
      listeners.clear();
    },
  };
};

/** One digest of both contents; what cannot be read counts as another content, so that it is reported once. */
const digestOf = async (files: TlsFiles): Promise<string> => {
  const hash = createHash('sha256');
  for (const file of [files.certificate, files.key]) {
    const content = await readFile(file.path).catch((error: NodeJS.ErrnoException) => String(error.code));
    hash.update(`${content.length}\n`).update(content);
  }
  return hash.digest('hex');
};

const warnOfTime = (log: Log, pair: TlsPair): void => {
  const problem = validityProblem(pair.certificate, new Date());
  if (problem !== undefined) {
    log.warn({ 'x509.not_after': pair.expires.toISOString() }, problem);
  }
};
