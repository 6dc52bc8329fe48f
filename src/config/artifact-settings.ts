import { address, choice, path, timer } from './kinds.ts';
import { optional, setting } from './setting.ts';

/** What agents, fleet-server and Elastic Defend download. */
export const artifactSettings = {
  artifactsPath: optional(path, {
    flag: 'artifacts-path',
    section: 'artifacts',
    fileKey: 'artifacts.path',
    help: 'Folder that has downloads/ in it, laid out as the public artifact registry; served below /downloads/',
  }),
  keysPath: optional(path, {
    flag: 'keys-path',
    section: 'artifacts',
    fileKey: 'artifacts.keys',
    help: 'Folder with public keys (GPG-KEY-elastic-agent); served below /keys/, and trusted for the signatures of artifacts',
  }),
  modelsPath: optional(path, {
    flag: 'models-path',
    section: 'artifacts',
    fileKey: 'artifacts.models',
    help: 'Folder with machine learning models; served below /ml-models/',
  }),
  productDocsPath: optional(path, {
    flag: 'product-docs-path',
    section: 'artifacts',
    fileKey: 'artifacts.product_docs',
    help: "Folder with the AI assistant's product docs; served below /product-docs/",
  }),
  artifactPolicy: setting(choice('strict', 'lenient'), {
    flag: 'artifact-policy',
    section: 'artifacts',
    fileKey: 'artifacts.policy',
    default: 'strict',
    help: 'Keep artifacts that agents would fail with from them (404), or serve them with a warning in the log',
  }),
  artifactsRescan: setting(timer(1000, 86_400_000), {
    flag: 'artifacts-rescan',
    section: 'artifacts',
    default: '30s',
    help: 'Look for new, changed and removed artifacts this often',
  }),
  artifactsAuthFile: optional(path, {
    flag: 'artifacts-auth-file',
    section: 'artifacts',
    help: 'Credentials that clients of artifacts must show, made with `fleet-depot artifacts auth add`; keys stay public',
  }),
  artifactsAddress: optional(address, {
    flag: 'artifacts-address',
    section: 'artifacts',
    fileKey: 'artifacts.address',
    help: 'Address of a further listener for artifacts alone; plain HTTP unless -artifacts-tls-cert is set',
  }),
  artifactsTlsCert: optional(path, {
    flag: 'artifacts-tls-cert',
    section: 'artifacts',
    help: 'Certificate of that listener in PEM form, with its intermediates behind it',
  }),
  artifactsTlsKey: optional(path, {
    flag: 'artifacts-tls-key',
    section: 'artifacts',
    help: 'Private key of that certificate, PEM, not encrypted',
  }),
  artifactsTlsMinVersion: optional(choice('1.0', '1.1', '1.2', '1.3'), {
    flag: 'artifacts-tls-min-version',
    section: 'artifacts',
    help: 'Oldest TLS version of that listener, 1.2 unless set',
  }),
} as const;
