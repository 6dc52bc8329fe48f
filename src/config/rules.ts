import { DepotError } from '../domain/errors.ts';
import { nameOf } from './setting.ts';
import { settings, type Config, type SettingKey } from './settings.ts';

const problem = (key: SettingKey, reason: string): DepotError =>
  new DepotError('SETTING_INVALID', { ...nameOf(settings[key]), reason });

/** What is wrong between settings that are each well formed. */
export const problemsOf = (config: Config): DepotError[] => {
  const problems: DepotError[] = [];
  if (config.tlsCert !== undefined && config.tlsKey === undefined) {
    problems.push(problem('tlsKey', 'is not set, but -tls-cert (EPR_TLS_CERT) is: HTTPS needs both'));
  }
  if (config.tlsKey !== undefined && config.tlsCert === undefined) {
    problems.push(problem('tlsCert', 'is not set, but -tls-key (EPR_TLS_KEY) is: HTTPS needs both'));
  }
  if (config.tlsMinVersion !== undefined && config.tlsCert === undefined && config.tlsKey === undefined) {
    problems.push(
      problem(
        'tlsMinVersion',
        'is set, but TLS is off: set -tls-cert (EPR_TLS_CERT) and -tls-key (EPR_TLS_KEY) as well',
      ),
    );
  }
  problems.push(...artifactProblems(config), ...referenceProblems(config));
  return problems;
};

const artifactProblems = (config: Config): DepotError[] => {
  const problems: DepotError[] = [];
  const { artifactsTlsCert: cert, artifactsTlsKey: key } = config;
  if ((cert === undefined) !== (key === undefined)) {
    problems.push(
      problem(
        cert === undefined ? 'artifactsTlsCert' : 'artifactsTlsKey',
        'is not set, but its counterpart is: HTTPS needs -artifacts-tls-cert and -artifacts-tls-key',
      ),
    );
  }
  if (config.artifactsAddress === undefined && (cert ?? key ?? config.artifactsTlsMinVersion) !== undefined) {
    problems.push(
      problem(
        'artifactsAddress',
        'is not set, but TLS of that listener is; the listener of -address has -tls-cert',
      ),
    );
  }
  const isServed = [config.artifactsPath, config.keysPath, config.modelsPath, config.productDocsPath].some(
    (one) => one !== undefined,
  );
  if (!isServed && (config.artifactsAddress ?? config.artifactsAuthFile) !== undefined) {
    problems.push(
      problem(
        'artifactsPath',
        'is not set: -artifacts-address and -artifacts-auth-file need -artifacts-path, -keys-path, -models-path or -product-docs-path',
      ),
    );
  }
  return problems;
};

/** Features of the reference that would change what is served. */
const referenceProblems = (config: Config): DepotError[] => {
  const instead =
    'fetch packages with `fleet-depot sync` (docs/distributions.md), and leave this out or set it to false';
  const refused = [
    ['featureProxyMode', `no other registry is asked while serving: ${instead}`],
    ['featureStorageIndexer', `packages are not served out of a storage bucket: ${instead}`],
    ['featureSqlStorageIndexer', `packages are not served out of a storage bucket: ${instead}`],
  ] as const;
  return refused.flatMap(([key, reason]) => (config[key] ? [problem(key, reason)] : []));
};

/** What works, but should be known when the server starts. One line each. */
export const warningsOf = (config: Config): string[] => {
  const warnings: string[] = [];
  if (config.httpprof !== undefined) {
    warnings.push('-httpprof (EPR_HTTPPROF) is ignored: there is no profiler');
  }
  for (const key of ['featureEnableSearchCache', 'featureEnableCategoriesCache'] as const) {
    if (config[key]) {
      const { flag, variable } = nameOf(settings[key]);
      warnings.push(
        `${flag} (${variable}) is ignored: answers are always kept in memory, up to -answer-cache-size (EPR_ANSWER_CACHE_SIZE)`,
      );
    }
  }
  const isPlain = config.artifactsAddress === undefined ? config.tlsCert : config.artifactsTlsCert;
  if (config.artifactsAuthFile !== undefined && isPlain === undefined) {
    warnings.push('credentials for artifacts travel unprotected: the listener for artifacts has no TLS');
  }
  const oldest = config.tlsMinVersion ?? '1.0';
  if (config.tlsCert !== undefined && (oldest === '1.0' || oldest === '1.1')) {
    warnings.push(
      `TLS ${oldest} is accepted: -tls-min-version=1.2 (EPR_TLS_MIN_VERSION=1.2) is recommended, every client of today speaks 1.2 or 1.3`,
    );
  }
  return warnings;
};
