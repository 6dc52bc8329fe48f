import type { DefendFacts } from '../../artifacts/defend-manifest.ts';
import type { WantedFile } from '../../artifacts/release-order.ts';
import type { DepotError } from '../../domain/errors.ts';
import type { LockedFile } from '../record/locked-file.ts';

/** What a group of files is for, which says how it is checked. */
export type ReleaseKind = 'artifact' | 'key' | 'manifest' | 'defend' | 'model' | 'docs';

/** A file that is wanted. */
export interface ReleaseFile {
  readonly path: string;
  readonly url: URL;
  /** With --locked: the bytes that it must be. */
  readonly locked?: LockedFile;
}

/** Files that are only of use together: an artifact with digest and signature, a model with its descriptions. */
export interface ReleaseGroup {
  readonly kind: ReleaseKind;
  readonly main: ReleaseFile;
  /** Small files that are there before `main` is. */
  readonly beside: readonly ReleaseFile[];
  /** Whether another content under the same name is impossible; what isn't fixed is asked for again in every run. */
  readonly isFixed: boolean;
  /** Of Elastic Defend's files: what the manifest says of it. */
  readonly expected?: DefendFacts;
  /** Of a manifest: its content, which came with the plan, and the paths that it refers to. */
  readonly body?: Buffer;
  readonly needs?: readonly string[];
  /** Why it is not known where the files are: they can't be fetched. */
  readonly fault?: DepotError;
}

/** Every file of a group, the main one last, as they are put into place. */
export const filesOfGroup = ({ beside, main }: ReleaseGroup): readonly ReleaseFile[] => [...beside, main];

/** Whether the main file is small enough to be read into memory: a key, a manifest. */
export const isSmallKind = (kind: ReleaseKind): boolean => kind === 'key' || kind === 'manifest';

const besideEnds = ['.sha512', '.asc', '.metadata.json', '.vocab.json'] as const;

/** The main file of a file that lies beside one; undefined for a main file. */
const mainOf = (path: string): string | undefined => {
  if (path.startsWith('ml-models/')) {
    const end = besideEnds.find((one) => path.endsWith(one));
    return end === undefined ? undefined : `${path.slice(0, -end.length)}.pt`;
  }
  // Elastic Defend's files have names of their own making, and nothing beside them.
  if (!path.startsWith('downloads/') || path.startsWith('downloads/endpoint/')) {
    return undefined;
  }
  return /\.(?:sha512|asc)$/.test(path) ? path.replace(/\.(?:sha512|asc)$/, '') : undefined;
};

const kindOf = (path: string): ReleaseKind => {
  if (path.startsWith('keys/')) {
    return 'key';
  }
  if (path.startsWith('ml-models/')) {
    return 'model';
  }
  if (path.startsWith('product-docs/')) {
    return 'docs';
  }
  if (path.startsWith('downloads/endpoint/manifest/')) {
    return 'manifest';
  }
  return path.startsWith('downloads/endpoint/') ? 'defend' : 'artifact';
};

/** Puts files together. What lies beside nothing comes back as `orphans`. */
export const groupFiles = (
  files: readonly (WantedFile & { readonly locked?: LockedFile })[],
): { readonly groups: readonly ReleaseGroup[]; readonly orphans: readonly string[] } => {
  const mains = new Map<string, { main: ReleaseFile; beside: ReleaseFile[] }>();
  const besides: { of: string; file: ReleaseFile }[] = [];
  for (const { path, url, locked } of files) {
    const file: ReleaseFile = { path, url: new URL(url), ...(locked ? { locked } : {}) };
    const of = mainOf(path);
    if (of === undefined) {
      mains.set(path, { main: file, beside: [] });
    } else {
      besides.push({ of, file });
    }
  }
  const orphans: string[] = [];
  for (const { of, file } of besides) {
    const group = mains.get(of);
    if (group) {
      group.beside.push(file);
    } else {
      orphans.push(file.path);
    }
  }
  const groups = [...mains.values()].map((group): ReleaseGroup => {
    const kind = kindOf(group.main.path);
    return { kind, ...group, isFixed: !isSmallKind(kind) && !group.main.path.includes('-SNAPSHOT') };
  });
  return { groups, orphans };
};
