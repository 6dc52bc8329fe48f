import type { DataStream } from '../domain/data-stream.ts';
import { decodeDataStream } from '../domain/data-stream.ts';
import { readFields } from '../domain/fields.ts';
import { imageFile } from '../domain/image.ts';
import { decodeManifest } from '../domain/manifest.ts';
import type { PackageInfo } from '../domain/package.ts';
import type { Problem, ProblemList } from '../domain/problem.ts';
import { createProblemList } from '../domain/problem.ts';
import { packagePath } from '../domain/reference.ts';
import type { PackageFiles, PackageRef } from '../source/source.ts';
import type { ContentReader } from './content.ts';
import { checkContent } from './whole-content.ts';
import { validateDataStream } from './data-stream-files.ts';

/** What was found of one package: all of it, or why it can't be told. */
export interface Judgement {
  /** Undefined when nothing that could be served was found. */
  readonly info: PackageInfo | undefined;
  /** Every problem; empty for a good package. */
  readonly problems: readonly Problem[];
  /** Things that are worth a line in the log but no quarantine. */
  readonly warnings: readonly string[];
}

const maxAssets = 65_535;

/**
 * Reads the manifest, the data streams and what validity needs of one open package. Never throws for a fault of the
 * package: the fault is a problem. `signed` tells whether a signature is served beside the archive.
 */
export async function judgePackage(
  ref: PackageRef,
  files: PackageFiles,
  content: ContentReader,
  signed: boolean,
): Promise<Judgement> {
  const problems = createProblemList();
  const warnings: string[] = [];
  const manifest = await content.mapping('manifest.yml', problems);
  const decoded =
    manifest &&
    decodeManifest(readFields(manifest, 'manifest.yml', problems), {
      hasFile: (path) => files.has(path),
      unknownCategory: (category) =>
        void warnings.push(`manifest.yml: the category "${category}" is unknown and dropped`),
    });
  if (!decoded) {
    return { info: undefined, problems: problems.all, warnings };
  }
  const { info } = decoded;
  checkPlace(ref, files, info, problems);
  checkFolders(files, problems);
  checkImages(files, info, problems);
  await checkContent(ref, files, content, info, problems);
  const dataStreams: DataStream[] = [];
  for (const folder of dataStreamFolders(files)) {
    const dataStream = await judgeDataStream(folder, info, files, content, problems);
    if (dataStream) {
      dataStreams.push(dataStream);
    }
  }
  return {
    info: {
      ...info,
      signature_path: signed ? `${info.download}.sig` : undefined,
      assets: listAssets(files, packagePath(info.name, info.version)),
      data_streams: dataStreams.length > 0 ? dataStreams : undefined,
    },
    problems: problems.all,
    warnings,
  };
}

/** The place must agree with the manifest: a zip's top folder with name and version, a version folder with the version. */
function checkPlace(ref: PackageRef, files: PackageFiles, info: PackageInfo, problems: ProblemList): void {
  const wanted = `${info.name}-${info.version}`;
  if (files.topFolder !== undefined && files.topFolder !== wanted) {
    problems.broken('', `its top folder is "${files.topFolder}", by its manifest it is "${wanted}"`);
  }
  if (ref.expected && ref.expected.version !== info.version) {
    problems.invalid(
      'manifest.yml',
      `version is "${info.version}", but the folder is named "${ref.expected.version}"`,
    );
  }
}

/** As in the reference, no folder of a package has a hyphen in its name. */
function checkFolders(files: PackageFiles, problems: ProblemList): void {
  const hyphened = files.folders.find((folder) => folder.includes('-'));
  if (hyphened !== undefined) {
    problems.broken('', `the folder "${hyphened}" has a hyphen in its name`);
  }
}

function checkImages(files: PackageFiles, info: PackageInfo, problems: ProblemList): void {
  const own = [
    ['icons', info.icons],
    ['screenshots', info.screenshots],
  ] as const;
  const ofTemplates = (info.policy_templates ?? []).flatMap(
    (template, index) =>
      [
        [`policy_templates[${index}].icons`, template.icons],
        [`policy_templates[${index}].screenshots`, template.screenshots],
      ] as const,
  );
  for (const [field, images] of [...own, ...ofTemplates]) {
    for (const [index, image] of (images ?? []).entries()) {
      if (!files.has(imageFile(image))) {
        problems.invalid(
          'manifest.yml',
          `${field}[${index}].src names "${image.src}", which is not in the package`,
        );
      }
    }
  }
}

function dataStreamFolders(files: PackageFiles): string[] {
  const folders = files.entries.flatMap(
    ({ path }) => /^data_stream\/([^/]+)\/manifest\.yml$/.exec(path)?.[1] ?? [],
  );
  return folders.toSorted((a, b) => (a < b ? -1 : 1));
}

async function judgeDataStream(
  folder: string,
  info: PackageInfo,
  files: PackageFiles,
  content: ContentReader,
  problems: ProblemList,
): Promise<DataStream | undefined> {
  const file = `data_stream/${folder}/manifest.yml`;
  const manifest = await content.mapping(file, problems);
  if (!manifest) {
    return undefined;
  }
  const dataStream = decodeDataStream(readFields(manifest, file, problems), {
    package: info.name,
    release: info.release,
    folder,
    hasFile: (path) => files.has(path),
  });
  await validateDataStream(folder, dataStream, files, content, problems);
  return dataStream;
}

/** Every file by depth, then in the source's order, as addresses on the registry. */
function listAssets(files: PackageFiles, base: string): readonly string[] | undefined {
  const byDepth: string[][] = [];
  for (const { path } of files.entries.slice(0, maxAssets)) {
    if (!path.endsWith('.DS_Store')) {
      const depth = path.split('/').length;
      (byDepth[depth] ??= []).push(`${base}/${path}`);
    }
  }
  const assets = byDepth.flat();
  return assets.length > 0 ? assets : undefined;
}
