import type { Completeness } from '../../artifacts/completeness.ts';
import { countOf } from '../../domain/count.ts';
import { DepotError } from '../../domain/errors.ts';
import { reportedFault, type HttpClient } from '../../net/http.ts';
import { missingPackages, newestPackages, withoutServed, type MissingPackage } from './packages.ts';
import type { PlanUpstream } from './upstream.ts';

/** One step of the upgrade, in the guide's order. */
export interface PlanStep {
  readonly title: string;
  /** `unknown` where nobody was asked. */
  readonly state: 'ready' | 'missing' | 'unknown' | 'yours';
  readonly notes: readonly string[];
  readonly commands: readonly string[];
}

const shownMissing = 20;

/** What the package registry lacks of an upstream. What can't be asked is unknown, not missing. */
export const packageStep = async (
  url: string,
  stack: string,
  upstream: PlanUpstream | DepotError | undefined,
  client: HttpClient,
): Promise<PlanStep> => {
  const title = 'Package registry';
  const unknown = ({ message, advice }: DepotError, before: readonly string[] = []): PlanStep => ({
    title,
    state: 'unknown',
    notes: [...before, message, advice],
    commands: [],
  });
  const here = await orFault(newestPackages(url, stack, client));
  if (here instanceof DepotError) {
    return unknown(here);
  }
  const found = `${countOf(here.size, `package for Kibana ${stack} is`, `packages for Kibana ${stack} are`)} served at ${url}`;
  if (upstream === undefined) {
    const note =
      'whether they are the newest is not known: name a registry, a saved answer of one, a bundle or its contents page with --upstream';
    return { title, state: here.size === 0 ? 'missing' : 'unknown', notes: [found, note], commands: [] };
  }
  if (upstream instanceof DepotError) {
    return unknown(upstream, [found]);
  }
  const missing = await withoutServed(missingPackages(here, upstream.newest), url, client);
  return {
    title,
    state: missing.length === 0 ? 'ready' : 'missing',
    notes: [
      found,
      ...(upstream.note === undefined ? [] : [upstream.note]),
      ...missing.slice(0, shownMissing).map(showMissing),
      ...(missing.length > shownMissing ? [`and ${missing.length - shownMissing} more`] : []),
    ],
    commands: missing.length === 0 ? [] : upstream.commands,
  };
};

/** What can't be asked makes a step unknown, not the plan fail; a wrong flag does. */
export const orFault = async <Result>(work: Promise<Result>): Promise<Result | DepotError> => {
  try {
    return await work;
  } catch (error) {
    const known = reportedFault(error);
    if (!(known instanceof DepotError) || known.code === 'USAGE') {
      throw known;
    }
    return known;
  }
};

const showMissing = ({ name, wanted, here }: MissingPackage): string =>
  `${name} ${wanted} is missing${here === undefined ? '' : `, ${here} is here`}`;

/** The step that is the operator's own. */
export const stackStep = (stack: string): PlanStep => ({
  title: `Elasticsearch and Kibana ${stack}`,
  state: 'yours',
  notes: ['with the settings below'],
  commands: [],
});

/** Where a bundle or a lock file has a path: the commands that bring it, instead of those that fetch it from outside. */
const carriedBy = (path: string, upstream: PlanUpstream | undefined): readonly string[] | undefined => {
  const found = [path.slice(1), `keys${path}`].some((one) => upstream?.paths.has(one));
  return found ? upstream?.commands : undefined;
};

/** Whether agents find what they upgrade to, and what brings it in. */
export const artifactStep = (
  { requirements, isComplete }: Completeness,
  upstream: PlanUpstream | undefined,
): PlanStep => {
  const wrong = requirements.filter(({ state, need }) => state !== 'good' && need === 'upgrade');
  const optional = requirements.filter(({ state, need }) => state !== 'good' && need === 'optional');
  return {
    title: 'Artifact registry',
    state: isComplete ? 'ready' : 'missing',
    notes: [
      ...wrong.map(({ path, note }) =>
        carriedBy(path, upstream) ? `${path} ${note}; it is in what --upstream names` : `${path} ${note}`,
      ),
      ...(optional.length === 0
        ? []
        : [
            `${countOf(optional.length, "file of the guide's full list is", "files of the guide's full list are")} not here; what is needed depends on the integrations (fleet-depot artifacts check --agent --full lists them)`,
          ]),
    ],
    commands: [...new Set(wrong.flatMap(({ path, commands }) => carriedBy(path, upstream) ?? commands))],
  };
};

/** Whether Fleet Server has a key to give to agents. */
export const fleetServerStep = (
  { version, requirements }: Completeness,
  upstream: PlanUpstream | undefined,
): PlanStep => {
  const key = requirements.find(({ path }) => path.startsWith('/GPG-KEY'));
  const isGood = key?.state === 'good';
  return {
    title: `Fleet Server ${version}`,
    state: isGood ? 'yours' : 'missing',
    notes: [
      isGood
        ? 'it takes the key of the agents from here (server.pgp.upstream_url below)'
        : 'there is no key that it could give to agents',
    ],
    commands: isGood || !key ? [] : (carriedBy(key.path, upstream) ?? key.commands),
  };
};

/** When agents may be upgraded. */
export const agentStep = ({ version, platforms, isComplete }: Completeness): PlanStep => ({
  title: `Agents ${version}`,
  state: 'yours',
  notes: [
    isComplete
      ? `Fleet > Agents > Upgrade, on ${platforms.join(', ')}`
      : 'do not start before the artifact registry is complete: agents would fail with 404',
  ],
  commands: [],
});
