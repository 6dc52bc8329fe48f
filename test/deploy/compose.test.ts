import { spawnSync } from 'node:child_process';
import test from 'ava';
import { loadAll } from 'js-yaml';
import { imagePort, placeOf, variables, yaml, type Tree } from '../support/deployment.ts';

test('the compose file is hardened and agrees with image and settings', (t) => {
  const services = Object.entries((yaml('compose.yaml')['services'] ?? {}) as Readonly<Record<string, Tree>>);
  t.deepEqual(
    services.map(([name]) => name),
    ['depot', 'depot-tls'],
  );
  for (const [name, own] of services) {
    const service: Tree = { ...(own['<<'] as Tree | undefined), ...own };
    t.is(service['read_only'], true, name);
    t.deepEqual(service['cap_drop'], ['ALL'], name);
    t.is(service['user'], '1000:1000', name);
    const { '<<': inherited, ...set } = (service['environment'] ?? {}) as Readonly<Record<string, string>>;
    const environment: Readonly<Record<string, string>> = {
      ...(inherited as unknown as typeof set | undefined),
      ...set,
    };
    for (const variable of Object.keys(environment)) {
      t.true(variables.has(variable), variable);
    }
    const port = environment['EPR_ADDRESS']?.split(':').at(-1) ?? imagePort;
    t.deepEqual(service['ports'], [`${port}:${port}`], name);
    const mounted = (service['volumes'] as readonly string[]).map((volume) =>
      volume.replace(/^.*?}?:(\/)/, '$1'),
    );
    t.true(mounted.includes('/packages/package-registry:ro'), name);
    t.true(mounted.includes('/var/cache/fleet-depot'), name);
  }
});

test('Compose takes the file, with and without the profile for TLS', (t) => {
  const programs = [['docker', 'compose'], ['docker-compose']].filter(
    ([program = '', ...words]) => spawnSync(program, [...words, 'version']).status === 0,
  );
  const [program = '', ...words] = programs[0] ?? [];
  if (program === '') {
    t.log('neither docker compose nor docker-compose is here: skipped');
    t.pass();
    return;
  }
  for (const [profiles, names] of [
    [[], ['depot']],
    [
      ['--profile', 'tls'],
      ['depot', 'depot-tls'],
    ],
  ] as const) {
    const found = spawnSync(program, [...words, '-f', placeOf('compose.yaml'), ...profiles, 'config'], {
      encoding: 'utf8',
    });
    t.is(found.status, 0, found.stderr);
    const services = Object.keys((loadAll(found.stdout)[0] as { readonly services: Tree }).services);
    t.deepEqual(
      services.filter((name) => (names as readonly string[]).includes(name)),
      [...names],
    );
  }
});
