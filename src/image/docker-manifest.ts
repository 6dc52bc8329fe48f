import type { Platform } from './image-config.ts';
import { asList, asObject, asTexts, parseJson } from '../domain/json-tree.ts';
import { onlyOne, type NamedImage } from './named-image.ts';
import type { TarSurvey } from './tar-survey.ts';

/** The one image of an archive as `docker save` writes it: manifest.json names config and layers. Throws BASE_IMAGE_INVALID. */
export const readDockerManifest = async (
  tar: TarSurvey,
  platform: Platform | undefined,
): Promise<NamedImage> => {
  if (!tar.has('manifest.json')) {
    throw tar.fail('it has neither index.json nor manifest.json: it is no image archive');
  }
  const list = asList(parseJson(await tar.text('manifest.json')));
  if (list === undefined) {
    throw tar.fail('its manifest.json is no JSON list');
  }
  const images = list.map((item) => {
    const image = asObject(item);
    const layers = asTexts(image?.['Layers']);
    const config = image?.['Config'];
    if (typeof config !== 'string' || layers === undefined) {
      throw tar.fail('its manifest.json has another form than the one of `docker save`');
    }
    return { config, layers: layers.map((name) => ({ name })) };
  });
  return onlyOne(images, platform, tar);
};
