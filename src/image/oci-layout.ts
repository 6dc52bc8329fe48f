import { blobName, digestText } from './digest.ts';
import type { Platform } from './image-config.ts';
import { asList, asObject, parseJson, type JsonObject } from '../domain/json-tree.ts';
import { checkedDigest, onlyOne, type NamedImage } from './named-image.ts';
import type { TarSurvey } from './tar-survey.ts';

const maxDepth = 4;
const maxManifests = 1000;

/**
 * The one image of an archive in OCI layout (image-spec 1.1, image-layout.md): index.json, maybe further indexes, a manifest.
 * Each is read by its digest and must have it. Throws BASE_IMAGE_INVALID.
 */
export const readOciLayout = async (tar: TarSurvey, platform: Platform | undefined): Promise<NamedImage> => {
  const manifests = new Map<string, JsonObject>();
  const walk = async (index: JsonObject, depth: number): Promise<void> => {
    if (depth > maxDepth) {
      throw tar.fail('its indexes are nested too deeply');
    }
    for (const descriptor of asList(index['manifests']) ?? []) {
      const entry = asObject(descriptor);
      if (entry === undefined || isAttestation(entry)) {
        continue;
      }
      const digest = checkedDigest(entry['digest'], tar);
      // An archive of one platform of several still names the others.
      if (!tar.has(blobName(digest))) {
        continue;
      }
      const tree = await readJsonBlob(digest, tar);
      if (asList(tree['manifests']) !== undefined) {
        await walk(tree, depth + 1);
      } else if (manifests.size < maxManifests) {
        manifests.set(digest, tree);
      }
    }
  };
  const index = asObject(parseJson(await tar.text('index.json')));
  if (index === undefined) {
    throw tar.fail('its index.json is no JSON object');
  }
  await walk(index, 0);

  const images = [...manifests.values()].map((manifest) => namedImage(manifest, tar));
  return onlyOne(images, platform, tar);
};

/** Build attestations stand in an index as images for `unknown/unknown`. */
const isAttestation = (descriptor: JsonObject): boolean =>
  asObject(descriptor['platform'])?.['os'] === 'unknown' ||
  asObject(descriptor['annotations'])?.['vnd.docker.reference.type'] === 'attestation-manifest';

const readJsonBlob = async (digest: string, tar: TarSurvey): Promise<JsonObject> => {
  const text = await tar.text(blobName(digest));
  if (digestText(text).digest !== digest) {
    throw tar.fail(`${blobName(digest)} has another content than its name says`);
  }
  const tree = asObject(parseJson(text));
  if (tree === undefined) {
    throw tar.fail(`${blobName(digest)} is no JSON object`);
  }
  return tree;
};

const namedImage = (manifest: JsonObject, tar: TarSurvey): NamedImage => {
  const config = checkedDigest(asObject(manifest['config'])?.['digest'], tar);
  const layers = asList(manifest['layers']);
  if (layers === undefined) {
    throw tar.fail('its manifest names no layers');
  }
  return {
    config: blobName(config),
    layers: layers.map((item) => {
      const layer = asObject(item);
      const digest = checkedDigest(layer?.['digest'], tar);
      const size = layer?.['size'];
      return { name: blobName(digest), digest, ...(typeof size === 'number' ? { size } : {}) };
    }),
  };
};
