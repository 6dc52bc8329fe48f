import { address, boolean, choice, path, url } from './kinds.ts';
import { optional, setting } from './setting.ts';

/** The process itself, and what is only accepted for the reference's sake. */
export const processSettings = {
  // Operations
  config: optional(path, {
    flag: 'config',
    section: 'operations',
    help: 'Configuration file; config.yml of the working directory where it is there',
  }),
  logLevel: setting(choice('debug', 'info', 'warn', 'error'), {
    flag: 'log-level',
    section: 'operations',
    default: 'info',
    help: 'Least important lines that are logged',
  }),
  logType: setting(choice('ecs', 'dev'), {
    flag: 'log-type',
    section: 'operations',
    default: 'ecs',
    help: 'Form of the log: ECS in JSON, or lines for people',
  }),
  metricsAddress: optional(address, {
    flag: 'metrics-address',
    section: 'operations',
    help: 'Address of a second listener for Prometheus at `/metrics`',
  }),
  dryRun: setting(boolean, {
    flag: 'dry-run',
    section: 'operations',
    default: 'false',
    help: 'Read everything, say what is wrong, and end without serving',
  }),
  version: setting(boolean, {
    flag: 'version',
    section: 'operations',
    default: 'false',
    help: 'Print the version and end',
  }),
  httpprof: optional(address, {
    flag: 'httpprof',
    section: 'operations',
    help: 'Accepted for the sake of old command lines; there is no profiler',
  }),

  // Proxy mode
  featureProxyMode: setting(boolean, {
    flag: 'feature-proxy-mode',
    section: 'proxy',
    default: 'false',
    help: 'Ask another registry for what is not here; not supported yet',
  }),
  proxyTo: setting(url, {
    flag: 'proxy-to',
    section: 'proxy',
    default: 'https://epr.elastic.co',
    help: 'Registry that proxy mode asks',
  }),
  proxyAllowInsecure: setting(boolean, {
    flag: 'proxy-allow-insecure',
    section: 'proxy',
    default: 'false',
    help: 'Take any certificate of the registry that proxy mode asks',
  }),
} as const;
