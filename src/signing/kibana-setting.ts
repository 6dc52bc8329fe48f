import { resolve } from 'node:path';

/** The line of kibana.yml that makes Kibana trust a key file: YAML reads a JSON string as it is. */
export const kibanaSetting = (publicKeyFile: string): string =>
  `xpack.fleet.packageVerification.gpgKeyPath: ${JSON.stringify(resolve(publicKeyFile))}`;

/** What to do with the line, for people. */
export const kibanaAdvice = (publicKeyFile: string): string =>
  [
    `Copy ${resolve(publicKeyFile)} to every Kibana, set this in its kibana.yml with the path that it has there,`,
    'and restart Kibana: it reads the key once, when it first needs it.',
    '',
    `  ${kibanaSetting(publicKeyFile)}`,
    '',
    'Kibana trusts one key only, the first of that file: all packages that it installs have to be signed with it.',
    '',
  ].join('\n');
