import { join } from 'node:path';
import { agentKeyPath, mounts, type ArtifactRoots } from './mounts.ts';
import { listFiles, type FolderFault, type Inventory } from './inventory.ts';

/** Everything that lies in the folders of the settings, by what they are for. */
export interface Folders {
  readonly downloads: Inventory;
  readonly keys: Inventory;
  readonly models: Inventory;
  readonly productDocs: Inventory;
  /** Paths as they are asked for. */
  readonly faults: readonly FolderFault[];
  /** Mounts whose folder can't be read: a disk that is away, most likely for a while. */
  readonly lost: ReadonlySet<string>;
}

const nothing: Inventory = { files: [], faults: [] };

/** Lists every folder that there is. */
export const listFolders = async (roots: ArtifactRoots): Promise<Folders> => {
  const places = {
    downloads: roots.artifacts === undefined ? undefined : join(roots.artifacts, 'downloads'),
    keys: roots.keys,
    models: roots.models,
    productDocs: roots.productDocs,
  } as const;
  const faults: FolderFault[] = [];
  const lost = new Set<string>();
  const list = async (name: keyof typeof places): Promise<Inventory> => {
    const place = places[name];
    const inventory = place === undefined ? nothing : await listFiles(place);
    for (const { path, reason } of inventory.faults) {
      // The folder itself.
      if (path === '') {
        lost.add(mounts[name]);
      }
      const hint = name === 'downloads' ? '; -artifacts-path is the folder that has downloads/ in it' : '';
      faults.push({ path: mounts[name] + path, reason: path === '' ? `${place} ${reason}${hint}` : reason });
    }
    return inventory;
  };
  return {
    downloads: await list('downloads'),
    keys: await list('keys'),
    models: await list('models'),
    productDocs: await list('productDocs'),
    faults,
    lost,
  };
};

/** Whether an address belongs to one of these mounts. */
export const liesBelow = (lost: ReadonlySet<string>, path: string): boolean =>
  [...lost].some((mount) => path.startsWith(mount) || (mount === mounts.keys && path === agentKeyPath));
