import { depotErrors } from './depot-errors.ts';

/** What one kind of error means: for HTTP, for an exit code and for the person who reads it. */
export interface ErrorKind {
  /** HTTP status where the error ends a request. */
  readonly status: number;
  /** Text with `{placeholders}` that are filled from the error's details. */
  readonly message: string;
  /** What the operator can do about it; shown by the command line and in docs/errors.md. */
  readonly advice: string;
}

/**
 * The one catalogue of errors. A row's key is its stable code; docs/errors.md is generated from here.
 * The texts of the 4xx rows that the registry API answers are fixed by its contract.
 */
export const errorCatalogue = {
  // Registry API
  ROUTE_UNKNOWN: {
    status: 404,
    message: '404 page not found',
    advice: 'Ask one of the paths in openapi.yaml.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    message: 'method not allowed',
    advice: 'The registry is read only: use GET or HEAD.',
  },
  PACKAGE_UNKNOWN: {
    status: 404,
    message: 'package revision not found',
    advice:
      'Ask /search?package=NAME&all=true&prerelease=true for the versions that are here; `fleet-depot inspect` lists those in quarantine.',
  },
  ARCHIVE_UNKNOWN: {
    status: 404,
    message: 'artifact not found',
    advice: 'Take the `download` address from /package/NAME/VERSION/.',
  },
  SIGNATURE_UNKNOWN: {
    status: 404,
    message: 'signature file not found',
    advice: 'Put NAME-VERSION.zip.sig beside the archive.',
  },
  RESOURCE_UNKNOWN: {
    status: 404,
    message: 'resource not found',
    advice: 'The `assets` of /package/NAME/VERSION/ list every file of a package.',
  },
  VERSION_INVALID: {
    status: 400,
    message: 'invalid package version',
    advice: 'A package version is strict semver: MAJOR.MINOR.PATCH.',
  },
  QUERY_INVALID: {
    status: 400,
    message: '{text}',
    advice: 'Correct the query parameter that the text names.',
  },
  REQUEST_INVALID: {
    status: 400,
    message: 'bad request',
    advice: 'The address has a broken percent escape.',
  },
  ARCHIVE_CHANGED: {
    status: 503,
    message: 'the archive is being replaced, ask again',
    advice: 'Wait until the copy is done and indexed; Kibana asks again by itself.',
  },
  NOT_READY: {
    status: 503,
    message: 'the index is not ready: {reason}',
    advice: 'Wait for the first index; /health says how far it is.',
  },
  INTERNAL: {
    status: 500,
    message: 'internal server error',
    advice: 'The log line with the same request id has the cause.',
  },

  // Packages
  PACKAGE_INVALID: {
    status: 500,
    message: '{label}: {reason}',
    advice: 'Repair or replace the package; `fleet-depot inspect PATH` shows every reason.',
  },
  PACKAGES_REFUSED: {
    status: 500,
    message: '{count} packages are refused and -strict is on; the first: {first}',
    advice: 'Repair or remove them (`fleet-depot inspect PATH` lists all), or start without -strict.',
  },
  SOURCE_LOST: {
    status: 500,
    message: '{path}: {reason}; what was served before is kept',
    advice: 'Bring the package path back; the next look takes it up.',
  },
  ZIP_INVALID: {
    status: 500,
    message: '{reason}',
    advice: 'Fetch the archive again; a good one passes `unzip -t`.',
  },
  LIMIT_EXCEEDED: {
    status: 500,
    message: '{what} is {value}, the limit is {limit}',
    advice: 'Raise the setting named in docs/configuration.md if the package is trusted.',
  },
  YAML_INVALID: { status: 500, message: '{reason}', advice: 'Correct the YAML at the line that is named.' },

  // Files and folders of a source
  FILE_UNREADABLE: {
    status: 500,
    message: '{reason}',
    advice: 'Give the account that runs Fleet Depot read permission, or put the file back.',
  },
  FOLDER_INVALID: {
    status: 500,
    message: '{reason}',
    advice: 'Repair the package folder; `fleet-depot inspect PATH` shows every reason.',
  },

  // Keys and signatures
  KEY_INVALID: {
    status: 500,
    message: '{label}: {reason}',
    advice: 'Export the public key again: `gpg --export --armor FINGERPRINT`.',
  },
  KEY_SECRET: {
    status: 500,
    message: '{label} holds a private key',
    advice:
      'A keyring holds public keys only: `gpg --export --armor FINGERPRINT`, or `fleet-depot sign --public --key FILE` for a site key.',
  },
  KEY_FINGERPRINT: {
    status: 500,
    message: '{label}: the key has the fingerprint {found}, expected {expected}',
    advice:
      'Do not trust this key. Fetch it again by a way that you trust, and compare the fingerprint with what its owner publishes.',
  },
  KEY_UNCONFIRMED: {
    status: 500,
    message: '{label}: nobody confirmed the fingerprint {found}',
    advice: 'Compare it with what the owner publishes, then give it with --expect, or --yes.',
  },
  KEY_UNKNOWN: {
    status: 500,
    message: 'no key {fingerprint} in the keyring {location}',
    advice: '`fleet-depot keys list` shows the full fingerprints.',
  },
  KEY_FETCH_FAILED: {
    status: 500,
    message: '{url}: {reason}',
    advice: 'Fetch the key on a connected machine, carry it in, and add it with --from FILE.',
  },
  KEYRING_INVALID: {
    status: 500,
    message: 'keyring {path}: {reason}',
    advice:
      'Add keys with `fleet-depot keys add`; a keyring folder holds one file FINGERPRINT.asc for each key.',
  },
  KEYRING_UNWRITABLE: {
    status: 500,
    message: 'keyring {path}: {reason}',
    advice: 'Name a folder that this user may write with -keyring or EPR_KEYRING.',
  },
  SITE_KEY_INVALID: {
    status: 500,
    message: '{path}: {reason}',
    advice: 'Name the private key that `fleet-depot sign --init` wrote with --key.',
  },
  SITE_KEY_EXISTS: {
    status: 500,
    message: '{path} is there already',
    advice: 'Choose another name; a key is never overwritten.',
  },
  SITE_KEY_EXPOSED: {
    status: 500,
    message: '{path} can be read by others than its owner (mode {mode})',
    advice: 'Take it away from them (`chmod 600 FILE`), and make a new key if others had access.',
  },
  SITE_KEY_LOCKED: {
    status: 500,
    message: '{path}: {reason}',
    advice:
      'Give the passphrase by FLEET_DEPOT_KEY_PASSPHRASE_FILE, --passphrase-file, FLEET_DEPOT_KEY_PASSPHRASE, or on a terminal when asked.',
  },
  SITE_KEY_UNWRITABLE: {
    status: 500,
    message: '{path}: {reason}',
    advice: 'Name a file in a folder that this user may write.',
  },
  SIGNING_FAILED: {
    status: 500,
    message: '{label}: {reason}',
    advice: 'Nothing was changed for this file; correct the cause and run the same command again.',
  },
  SIGNED_FILE_UNREADABLE: {
    status: 500,
    message: '{path}: {reason}',
    advice: 'Check that the file is there and may be read.',
  },

  ...depotErrors,

  // Settings and the command line
  SETTING_INVALID: {
    status: 500,
    message: '{flag} ({variable}): {reason}',
    advice: 'docs/configuration.md lists every setting with its form and default.',
  },
  WORKERS_NEED_FOLDER: {
    status: 500,
    message:
      '-workers (EPR_WORKERS): neither {folder} nor a temporary folder can be written, and workers share the index by a file',
    advice: 'Name a folder that can be written with -cache-dir (EPR_CACHE_DIR), or serve with one process.',
  },
  USAGE: {
    status: 500,
    message: '{reason}',
    advice: '`fleet-depot --help` lists the verbs, `fleet-depot VERB --help` their flags.',
  },
  VALUE_INVALID: {
    status: 500,
    message: '{reason}',
    advice: 'docs/configuration.md lists every setting with its form and default.',
  },
  LISTEN_FAILED: {
    status: 500,
    message: '{flag} ({variable}): cannot listen on {address}: {reason}',
    advice: 'Stop the other program or choose another address.',
  },

  // Distributions, upstreams and sync
  DEFINITION_INVALID: {
    status: 500,
    message: '{file}: {reason}',
    advice: 'docs/distributions.md lists every key of a definition.',
  },
  DEFINITION_UNKNOWN: {
    status: 500,
    message: 'no distribution is named "{name}" (shipped are {shipped}) and no file has that path',
    advice: 'Name a shipped distribution, or a definition by its path, as in ./my.yml.',
  },
  INSTALLED_INVALID: {
    status: 500,
    message: '{place}: {reason}',
    advice:
      "Give a saved answer of Kibana's GET /api/fleet/epm/packages/installed, or a list with one name-version a line.",
  },
  PROXY_INVALID: {
    status: 500,
    message: '{flag}: {reason}',
    advice:
      'Give a proxy as http://USER:PASSWORD@HOST:PORT or https://…; --proxy-auth-file keeps the password out of the command line.',
  },
  PROXY_REFUSED: {
    status: 500,
    message: 'the proxy {proxy} refused {url}: {reason}',
    advice:
      'Check user and password, the client certificate, and whether the proxy allows that host and port.',
  },
  UPSTREAM_UNREACHABLE: {
    status: 500,
    message: '{url}: {reason}',
    advice:
      'Check name, port, proxy (--proxy) and certificates (--ca); the same command continues where it stopped.',
  },
  UPSTREAM_ANSWER: {
    status: 500,
    message: '{url}: {reason}',
    advice: 'Ask the address with curl; a proxy or a portal may have answered instead of the registry.',
  },
  UPSTREAM_REDIRECT: {
    status: 500,
    message: '{url} redirects to {target}: {reason}',
    advice:
      'Allow another host with --allow-redirect-host HOST if you trust it; https never falls back to http.',
  },
  UPSTREAM_LISTING: {
    status: 500,
    message: '{url} lists a package that is refused: {reason}',
    advice:
      'The upstream is faulty or hostile: tell its owner, and take nothing from it until that is explained.',
  },
  ARCHIVE_MISMATCH: {
    status: 500,
    message: '{file}: {reason}',
    advice: 'The file was not taken; ask again later, or tell the owner of the upstream.',
  },
  SIGNATURE_REFUSED: {
    status: 500,
    message: '{file}: {reason}',
    advice:
      'Add the key with `fleet-depot keys add` if you trust it; --no-require-signature takes unsigned packages.',
  },
  SET_EMPTY: {
    status: 500,
    message: 'the distribution {distribution} comes to no package at all',
    advice:
      'Check its queries, include and exclude, and whether the registry still lists its packages; nothing was changed.',
  },
  SET_TOO_LARGE: {
    status: 500,
    message: 'the distribution has {bytes} bytes, max-size is {limit}',
    advice: 'Raise max-size, or choose less with exclude, include or keep.',
  },
  FOLDER_BUSY: {
    status: 500,
    message: '{folder} is in use by process {pid} on {host} since {since}',
    advice:
      'Wait for the other run. If it is certain that none is running, delete the file `.fleet-depot/lock` in that folder.',
  },
  LOCK_INVALID: {
    status: 500,
    message: '{file}: {reason}',
    advice: 'Take the file from a backup, or run sync without --locked to make a new one.',
  },
  PRUNE_REFUSED: {
    status: 500,
    message: 'nothing was deleted: {reason}',
    advice: 'Look at the plan with --prune --dry-run first.',
  },
  DISK_FULL: {
    status: 500,
    message: 'no space left while writing {file}',
    advice: 'Free space on that file system and run the same command again; what is done is kept.',
  },
  FILE_FAILED: { status: 500, message: '{file}: {reason}', advice: 'Check the path and its permissions.' },
  INTERRUPTED: {
    status: 500,
    message: 'stopped on request',
    advice: 'The same command continues where it stopped.',

  // Container images
  BASE_IMAGE_INVALID: {
    status: 500,
    message: '{file}: {reason}',
    advice:
      'Save the base image again: `docker save -o base.tar NAME:TAG`, or `skopeo copy SOURCE oci-archive:base.tar`; docs/images.md shows both.',
  },
  IMAGE_CONTENT_INVALID: {
    status: 500,
    message: '{path}: {reason}',
    advice: 'Name a folder of packages or a depot that nothing writes to while the image is made.',
  },
  IMAGE_WRITE_FAILED: {
    status: 500,
    message: '{path}: the image could not be written: {reason}',
    advice: 'Make room or name another place with -o; nothing half-written was left behind.',

  },
} as const satisfies Record<string, ErrorKind>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errorCatalogue;

/** Values for a message's placeholders. */
export type ErrorDetails = Readonly<Record<string, string | number>>;

/** Every error that we raise on purpose: a code of the catalogue, its filled message, and the cause. */
export class DepotError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly advice: string;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    const kind: ErrorKind = errorCatalogue[code];
    super(fill(kind.message, details), cause === undefined ? {} : { cause });
    this.name = 'DepotError';
    this.code = code;
    this.status = kind.status;
    this.advice = kind.advice;
    this.details = details;
  }
}

const fill = (template: string, details: ErrorDetails): string =>
  template.replace(/\{(\w+)\}/g, (whole, key: string) => (key in details ? String(details[key]) : whole));
