import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { writeZip as zipOf } from '../../src/archive/zip-writer.ts';

/** Files of a package by their path below its root. */
export type PackageTree = Record<string, string | Buffer>;

/** What a package is made of; everything has a default that is valid. */
export interface PackageSpec {
  readonly name?: string;
  readonly version?: string;
  readonly type?: 'integration' | 'input' | 'content';
  /** Keys of manifest.yml that are added or replaced; undefined takes one away. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** The same for the data stream's manifest. */
  readonly dataStream?: Readonly<Record<string, unknown>>;
  /** Files that are added or replaced; undefined takes one away. */
  readonly files?: Readonly<Record<string, string | Buffer | undefined>>;
}

/** YAML with one line for each key; JSON is YAML. */
const yaml = (tree: Readonly<Record<string, unknown>>): string =>
  Object.entries(tree)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('');

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"><rect width="16" height="16"/></svg>\n';

// A PNG of one pixel.
const screenshot = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

const baseFields = `- name: data_stream.type
  type: constant_keyword
  description: Data stream type.
- name: data_stream.dataset
  type: constant_keyword
  description: Data stream dataset.
- name: data_stream.namespace
  type: constant_keyword
  description: Data stream namespace.
- name: '@timestamp'
  type: date
  description: Event timestamp.
`;

const streamTemplate = 'paths:\n{{#each paths}}\n  - {{this}}\n{{/each}}\n';

const pathsVariable = {
  name: 'paths',
  type: 'text',
  title: 'Paths',
  multi: true,
  required: true,
  show_user: true,
  default: ['/var/log/demo.log'],
};

const policyTemplates = {
  integration: [
    {
      name: 'demo',
      title: 'Demo logs',
      description: 'Collects logs of Demo.',
      inputs: [{ type: 'logfile', title: 'Files', description: 'Reads log files.' }],
    },
  ],
  input: [
    {
      name: 'demo',
      title: 'Demo logs',
      description: 'Collects logs of anything.',
      type: 'logs',
      input: 'logfile',
      template_path: 'input.yml.hbs',
      vars: [pathsVariable],
    },
  ],
  content: undefined,
} as const;

/** A small package that is valid as a whole: of one data stream, of one input, or of content alone. */
export const packageFiles = (spec: PackageSpec = {}): PackageTree => {
  const { name = 'demo', version = '1.0.0', type = 'integration' } = spec;
  const title = name.charAt(0).toUpperCase() + name.slice(1);
  const manifest = {
    format_version: '3.4.0',
    name,
    title,
    version,
    description: `Collects what ${title} has to say.`,
    type,
    source: { license: 'Elastic-2.0' },
    categories: ['custom'],
    conditions: { kibana: { version: '^8.0.0 || ^9.0.0' }, elastic: { subscription: 'basic' } },
    icons: [{ src: '/img/icon.svg', title: `${title} logo`, size: '16x16', type: 'image/svg+xml' }],
    screenshots: [
      { src: '/img/screenshot.png', title: `${title} dashboard`, size: '1x1', type: 'image/png' },
    ],
    policy_templates: policyTemplates[type],
    owner: { github: 'example/demo', type: 'community' },
    ...spec.manifest,
  };
  const files: Record<string, string | Buffer | undefined> = {
    'manifest.yml': yaml(manifest),
    'changelog.yml': `- version: "${version}"\n  changes:\n    - description: First version.\n      type: enhancement\n      link: https://example.org/1\n`,
    'docs/README.md': `# ${title}\n\nA small package.\n`,
    'img/icon.svg': icon,
    'img/screenshot.png': screenshot,
    ...typeFiles[type](spec),
    ...spec.files,
  };
  const tree: PackageTree = {};
  for (const [path, content] of Object.entries(files)) {
    if (content !== undefined) {
      tree[path] = content;
    }
  }
  return tree;
};

const typeFiles: Readonly<Record<'integration' | 'input' | 'content', (spec: PackageSpec) => PackageTree>> = {
  integration: (spec) => ({
    'data_stream/log/manifest.yml': yaml({
      title: 'Demo logs',
      type: 'logs',
      streams: [{ input: 'logfile', title: 'Files', description: 'Reads log files.', vars: [pathsVariable] }],
      ...spec.dataStream,
    }),
    'data_stream/log/fields/base-fields.yml': baseFields,
    'data_stream/log/agent/stream/stream.yml.hbs': streamTemplate,
    'data_stream/log/elasticsearch/ingest_pipeline/default.yml':
      '---\ndescription: Parses logs of Demo.\nprocessors:\n  - set:\n      field: ecs.version\n      value: 8.11.0\n',
  }),
  input: () => ({ 'agent/input/input.yml.hbs': streamTemplate, 'fields/base-fields.yml': baseFields }),
  content: (spec) => {
    const id = `${spec.name ?? 'demo'}-overview`;
    return {
      [`kibana/dashboard/${id}.json`]: `${JSON.stringify({ id, type: 'dashboard', attributes: { title: 'Overview' }, references: [] }, null, 2)}\n`,
    };
  },
};

/** Writes files below a folder, which is made where it is absent. */
export const writeFolder = async (root: string, files: PackageTree): Promise<void> => {
  for (const [path, content] of Object.entries(files)) {
    const place = join(root, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, content);
  }
};

/** The bytes of an archive whose files all lie in one top folder. */
export const zipBytes = (top: string, files: PackageTree): Promise<Buffer> =>
  buffer(
    zipOf(
      top,
      Object.entries(files).map(([path, content]) => ({
        path,
        read: () => Promise.resolve(Buffer.from(content)),
      })),
    ),
  );

/** Writes an archive whose files all lie in one top folder. */
export const writeZip = async (path: string, top: string, files: PackageTree): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, await zipBytes(top, files));
};

/** Writes a package as a folder `root/NAME/VERSION` and returns its path. */
export const writeFolderPackage = async (root: string, spec: PackageSpec = {}): Promise<string> => {
  const path = join(root, spec.name ?? 'demo', spec.version ?? '1.0.0');
  await writeFolder(path, packageFiles(spec));
  return path;
};

/** Writes a package as an archive `root/NAME-VERSION.zip` and returns its path. */
export const writeZipPackage = async (root: string, spec: PackageSpec = {}): Promise<string> => {
  const top = `${spec.name ?? 'demo'}-${spec.version ?? '1.0.0'}`;
  const path = join(root, `${top}.zip`);
  await writeZip(path, top, packageFiles(spec));
  return path;
};
