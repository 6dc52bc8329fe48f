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
  INDEX_UNWRITABLE: {
    status: 500,
    message: '{path}: {reason}',
    advice: 'Name a folder that this user may write with -cache-dir or EPR_CACHE_DIR.',
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

  // Settings and the command line
  SETTING_INVALID: {
    status: 500,
    message: '{flag} ({variable}): {reason}',
    advice: 'docs/configuration.md lists every setting with its form and default.',
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
