import type { DataStream } from '../domain/data-stream.ts';
import { decodeDataStream } from '../domain/data-stream.ts';
import { readFields } from '../domain/fields.ts';
import type { Image } from '../domain/image.ts';
import { imageFile } from '../domain/image.ts';
import { decodeManifest } from '../domain/manifest.ts';
import type { PackageInfo } from '../domain/package.ts';
import type { Problem, ProblemList } from '../domain/problem.ts';
import { createProblemList } from '../domain/problem.ts';
import { packagePath } from '../domain/reference.ts';
import { compareVersions, parseStrictVersion } from '../domain/version.ts';
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
  checkImages(files, info, problems, warnings);
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
  const [expected, version] = [ref.expected?.version ?? info.version, info.version].map(parseStrictVersion);
  // Build metadata doesn't count here, as in the reference.
  if (ref.expected && (!expected || !version || compareVersions(expected, version) !== 0)) {
    problems.invalid(
      'manifest.yml',
      `version is "${info.version}", but the folder is named "${ref.expected.version}"`,
    );
  }
}

/** As in the reference, no folder that the source declares has a hyphen in its name. */
function checkFolders(files: PackageFiles, problems: ProblemList): void {
  const hyphened = files.folders.find((folder) => folder.includes('-') && !folder.includes('.DS_Store'));
  if (hyphened !== undefined) {
    problems.broken('', `the folder "${hyphened}" has a hyphen in its name`);
  }
}

/** The package's own images must be there; of a policy template's the reference asks nothing, so they are only warned of. */
function checkImages(
  files: PackageFiles,
  info: PackageInfo,
  problems: ProblemList,
  warnings: string[],
): void {
  const absent = (field: string, images: readonly Image[] | undefined): string[] =>
    [...(images ?? []).entries()]
      .filter(([, image]) => !files.has(imageFile(image)))
      .map(([index, { src }]) => `${field}[${index}].src names "${src}", which is not in the package`);
  for (const reason of [...absent('icons', info.icons), ...absent('screenshots', info.screenshots)]) {
    problems.invalid('manifest.yml', reason);
  }
  for (const [index, template] of (info.policy_templates ?? []).entries()) {
    const at = `policy_templates[${index}]`;
    const reasons = [
      ...absent(`${at}.icons`, template.icons),
      ...absent(`${at}.screenshots`, template.screenshots),
    ];
    warnings.push(...reasons.map((reason) => `manifest.yml: ${reason}`));
  }
}

/** In the source's order, as assets are. */
function dataStreamFolders(files: PackageFiles): string[] {
  return files.entries.flatMap(({ path }) => /^data_stream\/([^/]+)\/manifest\.yml$/.exec(path)?.[1] ?? []);
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
    if (!path.includes('.DS_Store')) {
      const depth = path.split('/').length;
      (byDepth[depth] ??= []).push(`${base}/${path}`);
    }
  }
  const assets = byDepth.flat();
  return assets.length > 0 ? assets : undefined;
}
