import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { scratch } from '../support/scratch.ts';
import { createPublisher } from '../support/signed-packages.ts';
import type { SyncRun } from '../support/sync-run.ts';
import { runSyncVerb, writeDefinition } from '../support/sync-run.ts';
import type { FakeUpstream } from '../support/upstream.ts';
import { startUpstream } from '../support/upstream.ts';

const publisher = await createPublisher();

/** The plan of a definition against a registry with some nginx, cisco and sql packages. */
async function plan(
  t: ExecutionContext,
  rest: string,
  words: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<{ run: SyncRun; upstream: FakeUpstream; folder: string }> {
  const upstream = await startUpstream(t);
  for (const [version, kibana] of [
    ['1.0.0', '^8.0.0'],
    ['1.1.0', '^8.0.0'],
    ['1.2.0', '^8.18.0 || ^9.0.0'],
    ['2.0.0', '^9.0.0'],
    ['2.1.0', '^9.2.0'],
    ['2.2.0-beta.1', '^9.2.0'],
  ] as const) {
    upstream.offer(await publisher.make('nginx', version, { kibana }));
  }
  upstream.offer(await publisher.make('cisco_ios', '1.0.0'), await publisher.make('cisco_asa', '1.0.0'));
  upstream.offer(
    await publisher.make('sql_input', '1.0.0'),
    await publisher.make('sql_input', '1.1.0'),
    await publisher.make('sql_input', '2.0.0'),
  );
  upstream.offer(
    await publisher.make('dashboards', '1.0.0', {
      requires: { input: [{ package: 'sql_input', version: '^1.0.0' }] },
    }),
  );
  upstream.offer(
    await publisher.make('suite', '1.0.0', {
      requires: { content: [{ package: 'dashboards', version: '1.0.0' }] },
    }),
  );
  const folder = await scratch(t);
  writeFileSync(join(folder, 'installed.txt'), 'nginx-1.0.0\n');
  const definition = writeDefinition(folder, upstream.address, rest.replace('FOLDER', folder));
  return {
    run: await runSyncVerb([definition, '--dry-run', '--json', ...words], { key: publisher.publicKey, env }),
    upstream,
    folder,
  };
}

const listed = (run: SyncRun): string =>
  run.json.plan.packages.map((one) => `${one.name}-${one.version}`).join(' ');

/** What a definition comes to at an upstream. */
const askPlan = async (t: ExecutionContext, upstream: FakeUpstream, rest: string): Promise<string> => {
  const definition = writeDefinition(await scratch(t), upstream.address, rest);
  const run = await runSyncVerb([definition, '--dry-run', '--json'], { key: publisher.publicKey });
  t.is(run.exitCode, 0, run.stderr);
  return listed(run);
};

test('without all only the newest that a Kibana takes is chosen, for each matrix row', async (t) => {
  const { run } = await plan(
    t,
    'matrix:\n  - kibana.version: 8.17.0\n  - kibana.version: 9.1.0\nqueries:\n  - package: nginx\n',
  );
  t.is(listed(run), 'nginx-1.1.0 nginx-2.0.0');
});

test('a name that nothing is found of is noted and fails nothing', async (t) => {
  const rest =
    'matrix:\n  - kibana.version: 9.2.0\n  - kibana.version: 8.19.0\nqueries:\n  - package: ngnix\n  - package: nginx\n  - package: cisco_asa\n';
  const { run } = await plan(t, rest);
  t.is(run.exitCode, 0);
  t.deepEqual(run.json.plan.absent, ['ngnix']);
  t.deepEqual(run.json.plan.problems, []);
});

test('where all of a definition is mistyped the error says which names', async (t) => {
  const { run } = await plan(t, 'queries:\n  - package: nginxx\n  - package: apachee\n');
  t.is(run.exitCode, 1);
  t.regex(run.error?.message ?? '', /no package at all: the registry has nothing for apachee, nginxx$/);
});

test('keep takes the newest N of each name and Kibana line, and lines are not cut by each other', async (t) => {
  const rest =
    'keep: 2\nmatrix:\n  - kibana.version: 8.17.0\n  - kibana.version: 9.2.0\n  - kibana.version: 9.2.5\nqueries:\n  - package: nginx\n';
  const { run } = await plan(t, rest);
  t.is(listed(run), 'nginx-1.0.0 nginx-1.1.0 nginx-2.0.0 nginx-2.1.0');
});

test('keep counts for each Kibana of a line: what its newest takes leaves its oldest with versions of its own', async (t) => {
  const rest =
    'keep: 1\nmatrix:\n  - kibana.version: 9.1.0\n  - kibana.version: 9.1.9\nqueries:\n  - package: nginx\n';
  const upstream = await startUpstream(t);
  for (const [version, kibana] of [
    ['1.0.0', '^9.1.0'],
    ['1.1.0', '^9.1.0'],
    ['2.0.0', '^9.1.5'],
    ['2.1.0', '^9.1.5'],
  ] as const) {
    upstream.offer(await publisher.make('nginx', version, { kibana }));
  }
  t.is(await askPlan(t, upstream, rest), 'nginx-1.1.0 nginx-2.1.0');
});

test('keep leaves a release beside a prerelease, where both are asked for', async (t) => {
  const rest =
    'keep: 1\nmatrix:\n  - kibana.version: 9.2.0\n  - kibana.version: 9.2.0\n    prerelease: true\nqueries:\n  - package: nginx\n';
  t.is(listed((await plan(t, rest)).run), 'nginx-2.1.0 nginx-2.2.0-beta.1');
});

test('exclude wins over include, and limits count what is left', async (t) => {
  const rest =
    'keep: 1\ninclude:\n  - nginx\n  - cisco_*\nexclude:\n  - cisco_asa\n  - name: nginx\n    version: ">=2.1.0"\nqueries:\n  - all: true\n';
  t.is(listed((await plan(t, rest)).run), 'cisco_ios-1.0.0 nginx-2.0.0');
});

test('keep: 1 is the newest of what exclude leaves, also where the newest of all is excluded', async (t) => {
  const rest = 'keep: 1\nexclude: ["nginx@>=1.2.0"]\nqueries:\n  - package: nginx\n';
  t.is(listed((await plan(t, rest)).run), 'nginx-1.1.0');
});

test('a definition with two destinations fills neither by chance', async (t) => {
  const folder = await scratch(t);
  const definition = writeDefinition(
    folder,
    'http://127.0.0.1:9',
    'queries: [{}]\nactions:\n  - download:\n      destination: one\n  - download:\n      destination: two\n',
  );
  const run = await runSyncVerb([definition], { key: publisher.publicKey });
  t.is(run.exitCode, 2);
  t.regex(run.error?.message ?? '', /downloads to one and two: say which with --to DIR/);
});

test('pinned packages are taken whatever the queries find', async (t) => {
  const rest =
    'exclude: [nginx]\nqueries:\n  - package: nginx\npackages:\n  - name: nginx\n    version: 1.1.0\n';
  t.is(listed((await plan(t, rest)).run), 'nginx-1.1.0');
});

test('dependencies are followed to the end, also those of pins', async (t) => {
  t.is(
    listed((await plan(t, 'dependencies: true\nqueries:\n  - package: suite\n')).run),
    'dashboards-1.0.0 sql_input-1.1.0 suite-1.0.0',
  );
  const pinned = 'dependencies: true\npackages:\n  - name: suite\n    version: 1.0.0\n';
  t.is(listed((await plan(t, pinned)).run), 'dashboards-1.0.0 sql_input-1.1.0 suite-1.0.0');
  t.is(listed((await plan(t, 'queries:\n  - package: suite\n')).run), 'suite-1.0.0');
});

test('a dependency is there for each Kibana that takes the package, though one version satisfies it for another', async (t) => {
  const upstream = await startUpstream(t);
  const requires = { input: [{ package: 'otel', version: '^1.0.0' }] };
  upstream.offer(
    await publisher.make('otel', '1.0.0', { kibana: '^8.0.0' }),
    await publisher.make('otel', '1.5.0', { kibana: '^9.0.0' }),
    await publisher.make('otel', '0.9.0', { kibana: '^7.0.0' }),
    await publisher.make('both', '1.0.0', { kibana: '^8.0.0 || ^9.0.0', requires }),
    await publisher.make('nine', '1.0.0', { kibana: '^9.0.0', requires }),
  );
  const matrix = 'dependencies: true\nmatrix:\n  - kibana.version: 8.19.0\n  - kibana.version: 9.2.0\n';
  const ask = (rest: string): Promise<string> => askPlan(t, upstream, matrix + rest);
  const pin = 'packages:\n  - {name: otel, version: 1.5.0}\n';
  t.is(await ask(`queries:\n  - package: both\n${pin}`), 'both-1.0.0 otel-1.0.0 otel-1.5.0');
  t.is(await ask(`queries:\n  - package: nine\n${pin}`), 'nine-1.0.0 otel-1.5.0');
  t.is(await ask('queries:\n  - package: nine\n'), 'nine-1.0.0 otel-1.5.0');
});

test('a dependency suits the Kibana that its query names, also where the matrix names none or another type', async (t) => {
  const upstream = await startUpstream(t);
  const requires = { input: [{ package: 'otel', version: '^1.0.0' }] };
  upstream.offer(
    await publisher.make('otel', '1.0.0', { kibana: '^8.0.0' }),
    await publisher.make('otel', '1.5.0', { kibana: '^9.0.0' }),
    await publisher.make('otel', '1.6.0-rc.1', { kibana: '^9.0.0' }),
    await publisher.make('both', '1.0.0', { kibana: '^8.0.0 || ^9.0.0', requires }),
  );
  const ask = (rest: string): Promise<string> => askPlan(t, upstream, `dependencies: true\n${rest}`);
  const query = 'queries:\n  - package: both\n    kibana.version: 8.19.0\n';
  t.is(await ask(query), 'both-1.0.0 otel-1.0.0');
  t.is(await ask(`matrix:\n  - kibana.version: 9.2.0\n${query}`), 'both-1.0.0 otel-1.0.0');
  const pin = 'packages:\n  - {name: otel, version: 1.5.0}\n';
  t.is(await ask(`${query}${pin}`), 'both-1.0.0 otel-1.0.0 otel-1.5.0');
  upstream.requests.length = 0;
  const typed = 'matrix:\n  - kibana.version: 9.2.0\n    type: integration\nqueries:\n  - package: both\n';
  t.is(await ask(typed), 'both-1.0.0 otel-1.5.0');
  t.true(upstream.requests.includes('GET /search?all=true&kibana.version=9.2.0&package=otel'));
});

test('what a pin requires is for the Kibanas that take it, and each package that lacks something is told', async (t) => {
  const upstream = await startUpstream(t);
  const requires = { input: [{ package: 'otel', version: '^1.0.0' }] };
  const lacking = { input: [{ package: 'none', version: '^1.0.0' }] };
  upstream.offer(
    await publisher.make('otel', '1.0.0', { kibana: '^8.0.0' }),
    await publisher.make('otel', '1.5.0', { kibana: '^9.0.0' }),
    await publisher.make('eight', '1.0.0', { kibana: '^8.0.0', requires }),
    await publisher.make('one', '1.0.0', { requires: lacking }),
    await publisher.make('two', '1.0.0', { requires: lacking }),
  );
  const definition = writeDefinition(
    await scratch(t),
    upstream.address,
    'dependencies: true\nmatrix:\n  - kibana.version: 8.19.0\n  - kibana.version: 9.2.0\nqueries:\n  - package: one\n  - package: two\npackages:\n  - {name: eight, version: 1.0.0}\n',
  );
  const run = await runSyncVerb([definition, '--dry-run', '--json'], { key: publisher.publicKey });
  t.is(run.exitCode, 3);
  t.is(listed(run), 'eight-1.0.0 one-1.0.0 otel-1.0.0 two-1.0.0');
  t.deepEqual(
    run.json.plan.problems.map(({ reason }) => reason),
    ['one', 'two'].map((name) => `${name}-1.0.0 requires none ^1.0.0: the upstream has none`),
  );
});

test('a dependency that is excluded or missing is a problem, and the run ends with 3', async (t) => {
  const { run } = await plan(t, 'dependencies: true\nexclude: [sql_input]\nqueries:\n  - package: suite\n');
  t.is(run.exitCode, 3);
  t.is(run.json.plan.problems[0]?.reason, 'dashboards-1.0.0 requires sql_input ^1.0.0: it is excluded');
});

test('what a saved list has installed is pinned', async (t) => {
  t.is(
    listed((await plan(t, 'installed: FOLDER/installed.txt\nqueries:\n  - package: cisco_ios\n')).run),
    'cisco_ios-1.0.0 nginx-1.0.0',
  );
});

test('Kibana itself is asked page by page, with the API key, for installed and previous versions', async (t) => {
  const kibana = await startUpstream(t);
  kibana.answer('/s/ops/api/fleet/epm/packages/installed', (request, response) => {
    const second = request.url?.includes('searchAfter') ?? false;
    const item = second ? { name: 'sql_input', version: '1.0.0' } : { name: 'nginx', version: '1.2.0' };
    response.end(JSON.stringify({ items: [item], total: 2, ...(second ? {} : { searchAfter: ['nginx'] }) }));
  });
  kibana.answer('/s/ops/api/fleet/epm/packages/nginx', (_request, response) => {
    const savedObject = { attributes: { version: '1.2.0', previous_version: '1.1.0' } };
    response.end(JSON.stringify({ item: { name: 'nginx', version: '2.1.0', savedObject } }));
  });
  const { run } = await plan(
    t,
    'queries:\n  - package: cisco_ios\n',
    ['--installed', `${kibana.address}/s/ops`],
    { KIBANA_API_KEY: 'c2VjcmV0' },
  );
  t.is(run.exitCode, 0, run.stderr);
  t.is(listed(run), 'cisco_ios-1.0.0 nginx-1.1.0 nginx-1.2.0 sql_input-1.0.0');
  t.is(kibana.headers.get('/s/ops/api/fleet/epm/packages/installed')?.authorization, 'ApiKey c2VjcmV0');
});

for (const [what, installed, known] of [
  ['of 7.17', 400, '?experimental=true'],
  ['of early 8.x', 404, '?prerelease=true'],
] as const) {
  test(`a Kibana ${what}, which has no list of what is installed, is asked for all packages`, async (t) => {
    const kibana = await startUpstream(t);
    kibana.answer('/api/fleet/epm/packages/installed', (_request, response) => {
      response.writeHead(installed).end('{"message":"package name was empty"}');
    });
    kibana.answer('/api/fleet/epm/packages', (request, response) => {
      if (!request.url?.endsWith(known)) {
        response.writeHead(400).end('{}');
        return;
      }
      const item = (name: string, install_source: string): object => ({
        name,
        version: '2.1.0',
        status: 'installed',
        savedObject: { attributes: { version: '1.2.0', install_version: '1.2.0', install_source } },
      });
      const items = [
        item('nginx', 'registry'),
        item('ours', 'upload'),
        { name: 'sql_input', version: '2.0.0', status: 'not_installed' },
      ];
      response.end(JSON.stringify({ items, response: items }));
    });
    const { run } = await plan(t, 'installed: none\n', ['--installed', kibana.address]);
    t.is(run.exitCode, 0, run.stderr);
    t.is(listed(run), 'nginx-1.2.0');
    t.regex(run.stderr, /note: made in Kibana or uploaded .*: ours-1\.2\.0\n/);
  });
}

test('what was removed from Kibana while it was asked leaves no newest version behind', async (t) => {
  const kibana = await startUpstream(t);
  kibana.answer('/api/fleet/epm/packages/installed', (_request, response) => {
    response.end(JSON.stringify({ items: [{ name: 'nginx', version: '1.2.0' }], total: 1 }));
  });
  kibana.answer('/api/fleet/epm/packages/nginx', (_request, response) => {
    response.end(JSON.stringify({ item: { name: 'nginx', version: '2.1.0', status: 'not_installed' } }));
  });
  const { run } = await plan(t, 'installed: none\n', ['--installed', kibana.address]);
  t.is(listed(run), 'nginx-1.2.0');
});

test('an API key is taken in each form that it is shown in', async (t) => {
  const kibana = await startUpstream(t);
  const path = '/api/fleet/epm/packages/installed';
  kibana.answer(path, (_request, response) => response.end('{"items":[{"name":"nginx","version":"1.2.0"}]}'));
  const folder = await scratch(t);
  const encoded = Buffer.from('ID:KEY').toString('base64');
  for (const text of [
    `${encoded}\r\n`,
    'ID:KEY\n',
    `ApiKey ${encoded}`,
    JSON.stringify({ id: 'ID', name: 'n', api_key: 'KEY', encoded }),
    JSON.stringify({ id: 'ID', api_key: 'KEY' }),
  ]) {
    const file = join(folder, 'key');
    writeFileSync(file, text);
    const words = ['--installed', kibana.address, '--kibana-api-key-file', file];
    const { run } = await plan(t, 'installed: none\n', words);
    t.is(run.exitCode, 0, run.stderr);
    t.is(kibana.headers.get(path)?.authorization, `ApiKey ${encoded}`, text);
  }
});

test('what was made in Kibana or uploaded is not asked of the registry, and noted', async (t) => {
  const kibana = await startUpstream(t);
  kibana.answer('/api/fleet/epm/packages/installed', (_request, response) => {
    const items = [
      { name: 'nginx', version: '1.2.0' },
      { name: 'my_logs', version: '1.0.0' },
    ];
    response.end(JSON.stringify({ items, total: 2 }));
  });
  kibana.answer('/api/fleet/epm/packages/my_logs', (_request, response) => {
    const installationInfo = { version: '1.0.0', install_source: 'custom' };
    response.end(JSON.stringify({ item: { name: 'my_logs', version: '1.0.0', installationInfo } }));
  });
  const { run } = await plan(t, 'installed: none\n', ['--installed', kibana.address]);
  t.is(run.exitCode, 0, run.stderr);
  t.is(listed(run), 'nginx-1.2.0');
  t.regex(run.stderr, /note: made in Kibana or uploaded .*: my_logs-1\.0\.0\n/);
});

test('a list that a definition names lies beside it, or where the command runs', async (t) => {
  const { run, folder } = await plan(t, 'installed: here.txt\n', []);
  t.is(run.exitCode, 1);
  t.true(run.error?.message.includes(`${join(process.cwd(), 'here.txt')}: it cannot be read`), run.stderr);
  writeFileSync(join(folder, 'here.txt'), 'nginx-1.2.0\n');
  const again = await runSyncVerb([join(folder, 'definition.yml'), '--dry-run', '--json'], {
    key: publisher.publicKey,
  });
  t.is(again.exitCode, 0, again.stderr);
  t.is(listed(again), 'nginx-1.2.0');
});

test('a definition that only prints needs no folder and fetches nothing; with one it does both', async (t) => {
  const rest = 'queries:\n  - package: cisco_ios\nactions:\n  - print: {}\n';
  const { folder, upstream } = await plan(t, rest, []);
  const definition = join(folder, 'definition.yml');
  const before = upstream.requests.length;
  const run = await runSyncVerb([definition], { key: publisher.publicKey });
  t.is(run.exitCode, 0, run.stderr);
  t.is(run.stdout, 'cisco_ios 1.0.0\n');
  t.is(run.stderr, '');
  t.deepEqual(upstream.requests.slice(before), ['GET /search?package=cisco_ios']);
  const both = await runSyncVerb([definition, '--to', join(folder, 'to')], { key: publisher.publicKey });
  t.is(both.stdout, 'cisco_ios 1.0.0\n');
  t.regex(both.stderr, /1 fetched/);
});

test('what can be no API key, and what is no answer of Kibana, is told plainly', async (t) => {
  const kibana = await startUpstream(t);
  kibana.answer('/login/api/fleet/epm/packages/installed', (_request, response) => {
    response.end('<html>Please log in</html>');
  });
  kibana.answer('/closed/api/fleet/epm/packages/installed', (_request, response) => {
    response.writeHead(401).end('{}');
  });
  const folder = await scratch(t);
  writeFileSync(join(folder, 'empty'), '\n');
  writeFileSync(join(folder, 'words'), 'my secret\nkey');
  const ask = async (path: string, words: readonly string[] = []): Promise<SyncRun> =>
    (await plan(t, 'installed: none\n', ['--installed', `${kibana.address}${path}`, ...words])).run;
  const messages: readonly (readonly [SyncRun, number, RegExp])[] = [
    [await ask('/login'), 1, /\/login\/api\/fleet\S+: the answer is no JSON, so it is none of Kibana's API/],
    [await ask('/nowhere'), 1, /\/nowhere: it has no \/api\/fleet\/epm\/packages\/installed \(404\)/],
    [await ask('/closed'), 1, /Kibana answered 401; give an API key .*--kibana-api-key-file/],
    [await ask('/', ['--kibana-api-key-file', join(folder, 'empty')]), 2, /empty has no API key/],
    [await ask('/', ['--kibana-api-key-file', join(folder, 'words')]), 2, /words has no API key/],
    [await ask('/', ['--kibana-api-key-file', join(folder, 'none')]), 2, /key-file: \S+none cannot be read/],
  ];
  for (const [run, exitCode, message] of messages) {
    t.is(run.exitCode, exitCode);
    t.regex(run.error?.message ?? '', message);
    t.false(`${run.stderr}${run.error?.message}`.includes('secret'));
  }
});

test('an API key never goes over plain http to another machine', async (t) => {
  const { run } = await plan(
    t,
    'queries:\n  - package: cisco_ios\n',
    ['--installed', 'http://kibana.example:5601'],
    { KIBANA_API_KEY: 'c2VjcmV0' },
  );
  t.is(run.exitCode, 1);
  t.regex(run.error?.message ?? '', /never sent over plain http/);
});

test('an address with a path keeps it for every request', async (t) => {
  const upstream = await startUpstream(t, { prefix: '/registry' });
  upstream.offer(await publisher.make('nginx', '1.0.0'));
  const folder = await scratch(t);
  const definition = writeDefinition(folder, `${upstream.address}/`);
  const run = await runSyncVerb([definition, '--to', join(folder, 'to'), '--json'], {
    key: publisher.publicKey,
  });
  t.is(run.exitCode, 0, run.stderr);
  t.true(upstream.requests.every((line) => line.includes(' /registry/')));
});

test('wrong flags are told before anything happens', async (t) => {
  const folder = await scratch(t);
  const definition = writeDefinition(folder, 'http://127.0.0.1:9');
  for (const words of [
    [definition],
    [definition, '--to', folder, '--concurrency', '0'],
    [definition, '--to', folder, '--lock', 'x'],
    [definition, '--to', folder, '--address', 'nonsense'],
    [definition, '--to', folder, '--max-archive-size', 'huge'],
    [definition, '--to', folder, '--allow-redirect-host', 'http://a.example/'],
    [definition, '--to', folder, '--no-such-flag'],
  ]) {
    t.is((await runSyncVerb(words, { key: publisher.publicKey })).exitCode, 2, words.join(' '));
  }
});
