import { countOf } from '../../domain/count.ts';
import { checkArchive } from './archive.ts';
import {
  attempt,
  failed,
  jsonOf,
  ok,
  unzipped,
  warning,
  type Answer,
  type DoctorContext,
  type Finding,
} from './context.ts';
import type { SearchItem } from './search-item.ts';
import { checkTypes } from './content-types.ts';

/** What is asked of the packages. */
export interface PackageQuestions {
  /** `kibana.version` of the search. */
  readonly kibana: string | undefined;
  /** The first key of the site's key file, armored. */
  readonly key: string | undefined;
}

/** The registry as Kibana uses it: list, categories, newest version, archive, signature, images. */
export const checkPackages = async (
  context: DoctorContext,
  questions: PackageQuestions,
): Promise<readonly Finding[]> => {
  const items: SearchItem[] = [];
  const findings = [
    ...(await attempt('search', () => checkSearch(context, questions, items))),
    ...(await attempt('absent package', () => checkAbsence(context))),
  ];
  const item = items.find(({ download }) => download !== undefined) ?? items[0];
  if (item?.name === undefined || item.version === undefined) {
    return findings;
  }
  const { name, version } = item;
  return [
    ...findings,
    ...(await attempt('newest version', () => checkNewest(context, questions, name))),
    ...(await attempt('categories', () => checkCategories(context, questions))),
    ...(await attempt('archive', () => checkArchive(context, { name, version }, questions.key))),
    ...(await attempt('content types', () => checkTypes(context, items))),
  ];
};

/** Kibana's constraints in its order; `spec.min` and `spec.max` as 9 and later send them by default, and 8 only when told to. */
const constraintsOf = ({ kibana }: PackageQuestions): string => {
  if (kibana === undefined) {
    return '';
  }
  const formats = Number.parseInt(kibana, 10) < 9 ? '' : '&spec.min=2.3&spec.max=3.6';
  return `kibana.version=${kibana.replace(/-.*/, '')}${formats}`;
};

const isJson = ({ status, headers }: Answer): boolean =>
  status === 200 && (headers['content-type'] ?? '').startsWith('application/json');

const shownAnswer = ({ status, headers }: Answer): string =>
  `${status}, ${headers['content-type'] ?? 'no type'}`;

const checkSearch = async (
  { ask }: DoctorContext,
  questions: PackageQuestions,
  items: SearchItem[],
): Promise<Finding> => {
  const query = constraintsOf(questions);
  const path = query === '' ? '/search' : `/search?${query}`;
  const answer = await ask(path);
  if (!isJson(answer)) {
    return failed(
      'search',
      `${path} is answered ${shownAnswer(answer)}`,
      answer.status === 503
        ? 'the first index is being made: wait, /health says how far it is'
        : 'is this the address of a package registry, with its prefix? One of artifacts alone belongs to --artifacts-url',
    );
  }
  const found = jsonOf(answer) as SearchItem[];
  items.push(...found);
  const odd = found.find(({ download }) => download !== undefined && !download.startsWith('/'));
  if (odd) {
    return failed(
      'search',
      `${odd.name} has the download address ${odd.download}`,
      'it must begin with a slash and have no host',
    );
  }
  const whom = questions.kibana === undefined ? '' : ` for Kibana ${questions.kibana}`;
  return found.length === 0
    ? warning(
        'search',
        `there are no packages${whom}: ${path} is answered with an empty list`,
        'look at -package-paths, and at `fleet-depot inspect` for what is in quarantine',
      )
    : ok('search', `${countOf(found.length, 'package')}${whom}`);
};

/** Kibana takes the first of the answer for the newest, and has one attempt for it. */
const checkNewest = async (
  { ask }: DoctorContext,
  questions: PackageQuestions,
  name: string,
): Promise<Finding> => {
  const constraints = constraintsOf(questions);
  const path = `/search?package=${name}&prerelease=true${constraints === '' ? '' : `&${constraints}`}`;
  const answer = await ask(path);
  const [first] = isJson(answer) ? (jsonOf(answer) as SearchItem[]) : [];
  return first?.name === name
    ? ok('newest version', `${name} ${first.version}`)
    : failed(
        'newest version',
        `${path} is answered ${shownAnswer(answer)}${first === undefined ? '' : `, with ${first.name} first`}`,
        'something on the way may drop the query, or keep the answer of another one: it must neither',
      );
};

const checkCategories = async ({ ask }: DoctorContext, questions: PackageQuestions): Promise<Finding> => {
  const constraints = constraintsOf(questions);
  const path = `/categories${constraints === '' ? '' : `?${constraints}`}`;
  const answer = await ask(path);
  return isJson(answer) && Array.isArray(jsonOf(answer))
    ? ok('categories', 'a list')
    : failed(
        'categories',
        `${path} is answered ${shownAnswer(answer)}`,
        'the rules of a proxy on the way must let /categories through',
      );
};

const checkAbsence = async ({ ask }: DoctorContext): Promise<Finding> => {
  const search = await ask('/search?package=fleet_depot_doctor_absent&prerelease=false');
  const archive = await ask('/epr/absent/fleet_depot_doctor_absent-0.0.1.zip');
  const isEmpty = search.status === 200 && unzipped(search).toString('utf8').trim() === '[]';
  return isEmpty && archive.status === 404
    ? ok('absent package', 'an empty list and a real 404')
    : failed(
        'absent package',
        `the search is answered ${search.status}, the archive ${archive.status}; wanted are 200 with [] and 404`,
        'something on the way has its own error pages: turn them off for this address',
      );
};
