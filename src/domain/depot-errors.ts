/** The rows of the catalogue in errors.ts that depots and bundles have. */
export const depotErrors = {
  // Depots: snapshots, content, journal
  DEPOT_UNKNOWN: {
    status: 500,
    message: '{path} is not a depot: {reason}',
    advice:
      'Name the folder that has a depot.json; `fleet-depot bundle import FILE… --into DIR` and `fleet-depot snapshot init --depot DIR` make one in a new or empty folder.',
  },
  DEPOT_PLACE_UNFIT: {
    status: 500,
    message: '{path} cannot hold a depot: {reason}',
    advice:
      'Name a folder on a file system that has symbolic links, such as ext4, xfs, btrfs or NTFS. FAT and exFAT are good for bundles, receipts and plain folders of packages.',
  },
  DEPOT_INSIDE: {
    status: 500,
    message: '{path} lies inside the depot {depot}: {what}',
    advice:
      'Snapshots never change; a file that is changed in one is changed in all. New ones come from `fleet-depot bundle import` and `fleet-depot sync --to DEPOT`.',
  },
  DEPOT_LOCKED: {
    status: 500,
    message: '{path} is in use by {holder}',
    advice:
      'Wait until that run has ended. A lock whose process is gone is taken over by itself; only if you know that no run is left, delete the lock file.',
  },
  DEPOT_DAMAGED: {
    status: 500,
    message: '{path}: {reason}',
    advice:
      '`fleet-depot snapshot verify --depot DIR` lists all damage; importing a complete bundle repairs stored content.',
  },
  DEPOT_FULL: {
    status: 500,
    message: 'no space left for {path}: {reason}',
    advice:
      'Free space (`fleet-depot gc --depot DIR` shows what old snapshots hold) and run the same command again: it goes on where it stopped.',
  },
  SNAPSHOT_UNKNOWN: {
    status: 500,
    message: 'no snapshot "{name}": {reason}',
    advice: '`fleet-depot snapshot list --depot DIR` shows ids and labels.',
  },
  JOURNAL_BROKEN: {
    status: 500,
    message: '{path} line {line}: {reason}',
    advice:
      'Someone or something changed the journal. Compare it with a copy (backup); then `fleet-depot snapshot verify --depot DIR --accept-journal` sets the damaged file aside and starts a new chain.',
  },
  PATH_INVALID: {
    status: 500,
    message: 'path "{path}" is not allowed: {reason}',
    advice:
      'Paths are made of letters, digits and . _ - + ~ @ between slashes, no part begins with a dot; rename the file.',
  },

  // Bundles
  BUNDLE_INVALID: {
    status: 500,
    message: '{file}: {reason}',
    advice:
      'The file was damaged or altered on its way. Copy it again from its origin and run `fleet-depot bundle verify`; nothing of it was taken over.',
  },
  BUNDLE_UNSIGNED: {
    status: 500,
    message: '{file}: the bundle has no signature',
    advice: 'Have it made with `--key`; only where you trust the way it came on, `--allow-unsigned`.',
  },
  BUNDLE_UNTRUSTED: {
    status: 500,
    message: '{file}: the signature of the bundle does not count: {reason}',
    advice:
      "Compare the fingerprint with its sender by another way; if it is right, `fleet-depot keys add FILE` (with --depot DIR into a depot's own keyring). Otherwise do not use the bundle.",
  },
  BUNDLE_VOLUMES: {
    status: 500,
    message: '{reason}',
    advice: 'Name every volume of one bundle (FILE.001 FILE.002 …), each once, and of no other.',
  },
  BUNDLE_BASE_MISSING: {
    status: 500,
    message:
      '{file} holds only what is new to snapshot {snapshot} of depot {base}; here {missing} of {files} files are lacking, the first is {first}',
    advice:
      'If a bundle between was left out, import that one first. Otherwise carry out a new receipt (`fleet-depot bundle receipt --depot DIR -o FILE`) and have the bundle made with `--since` of it, or have a complete one made.',
  },
  BUNDLE_UNFIT: {
    status: 500,
    message: '{reason}',
    advice: 'Correct what is named and run `fleet-depot bundle create` again; no half bundle was left.',
  },
  RECEIPT_INVALID: {
    status: 500,
    message: '{file} is not a whole receipt: {reason}',
    advice:
      'Copy the receipt again, or make a new one with `fleet-depot bundle receipt --depot DIR -o FILE`.',
  },
} as const;
