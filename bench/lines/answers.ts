import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askRaw } from '../ask.ts';
import type { Line } from '../line.ts';
import { measureInTurn } from '../rounds.ts';
import type { Stage } from '../stage.ts';

/** One address beside the bare server that sends the same bytes. */
interface Ask {
  readonly key: string;
  readonly title: string;
  readonly path: string;
  readonly gzip?: boolean;
  /** Part of the bare server's requests per second that is wanted. */
  readonly least: number;
}

const everyCategoryParameter =
  'kibana.version=8.4.0&prerelease=true&experimental=true&include_policy_templates=true' +
  '&capabilities=observability,security,uptime&spec.min=1.0&spec.max=3.0';

const asks: readonly Ask[] = [
  { key: 'health', title: '/health', path: '/health', least: 0.5 },
  { key: 'search', title: '/search', path: '/search', least: 0.7 },
  { key: 'search-gzip', title: '/search, gzip', path: '/search', gzip: true, least: 0.7 },
  { key: 'search-all', title: '/search?all=true', path: '/search?all=true', least: 0.7 },
  {
    key: 'search-nginx',
    title: '/search of nginx for Kibana 8.4.0',
    path: '/search?package=nginx&prerelease=false&kibana.version=8.4.0',
    least: 0.5,
  },
  {
    key: 'categories',
    title: '/categories with all parameters',
    path: `/categories?${everyCategoryParameter}`,
    least: 0.5,
  },
  { key: 'package', title: '/package/aws/1.24.5/', path: '/package/aws/1.24.5/', least: 0.7 },
  {
    key: 'readme',
    title: 'a README out of a zip',
    path: '/package/aws/1.24.5/docs/README.md',
    least: 0.5,
  },
  {
    key: 'icon',
    title: 'an icon out of a zip',
    path: '/package/aws/1.24.5/img/logo_aws.svg',
    least: 0.5,
  },
];

/** The answers that come from memory, each beside bare `node:http`. */
export const answerLines: readonly Line[] = asks.map((ask) => ({
  key: ask.key,
  needs: ['wrk'],
  run: async (stage) => {
    const { rounds, seconds } = stage.options;
    const headers = ask.gzip === true ? { 'Accept-Encoding': 'gzip' } : { 'Accept-Encoding': 'identity' };
    const { url } = await stage.depot();
    const bareUrl = await copyToBare(stage, ask, url + ask.path, headers);
    const [here, bare] = await measureInTurn(
      [
        { url: url + ask.path, seconds, headers },
        { url: bareUrl, seconds, headers },
      ],
      rounds,
    );
    return [
      {
        key: ask.key,
        title: ask.title,
        unit: 'req/s',
        value: here?.perSecond ?? Number.NaN,
        yardstick: { name: 'bare', value: bare?.perSecond ?? Number.NaN },
        wanted: { of: 'ratio', least: ask.least },
        faults: here?.faults ?? [],
      },
    ];
  },
}));

/** Lets the bare server send what the depot sends; returns the address. */
async function copyToBare(
  stage: Stage,
  { key }: Ask,
  url: string,
  headers: Record<string, string>,
): Promise<string> {
  const { status, bytes, headers: answered } = await askRaw(url, headers);
  if (status !== 200) {
    throw new Error(`${url} answers ${status}`);
  }
  const file = join(stage.scratch, `bare-${key}`);
  await writeFile(file, bytes);
  const bare = await stage.bare();
  await bare.add({ path: `/${key}`, file, type: answered['content-type'] ?? '' });
  return `${bare.url}/${key}`;
}
