import test from 'ava';
import { get, getJson } from '../support/client.ts';
import { isCacheable, isRefused, isSameHead } from '../support/headers.ts';
import { writeZipPackage, type PackageSpec } from '../support/packages.ts';
import { serveFolder, serverFor } from '../support/served-folder.ts';

const template = (name: string, categories?: readonly string[]): object => ({
  name,
  title: name,
  description: name,
  ...(categories && { categories }),
  inputs: [{ type: 'logfile', title: 'Files', description: 'Reads.' }],
});
const kibana = (version: string): object => ({ kibana: { version }, elastic: { subscription: 'basic' } });

const specs: readonly PackageSpec[] = [
  { name: 'alpha', version: '0.9.0', manifest: { conditions: kibana('^7.0.0') } },
  { name: 'alpha', version: '1.0.0', manifest: { conditions: kibana('^8.0.0'), categories: ['security'] } },
  {
    name: 'alpha',
    version: '1.10.0',
    manifest: { conditions: kibana('^9.0.0'), categories: ['observability'] },
  },
  {
    name: 'alpha',
    version: '1.9.0',
    manifest: { conditions: kibana('^8.5.0 || ^9.0.0'), categories: ['security'] },
  },
  { name: 'alpha', version: '2.0.0-rc.1', manifest: { conditions: kibana('^9.0.0') } },
  { name: 'beta', version: '0.1.0', manifest: { conditions: undefined, format_version: '1.0.0' } },
  {
    name: 'capable',
    manifest: { conditions: { elastic: { subscription: 'basic', capabilities: ['security', 'apm'] } } },
  },
  {
    name: 'content',
    type: 'content',
    manifest: { discovery: { fields: [{ name: 'process.pid' }, { name: 'host.name' }] } },
  },
  {
    name: 'datasets',
    type: 'content',
    manifest: { discovery: { datasets: [{ name: 'a.log' }, { name: 'b.log' }] } },
  },
  { name: 'experiment', manifest: { release: 'experimental' } },
  { name: 'input', type: 'input', manifest: { conditions: { agent: { version: '^9.1.0' } } } },
  {
    name: 'templates',
    manifest: {
      categories: ['web'],
      policy_templates: [
        template('one', ['app_search', 'made_up_tomorrow']),
        template('two', ['edr_xdr', 'security']),
        template('three', ['siem']),
      ],
    },
  },
];
const fill = async (root: string): Promise<void> => {
  for (const spec of specs) {
    await writeZipPackage(root, spec);
  }
};
const server = serverFor(test, fill);

interface Item {
  readonly name: string;
  readonly version: string;
  readonly policy_templates?: readonly { readonly name: string }[];
}
const found = async (query: string): Promise<string[]> =>
  (await getJson<readonly Item[]>(server().url, `/search${query}`)).map(
    ({ name, version }) => `${name} ${version}`,
  );

const newest = [
  'alpha 1.10.0',
  'beta 0.1.0',
  'capable 1.0.0',
  'content 1.0.0',
  'datasets 1.0.0',
  'input 1.0.0',
  'templates 1.0.0',
];
const without = (...names: string[]): string[] =>
  newest.filter((one) => !names.includes(one.split(' ')[0] ?? ''));

const answers: Readonly<Record<string, readonly string[]>> = {
  '': newest,
  '?': newest,
  '?nosuch=1&&=x&internal=true': newest,
  '?package=&category=&type=&all=&kibana.version=&discovery=': newest,
  '?package=alpha': ['alpha 1.10.0'],
  '?package=ALPHA': [],
  '?package=alpha;all=true': newest,
  '?package=a%zz&all=%&kibana.version=8;&package=alpha': ['alpha 1.10.0'],
  '?%70ackage=%61lpha': ['alpha 1.10.0'],
  '?package=%ff': [],
  '?package=alpha+': [],
  '?package=alpha&package=beta': ['alpha 1.10.0'],
  '?package=alpha&all=true': ['alpha 0.9.0', 'alpha 1.0.0', 'alpha 1.9.0', 'alpha 1.10.0'],
  '?package=alpha&all=1&prerelease=T': [
    'alpha 0.9.0',
    'alpha 1.0.0',
    'alpha 1.9.0',
    'alpha 1.10.0',
    'alpha 2.0.0-rc.1',
  ],
  '?package=alpha&prerelease=true': ['alpha 2.0.0-rc.1'],
  '?package=experiment': [],
  '?package=experiment&prerelease=true': ['experiment 1.0.0'],
  '?package=alpha&kibana.version=8.6.1': ['alpha 1.9.0'],
  '?package=alpha&kibana.version=8.0': ['alpha 1.0.0'],
  '?package=alpha&kibana.version=v8': ['alpha 1.0.0'],
  '?package=alpha&kibana.version=7.17.0': ['alpha 0.9.0'],
  '?package=alpha&kibana.version=6.0.0': [],
  '?package=alpha&kibana.version=9.0.0-SNAPSHOT': [],
  '?package=beta&kibana.version=1.0.0': ['beta 0.1.0'],
  '?package=input&agent.version=9.0.0': [],
  '?package=input&agent.version=9.1.5': ['input 1.0.0'],
  '?type=input': ['input 1.0.0'],
  '?type=content': ['content 1.0.0', 'datasets 1.0.0'],
  '?type=solution': [],
  '?capabilities=none': without('capable'),
  '?capabilities=apm,security,uptime': newest,
  '?capabilities=apm': without('capable'),
  '?spec.min=3.0': without('beta'),
  '?spec.max=1.0': ['beta 0.1.0'],
  '?spec.min=1.0&spec.max=3.4': newest,
  '?spec.min=3.5': [],
  '?category=security': ['templates 1.0.0'],
  '?category=security&kibana.version=8.6.0': ['alpha 1.9.0', 'templates 1.0.0'],
  '?category=observability': ['alpha 1.10.0', 'templates 1.0.0'],
  '?category=enterprise_search': ['templates 1.0.0'],
  '?category=made_up_tomorrow': ['templates 1.0.0'],
  '?category=nosuch': [],
  '?discovery=fields:process.pid,host.name,other': ['content 1.0.0'],
  '?discovery=fields:process.pid': [],
  '?discovery=datasets:b.log,c.log': ['datasets 1.0.0'],
  '?discovery=datasets:c.log': [],
  '?discovery=datasets:a.log&discovery=fields:process.pid,host.name': [],
  '?package=alpha&experimental=true': ['alpha 1.10.0'],
  '?package=alpha&experimental=true&all=true': ['alpha 1.0.0', 'alpha 1.9.0', 'alpha 1.10.0'],
  '?package=beta&experimental=true&all=true': ['beta 0.1.0'],
  '?package=experiment&experimental=true': ['experiment 1.0.0'],
  '?package=capable&experimental=true&capabilities=none&spec.max=1.0': ['capable 1.0.0'],
};

for (const [query, expected] of Object.entries(answers)) {
  test(`/search${query} finds ${expected.length}`, async (t) => {
    t.deepEqual(await found(query), expected);
  });
}

const refusals: Readonly<Record<string, string>> = {
  'kibana.version=foo': "invalid Kibana version 'foo': invalid semantic version",
  'agent.version=1.2.3.4': "invalid agent version '1.2.3.4': invalid semantic version",
  'kibana.version=8.0.0-01': "invalid Kibana version '8.0.0-01': version segment starts with 0",
  'kibana.version=8.18446744073709551616':
    "invalid Kibana version '8.18446744073709551616': error parsing version segment: " +
    'strconv.ParseUint: parsing "18446744073709551616": value out of range',
  'discovery=x&prerelease=x&all=x': "invalid 'all' query param: 'x'",
  'all=x&spec.min=2&kibana.version=x': "invalid Kibana version 'x': invalid semantic version",
  'spec.min=2.10.1': "invalid 'spec.min' version: invalid version '2.10.1': it should be <major.version>",
  'spec.max=2': "invalid 'spec.max' version: invalid version '2': it should be <major.version>",
  'all=yes': "invalid 'all' query param: 'yes'",
  'prerelease=TrUe': "invalid 'prerelease' query param: 'TrUe'",
  'experimental=2': "invalid 'experimental' query param: '2'",
  'discovery=x': `invalid 'discovery' query param: 'x': could not parse filter "x"`,
  'discovery=x:y': `invalid 'discovery' query param: 'x:y': unknown discovery filter "x"`,
  'discovery=fields:a&discovery=z': `invalid 'discovery' query param: 'z': could not parse filter "z"`,
  'all=__proto__': "invalid 'all' query param: '__proto__'",
};

for (const [query, text] of Object.entries(refusals)) {
  test(`${query} is 400`, async (t) => {
    isRefused(t, await get(server().url, `/search?${query}`), 400, text);
    if (!query.includes('all=')) {
      isRefused(t, await get(server().url, `/categories?${query}`), 400, text);
    }
  });
}

test('the answer is a list of JSON in order, kept for ten minutes, and [] without a newline where it is empty', async (t) => {
  const reply = await get(server().url, '/search');
  isCacheable(t, reply, 600, 'application/json');
  t.true(reply.text.startsWith('[\n  {\n    "name": "alpha",\n    "title": "Alpha",\n'));
  t.true(reply.text.endsWith('\n  }\n]\n'));
  t.is(reply.text, `${JSON.stringify(JSON.parse(reply.text), null, 2)}\n`);
  isSameHead(t, await get(server().url, '/search', { method: 'HEAD' }), reply);
  t.is((await get(server().url, '/search?package=nosuch')).text, '[]');
});

test('a package that only its templates bring into a category shows just those', async (t) => {
  const templates = async (query: string): Promise<unknown> =>
    (
      await getJson<readonly Item[]>(server().url, `/search?package=templates&${query}`)
    )[0]?.policy_templates?.map(({ name }) => name);
  t.deepEqual(await templates('category=security'), ['two']);
  // A part of the category brings the package in, but the template that names only the part is not shown.
  t.is(await templates('category=enterprise_search'), undefined);
  t.deepEqual(await templates('category=app_search'), ['one']);
  t.deepEqual(await templates('category=made_up_tomorrow'), ['one']);
  t.deepEqual(await templates('category=web'), ['one', 'two', 'three']);
  t.deepEqual(await templates(''), ['one', 'two', 'three']);
});

test('unknown parameters can be refused', async (t) => {
  const { url } = await serveFolder(t, fill, { flags: { 'allow-unknown-query-parameters': 'false' } });
  isRefused(t, await get(url, '/search?foo=1'), 400, 'unknown query parameter: "foo"');
  isRefused(t, await get(url, '/search?package=alpha&a%22b'), 400, 'unknown query parameter: "a\\"b"');
  isRefused(t, await get(url, '/categories?package=alpha'), 400, 'unknown query parameter: "package"');
  const known =
    'kibana.version=9.0.0&agent.version=9.0.0&capabilities=a&spec.min=1.0&spec.max=9.0&prerelease=1&experimental=0&discovery=fields:a';
  t.is(
    (await get(url, `/search?${known}&category=web&package=a&type=input&all=1&internal=true`)).status,
    200,
  );
  t.is((await get(url, `/categories?${known}&include_policy_templates=true`)).status, 200);
});
