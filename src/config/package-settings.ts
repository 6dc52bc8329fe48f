import { boolean, bytes, choice, fingerprint, integer, path, paths, timer } from './kinds.ts';
import { optional, setting } from './setting.ts';

const day = 86_400_000;

/** Where packages come from and what is asked of them. */
export const packageSettings = {
  // Packages
  packagePaths: setting(paths, {
    flag: 'package-paths',
    section: 'packages',
    fileKey: 'package_paths',
    default: './packages',
    help: 'Folders with packages, the first wins where a version is there twice',
  }),
  requirePackageSignatures: setting(boolean, {
    flag: 'require-package-signatures',
    section: 'packages',
    default: 'true',
    help: 'Keep archives that have no signature file beside them in quarantine',
  }),
  signaturePolicy: optional(choice('present', 'verified', 'off'), {
    flag: 'signature-policy',
    section: 'packages',
    help: 'What is asked of signatures: that one is `present` (as the reference), that a key of the keyring made it (`verified`), or nothing; goes before -require-package-signatures',
  }),
  foreignSignatures: setting(choice('serve', 'hide'), {
    flag: 'foreign-signatures',
    section: 'packages',
    default: 'serve',
    help: 'Serve or hide signatures by another key than the one that Kibana trusts: Kibana refuses a foreign one, and installs a package without any',
  }),
  kibanaKey: optional(fingerprint, {
    flag: 'kibana-key',
    section: 'packages',
    help: 'Full fingerprint of the one key that Kibana trusts (xpack.fleet.packageVerification.gpgKeyPath); by default that of Elastic',
  }),
  keyring: optional(path, {
    flag: 'keyring',
    section: 'packages',
    help: 'Folder or file with the trusted public keys (`fleet-depot keys`); by default ~/.config/fleet-depot/keyring. It is followed while the server runs',
  }),
  disablePackageValidation: setting(boolean, {
    flag: 'disable-package-validation',
    section: 'packages',
    default: 'false',
    help: 'Serve packages without checking what is in them',
  }),
  strict: setting(boolean, {
    flag: 'strict',
    section: 'packages',
    default: 'false',
    help: 'Refuse to start when a package is broken, as the reference does, instead of keeping it in quarantine',
  }),
  packagePathsEnableWatcher: setting(boolean, {
    flag: 'package-paths-enable-watcher',
    section: 'packages',
    default: 'true',
    help: 'Notice new, changed and removed packages by notifications of the file system',
  }),
  pollInterval: setting(timer(0, day), {
    flag: 'poll-interval',
    section: 'packages',
    default: '30s',
    help: 'Look for changed packages this often, which also works on NFS, SMB and FUSE; 0 is never',
  }),
  cacheDir: optional(path, {
    flag: 'cache-dir',
    section: 'packages',
    help: 'Folder for the index, so that a restart reads only what changed; by default ~/.cache/fleet-depot',
  }),
  serveWhileIndexing: setting(boolean, {
    flag: 'serve-while-indexing',
    section: 'packages',
    default: 'false',
    help: 'Serve the packages known from the last run while the others are being read',
  }),
  packagePathsWorkers: setting(integer(0, 1024), {
    flag: 'package-paths-workers',
    section: 'packages',
    default: '0',
    help: 'Processes that read packages; 0 is one for each core, as memory allows',
  }),

  // Limits
  maxEntries: setting(integer(1, 10_000_000), {
    flag: 'max-entries',
    section: 'limits',
    default: '20000',
    help: 'Files and folders in one package',
  }),
  maxEntrySize: setting(bytes, {
    flag: 'max-entry-size',
    section: 'limits',
    default: '64MiB',
    help: 'Size of one file in a package, uncompressed',
  }),
  maxPackageSize: setting(bytes, {
    flag: 'max-package-size',
    section: 'limits',
    default: '1GiB',
    help: 'Size of all files of a package, uncompressed',
  }),
  maxCompressionRatio: setting(integer(1, 1100), {
    flag: 'max-compression-ratio',
    section: 'limits',
    default: '200',
    help: 'Uncompressed bytes for each compressed byte, for files above 1 MiB',
  }),
  maxManifestSize: setting(bytes, {
    flag: 'max-manifest-size',
    section: 'limits',
    default: '2MiB',
    help: 'Size of a manifest or another YAML or JSON file that is parsed',
  }),
} as const;
