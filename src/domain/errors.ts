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
