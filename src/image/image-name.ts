import { DepotError } from '../domain/errors.ts';

/** An image's name and tag. */
export interface ImageName {
  /** `fleet-depot:lite`, as it was written. */
  readonly text: string;
  readonly tag: string;
  /** With the host that engines add to a short name, as containerd keeps it. */
  readonly full: string;
}

// The grammar of image references: lower-case path components, optionally behind a host with a port; a tag of at most 128.
const host = String.raw`(?:(?:[a-zA-Z0-9-]+\.)+[a-zA-Z0-9-]+(?::\d+)?|[a-zA-Z0-9-]+:\d+|localhost)\/`;
const component = String.raw`[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*`;
const pattern = new RegExp(
  `^(${host})?(${component}(?:\\/${component})*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?$`,
);

/** Reads `NAME:TAG`; without a tag it is `latest`. Throws DepotError USAGE. */
export const parseImageName = (text: string): ImageName => {
  const [, domain = '', name = '', tag = 'latest'] = text.length > 255 ? [] : (pattern.exec(text) ?? []);
  if (name === '') {
    throw new DepotError('USAGE', {
      reason: `--tag takes NAME:TAG in lower case, such as fleet-depot:lite, not '${text}'`,
    });
  }
  const place = domain !== '' ? domain : name.includes('/') ? 'docker.io/' : 'docker.io/library/';
  return { text: `${domain}${name}:${tag}`, tag, full: `${place}${name}:${tag}` };
};
