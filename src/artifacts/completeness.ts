import type { Artifact } from './artifact.ts';
import { agentKeyPath, mounts } from './mounts.ts';
import { referenceAddresses } from './reference-addresses.ts';
import { releaseFiles, type ReleaseWish } from './release-set.ts';

/** One thing that is needed, and how it is with it. */
export interface Requirement {
  /** As clients ask for it. */
  readonly path: string;
  /** `upgrade`: agents fail without it. `optional`: which are needed depends on the integrations. */
  readonly need: 'upgrade' | 'optional';
  readonly state: 'good' | 'missing' | 'refused' | 'unchecked';
  /** What is wrong, or who signed it. */
  readonly note: string;
  /** What a machine that reaches the public address runs to get it; none where nothing is to be got. */
  readonly commands: readonly string[];
}

/** Whether agents can be upgraded with what is here. */
export interface Completeness {
  readonly version: string;
  readonly platforms: readonly string[];
  readonly isComplete: boolean;
  readonly requirements: readonly Requirement[];
}

/** Where files are looked up, and where commands put them. */
export interface CompletenessSources {
  find(path: string): Artifact | undefined;
  /** Folders as the operator calls them. */
  readonly folders: { readonly artifacts: string; readonly keys: string };
}

/** "Can my agents upgrade to this?" Complete where every requirement of the upgrade itself is good. */
export const checkUpgrade = (
  wish: ReleaseWish & { readonly withOptional: boolean },
  sources: CompletenessSources,
): Completeness => {
  const files = releaseFiles(wish).filter(({ need }) => need === 'agent' || wish.withOptional);
  const requirements = [
    ...files.map(({ path, need }) =>
      fileRequirement(path, need === 'agent' ? 'upgrade' : 'optional', sources),
    ),
    keyRequirement(sources),
  ];
  return {
    version: wish.version,
    platforms: wish.platforms,
    isComplete: requirements.every(({ need, state }) => need === 'optional' || state === 'good'),
    requirements,
  };
};

const fileRequirement = (
  path: string,
  need: Requirement['need'],
  sources: CompletenessSources,
): Requirement => {
  const { folders } = sources;
  const asked = mounts.downloads + path;
  const found = sources.find(asked);
  const fetch = fetcher(path, folders.artifacts);
  if (!found) {
    return {
      path: asked,
      need,
      state: 'missing',
      note: 'is not here',
      commands: fetch(['', '.sha512', '.asc']),
    };
  }
  if (found.state === 'quarantined') {
    const isSide = (end: string): boolean => found.reasons.every((reason) => reason.includes(end));
    const ends =
      isSide('.sha512 that') || isSide('no .sha512')
        ? ['.sha512']
        : isSide('.asc')
          ? ['.asc']
          : ['', '.sha512', '.asc'];
    return { path: asked, need, state: 'refused', note: found.reasons.join('; '), commands: fetch(ends) };
  }
  const signed = found.signedBy === undefined ? '' : `signed by ${found.signedBy.slice(-16)}`;
  return {
    path: asked,
    need,
    state: found.state,
    note: [...found.warnings, signed].filter((one) => one !== '').join('; '),
    commands: [],
  };
};

/** An agent that knows the key already needs none from us; one that meets a new key does, and asks fleet-server for it. */
const keyRequirement = ({ find, folders }: CompletenessSources): Requirement => {
  const found = find(agentKeyPath) ?? find(`${mounts.keys}default.pgp`);
  const command = fetchCommand(referenceAddresses.agentKey, `${folders.keys}${agentKeyPath}`);
  if (!found) {
    return {
      path: agentKeyPath,
      need: 'upgrade',
      state: 'missing',
      note: 'is not here',
      commands: [command],
    };
  }
  return found.state === 'good'
    ? { path: agentKeyPath, need: 'upgrade', state: 'good', note: found.warnings.join('; '), commands: [] }
    : {
        path: agentKeyPath,
        need: 'upgrade',
        state: 'refused',
        note: found.reasons.join('; '),
        commands: [command],
      };
};

/** Commands for an artifact and its sidecars. Snapshots lie below the build that the public address names. */
const fetcher =
  (path: string, folder: string) =>
  (ends: readonly string[]): readonly string[] => {
    const asked = mounts.downloads + path;
    const [snapshot] = /\d+\.\d+\.\d+-SNAPSHOT/.exec(path) ?? [];
    if (snapshot === undefined) {
      return ends.map((end) =>
        fetchCommand(`${referenceAddresses.artifacts}${asked}${end}`, `${folder}${asked}${end}`),
      );
    }
    const latest = quoted(`${referenceAddresses.snapshots}/latest/${snapshot}.json`);
    return [
      `BUILD=$(curl -fsSL ${latest} | sed -n 's/.*"build_id" *: *"\\([^"]*\\)".*/\\1/p')`,
      ...ends.map(
        (end) =>
          `curl -fL --create-dirs -o ${quoted(`${folder}${asked}${end}`)} ${quoted(`${referenceAddresses.snapshots}/`)}"$BUILD"${quoted(`${asked}${end}`)}`,
      ),
    ];
  };

const fetchCommand = (url: string, file: string): string =>
  `curl -fL --create-dirs -o ${quoted(file)} ${quoted(url)}`;

const quoted = (text: string): string =>
  /^[\w./:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
