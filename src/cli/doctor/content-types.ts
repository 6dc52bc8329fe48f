import { failed, jsonOf, ok, warning, type DoctorContext, type Finding } from './context.ts';
import type { SearchItem } from './search-item.ts';

/** What Kibana passes on to browsers; anything else is a 400. */
const passed =
  /^(?:image\/(?:svg\+xml|jpeg|png|gif)|application\/(?:json|yaml)|text\/(?:plain|markdown|yaml))(?:\s*;|$)/;

/** How many icons are asked for: one of each type that the list names is enough. */
const maxIcons = 4;

/** README and icons with a type that Kibana passes on to browsers. */
export const checkTypes = async ({ ask }: DoctorContext, items: readonly SearchItem[]): Promise<Finding> => {
  const icons = new Map(
    items
      .flatMap(({ icons: some }) => some ?? [])
      .filter(({ path }) => path !== undefined)
      .map(({ path, type }) => [type ?? '', path ?? '']),
  );
  const [first] = items;
  const details = await ask(`/package/${first?.name}/${first?.version}/`);
  const readme =
    details.status === 200 ? (jsonOf(details) as { readonly readme?: string }).readme : undefined;
  const absent: string[] = [];
  const odd: string[] = [];
  const paths = [...(readme === undefined ? [] : [readme]), ...[...icons.values()].slice(0, maxIcons)];
  for (const path of paths) {
    const { status, headers } = await ask(path);
    const type = headers['content-type'] ?? 'none';
    if (status !== 200) {
      absent.push(`${path}: ${status}`);
    } else if (!passed.test(type)) {
      odd.push(`${path}: ${type}`);
    }
  }
  if (odd.length > 0) {
    const advice = 'Kibana refuses such files with 400: something on the way changes Content-Type';
    return failed('content types', odd.join(', '), advice);
  }
  if (absent.length > 0) {
    const advice = 'Kibana shows no README or icon: the rules of a proxy must let /package/… through';
    return failed('content types', absent.join(', '), advice);
  }
  return paths.length === 0
    ? warning('content types', 'the packages have neither README nor icon', 'nothing to try here')
    : ok('content types', 'Kibana passes them on');
};
