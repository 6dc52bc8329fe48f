import type { Command } from 'commander';

/** What the help of a verb ends with, by its words: how it is used, and what its exit codes mean where that is its own. */
const examples: Readonly<Record<string, readonly string[]>> = {
  index: [
    'fleet-depot index build -package-paths /srv/packages -cache-dir /srv/cache',
    'fleet-depot index check -package-paths /srv/packages -cache-dir /srv/cache',
    '',
    'Exit codes of check: 0 a start reads nothing, 1 there is no index that it could take, 3 it reads or forgets some.',
  ],
  health: [
    'fleet-depot health',
    'fleet-depot health https://registry.example     with your own CA: NODE_EXTRA_CA_CERTS=ca.pem',
  ],
  keys: [
    "fleet-depot keys add elastic                          Elastic's key, by its known fingerprint",
    'fleet-depot keys add elastic --from GPG-KEY-elasticsearch',
    'fleet-depot keys add site.pub.asc --expect FINGERPRINT',
    'fleet-depot keys list',
    'fleet-depot keys remove FINGERPRINT',
  ],
  'keys add': [
    "fleet-depot keys add elastic                          Elastic's key, by its known fingerprint",
    'fleet-depot keys add elastic --from GPG-KEY-elasticsearch',
    'fleet-depot keys add site.pub.asc --expect FINGERPRINT',
    "fleet-depot keys add site.pub.asc --depot /srv/depot  into a depot's own keyring",
    'fleet-depot keys add site.rev.asc                     from now on nothing that the key signed counts',
  ],
  sign: [
    'fleet-depot sign --init --key site.key --name "Example Ltd Fleet site key"',
    'fleet-depot sign --key site.key ./own-packages        archives that have no signature yet',
    'fleet-depot sign --key site.key --resign ./packages   all, each after its own signature was verified',
    'fleet-depot sign --key site.key --public              the public key, for Kibana and for `keys add`',
    '',
    'Exit codes: 0 all are signed, 1 none, 2 wrong flags, 3 some.',
  ],
  verify: [
    'fleet-depot verify ./packages                         a folder, with its distribution.lock',
    'fleet-depot verify nginx-1.20.0.zip carry.tar /srv/depot',
    'fleet-depot verify ./packages --json | jq ".items[] | select(.ok | not)"',
    '',
    'Exit codes: 0 all are good, 1 none, 2 wrong flags, 3 some.',
  ],
  sync: [
    'fleet-depot sync lite --to ./packages --dry-run',
    'fleet-depot sync lite --to ./packages',
    'fleet-depot sync ./our.yml --to ./packages --proxy http://proxy.example:3128 --proxy-auth-file FILE',
    'fleet-depot sync lite --to ./again --locked --lock ./packages/distribution.lock',
    'fleet-depot sync lite --to ./packages --prune --dry-run',
    '',
    'Exit codes: 0 all is there and checked, 1 failed, 2 wrong flags or definition, 3 some of it is there.',
  ],
  bundle: [
    'fleet-depot bundle create --from ./packages --key site.key -o carry.tar',
    'fleet-depot bundle import carry.tar --into /srv/depot',
    'fleet-depot bundle receipt --depot /srv/depot -o site.receipt',
    'fleet-depot bundle create --from ./packages --since site.receipt --key site.key -o next.tar',
  ],
  'bundle create': [
    'fleet-depot bundle create --from ./packages --key site.key -o carry.tar',
    'fleet-depot bundle create --from ./packages --since site.receipt --key site.key -o next.tar',
    'fleet-depot bundle create --from /srv/depot --volume-size 4GiB --key site.key -o carry.tar',
    '',
    'The same files and key make the same bytes. SOURCE_DATE_EPOCH sets the time of the signature.',
  ],
  'bundle verify': [
    'fleet-depot bundle verify carry.tar',
    'fleet-depot bundle verify carry.tar.002               one volume alone',
    '',
    'Exit codes: 0 whole and signed by a trusted key, 1 not, 2 wrong flags, 3 so far, but volumes are missing.',
  ],
  'bundle import': [
    'fleet-depot bundle import carry.tar --into /srv/depot --dry-run',
    'fleet-depot bundle import carry.tar.* --into /srv/depot',
    '',
    'Whatever goes wrong, what was in force stays, and the same command goes on from there.',
  ],
  'bundle receipt': ['fleet-depot bundle receipt --depot /srv/depot -o site.receipt'],
  snapshot: [
    'fleet-depot snapshot list --depot /srv/depot',
    'fleet-depot snapshot diff previous current --depot /srv/depot',
    'fleet-depot snapshot rollback --depot /srv/depot      to the one before the current',
    'fleet-depot snapshot label current tested --depot /srv/depot',
    'fleet-depot snapshot log --depot /srv/depot',
    'fleet-depot snapshot verify --depot /srv/depot        journal, records and every content',
    '',
    'A snapshot is named by its id, the beginning of just one id, a label, `current` or `previous`.',
  ],
  gc: [
    'fleet-depot gc --depot /srv/depot                     shows what would go, and the bytes that frees',
    'fleet-depot gc --depot /srv/depot --keep 2 --yes',
  ],
  artifacts: [
    'fleet-depot artifacts check /srv/artifacts --agent 9.2.1 --platform linux-x86_64',
    'fleet-depot artifacts auth --help',
  ],
  'artifacts auth': [
    'fleet-depot artifacts auth add site-a --file agents.auth           prints the password, this once',
    'fleet-depot artifacts auth add site-b --api-key --file agents.auth',
    'fleet-depot serve -artifacts-path /srv/artifacts -artifacts-auth-file agents.auth',
  ],
  'artifacts check': ['fleet-depot artifacts check /srv/artifacts --agent 9.2.1 --platform linux-x86_64'],
  plan: ['fleet-depot plan --stack 9.2.1 --url https://registry.example'],
  doctor: ['fleet-depot doctor https://registry.example'],
};

/** Puts the examples below the help of every command that has some and brings none itself. */
export const addExamples = (command: Command, words = ''): void => {
  for (const one of command.commands) {
    const path = `${words} ${one.name()}`.trim();
    const lines = examples[path];
    if (lines !== undefined) {
      one.addHelpText('after', `\nExamples:\n${lines.map(indent).join('\n')}`);
    }
    addExamples(one, path);
  }
};

const indent = (line: string): string => (line === '' || /^[A-Z]/.test(line) ? line : `  ${line}`);
