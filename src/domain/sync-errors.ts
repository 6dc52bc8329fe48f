import type { ErrorKind } from './error-kind.ts';

/** Distributions, upstreams and sync. */
export const syncErrors = {
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
    message: 'the proxy {proxy}, asked for {url}: {reason}',
    advice:
      'Check address, user and password of the proxy (--proxy, HTTPS_PROXY), the certificates (--proxy-ca, --proxy-client-cert), and whether it allows that host and port.',
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
  PACKAGE_ABSENT: {
    status: 500,
    message: '{url}: the upstream does not have it (404)',
    advice:
      'Look for its versions with /search?package=NAME&all=true&prerelease=true, and put the pin or the installed list right; what a registry has withdrawn comes from a bundle or an older set.',
  },
  UPSTREAM_REDIRECT: {
    status: 500,
    message: '{url} leads to {target}: {reason}',
    advice:
      'Allow another host with --allow-redirect-host HOST if you trust it; a lock file can be fetched from a mirror with --address. https never falls back to http.',
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
      'Add the key with `fleet-depot keys add` if you trust it; one that was revoked or has expired needs packages signed by another. --no-require-signature takes unsigned packages.',
  },
  KEY_UNPINNED: {
    status: 500,
    message:
      '{label}: nobody has confirmed the key {found}. If it is what its owner publishes, put `fingerprint: "{found}"` beside its name under `keys:` of the definition',
    advice:
      'Or add it to the keyring: `fleet-depot keys add URL|FILE --expect FINGERPRINT`. A key that is served is what agents trust, so none is taken unseen.',
  },
  SET_EMPTY: {
    status: 500,
    message: 'the distribution {distribution} comes to no package at all{absent}',
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
    message: '{folder} is in use by {holder}',
    advice:
      'Wait for the other run. A lock that gives no sign of life is taken over after two minutes; if it is certain that no run is left, delete the file `.fleet-depot/lock` in that folder.',
  },
  LOCK_INVALID: {
    status: 500,
    message: '{file}: {reason}',
    advice:
      'Take the file from a backup; or move it away and run sync without --locked, which makes a new one of what it checks.',
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
  FILE_FAILED: {
    status: 500,
    message: '{file}: {reason}',
    advice: 'Check the path, its permissions, and the disk or share that it lies on.',
  },
  INTERRUPTED: {
    status: 500,
    message: 'stopped on request',
    advice: 'The same command continues where it stopped.',
  },
} as const satisfies Record<string, ErrorKind>;
