import test from 'ava';
import { get, getJson } from '../support/client.ts';
import { isCacheable, isSameHead } from '../support/headers.ts';
import { writeZipPackage } from '../support/packages.ts';
import { serverFor } from '../support/served-folder.ts';

const template = (name: string, categories?: readonly string[]): object => ({
  name,
  title: name,
  description: name,
  ...(categories && { categories }),
  inputs: [{ type: 'logfile', title: 'Files', description: 'Reads.' }],
});

const server = serverFor(test, async (root) => {
  const old = { conditions: { kibana: { version: '^7.0.0' } }, categories: ['web', 'made_up_tomorrow'] };
  await writeZipPackage(root, { name: 'a', manifest: old });
  const templates = [template('one', ['web', 'app_search']), template('two')];
  await writeZipPackage(root, {
    name: 'b',
    manifest: { categories: ['web', 'security'], policy_templates: templates },
  });
  await writeZipPackage(root, {
    name: 'd',
    manifest: {
      conditions: { kibana: { version: '^6.0.0' } },
      categories: ['siem'],
      policy_templates: [template('one', ['security', 'ticketing', 'made_up_tomorrow'])],
    },
  });
  await writeZipPackage(root, { name: 'c', version: '1.0.0-rc.1', manifest: { categories: ['app_search'] } });
});

interface Category {
  readonly id: string;
  readonly count: number;
  readonly parent_id?: string;
}
const counts = async (query: string): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await getJson<readonly Category[]>(server().url, `/categories${query}`)).map(({ id, count }) => [
      id,
      count,
    ]),
  );

test('categories are counted over what /search would list', async (t) => {
  t.deepEqual(await counts(''), { security: 1, siem: 1, web: 2 });
  t.deepEqual(await counts('?kibana.version=8.0.0'), { security: 1, web: 1 });
  t.deepEqual(await counts('?prerelease=true'), { app_search: 1, security: 1, siem: 1, web: 2 });
  t.deepEqual(await counts('?package=a&category=nosuch&type=x&all=true'), { security: 1, siem: 1, web: 2 });
  t.deepEqual(await counts('?spec.max=1.0'), {});
});

test('templates count for the categories of their package and for their own', async (t) => {
  // b: once itself, and once more for each of its two templates; web once more for template one; app_search once for the
  // template and once for the package.
  t.deepEqual(await counts('?kibana.version=8.0.0&include_policy_templates=true'), {
    app_search: 2,
    security: 3,
    web: 4,
  });
  t.deepEqual(await counts('?include_policy_templates=false'), { security: 1, siem: 1, web: 2 });
});

test('a category that only templates have counts the package too, unless the package is in a part of it', async (t) => {
  const query = '?kibana.version=6.0.0&include_policy_templates=true';
  // siem: d itself and its template; security: the template, since siem is a part of it; the others also the package.
  const expected = { made_up_tomorrow: 2, security: 1, siem: 2, ticketing: 2 };
  t.deepEqual(await counts(query), expected);
  const unknown = (await getJson<readonly Category[]>(server().url, `/categories${query}`)).find(
    ({ id }) => id === 'made_up_tomorrow',
  );
  t.like(unknown, { id: 'made_up_tomorrow', title: 'made_up_tomorrow', count: 2 });
});

test('the answer has titles and parents, sorted by id, and a newline also where it is empty', async (t) => {
  const reply = await get(server().url, '/categories?prerelease=true');
  isCacheable(t, reply, 600, 'application/json');
  isSameHead(t, await get(server().url, '/categories?prerelease=true', { method: 'HEAD' }), reply);
  const [search, security] = JSON.parse(reply.text) as readonly object[];
  t.deepEqual(search, {
    id: 'app_search',
    title: 'Application Search',
    count: 1,
    parent_id: 'enterprise_search',
    parent_title: 'Enterprise Search',
  });
  t.deepEqual(security, { id: 'security', title: 'Security', count: 1 });
  t.is((await get(server().url, '/categories?spec.max=1.0')).text, '[]\n');
});

test('an unknown category is dropped from its package, with a warning that names it', async (t) => {
  const info = await getJson<{ categories: readonly string[] }>(server().url, '/package/a/1.0.0/');
  t.deepEqual(info.categories, ['web']);
  t.true(server().lines.some(({ message }) => /a-1\.0\.0\.zip: .*"made_up_tomorrow"/.test(message)));
});

test('a bad boolean is 400', async (t) => {
  const reply = await get(server().url, '/categories?include_policy_templates=x');
  t.is(reply.status, 400);
  t.is(reply.text, "invalid 'include_policy_templates' query param: 'x'\n");
});
