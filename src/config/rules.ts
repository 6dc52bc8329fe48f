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
  if (config.featureProxyMode) {
    problems.push(
      problem('featureProxyMode', 'proxy mode is not supported yet: leave it out or set it to false'),
    );
  }
  return problems;
};

/** What works, but should be known when the server starts. One line each. */
export const warningsOf = (config: Config): string[] => {
  const warnings: string[] = [];
  if (config.httpprof !== undefined) {
    warnings.push('-httpprof (EPR_HTTPPROF) is ignored: there is no profiler');
  }
  const oldest = config.tlsMinVersion ?? '1.0';
  if (config.tlsCert !== undefined && (oldest === '1.0' || oldest === '1.1')) {
    warnings.push(
      `TLS ${oldest} is accepted: -tls-min-version=1.2 (EPR_TLS_MIN_VERSION=1.2) is recommended, every client of today speaks 1.2 or 1.3`,
    );
  }
  return warnings;
};
