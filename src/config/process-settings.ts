import { address, boolean, choice, logLevel, path } from './kinds.ts';
import { optional, setting } from './setting.ts';

/** The process itself. */
export const processSettings = {
  // Operations
  config: optional(path, {
    flag: 'config',
    section: 'operations',
    help: 'Configuration file; config.yml of the working directory where it is there',
  }),
  logLevel: setting(logLevel, {
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
    help: 'Read all packages, say what is wrong, and end without serving',
  }),
  version: setting(boolean, {
    flag: 'version',
    section: 'operations',
    default: 'false',
    help: 'Print the version and end',
  }),
} as const;
