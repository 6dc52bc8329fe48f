import { spawnSync } from 'node:child_process';
import test from 'ava';
import { loadAll } from 'js-yaml';
import { at, imagePort, list, placeOf, variables, yaml, type Tree } from '../support/deployment.ts';

const paths = Object.keys(yaml('openapi.yaml')['paths'] ?? {});

const base = ['deployment', 'service', 'packages'].map((name) =>
  yaml('deploy/kubernetes/base', `${name}.yaml`),
);

/** What Kustomize makes of a folder, or undefined without kubectl. */
const rendered = (folder: string): readonly Tree[] | undefined => {
  const result = spawnSync('kubectl', ['kustomize', placeOf('deploy/kubernetes', folder)], {
    encoding: 'utf8',
  });
  if (result.error !== undefined) {
    return undefined;
  }
  if (result.status !== 0) {
    throw new Error(result.stderr);
  }
  return loadAll(result.stdout) as readonly Tree[];
};

const kinds: Readonly<Record<string, readonly [string, readonly (readonly string[])[]]>> = {
  Deployment: [
    'apps/v1',
    [
      ['spec', 'selector', 'matchLabels'],
      ['spec', 'template', 'spec', 'containers'],
    ],
  ],
  Service: [
    'v1',
    [
      ['spec', 'selector'],
      ['spec', 'ports'],
    ],
  ],
  PersistentVolumeClaim: [
    'v1',
    [
      ['spec', 'accessModes'],
      ['spec', 'resources', 'requests', 'storage'],
    ],
  ],
};

/** Kinds of volumes that the restricted profile of the Pod Security Standards has, as far as they are of use here. */
const volumeKinds = new Set(['emptyDir', 'persistentVolumeClaim', 'secret', 'configMap', 'projected']);

/** What of a Pod is against the restricted profile, or more than it needs. */
const podProblems = (pod: unknown): readonly string[] => {
  const container = list(pod, 'containers')[0] ?? {};
  const rules = {
    'pod runAsNonRoot': at(pod, 'securityContext', 'runAsNonRoot') === true,
    seccomp: at(pod, 'securityContext', 'seccompProfile', 'type') === 'RuntimeDefault',
    'no token': at(pod, 'automountServiceAccountToken') === false,
    'one container': list(pod, 'containers').length === 1,
    'nothing of the host': ['hostNetwork', 'hostPID', 'hostIPC'].every((key) => at(pod, key) === undefined),
    'kinds of volumes': list(pod, 'volumes').every((volume) =>
      Object.keys(volume).every((key) => key === 'name' || volumeKinds.has(key)),
    ),
    'read-only root': at(container, 'securityContext', 'readOnlyRootFilesystem') === true,
    'no escalation': at(container, 'securityContext', 'allowPrivilegeEscalation') === false,
    'no capabilities':
      JSON.stringify(at(container, 'securityContext', 'capabilities')) === '{"drop":["ALL"]}',
    'limit of memory': at(container, 'resources', 'limits', 'memory') !== undefined,
  };
  return Object.entries(rules).flatMap(([name, holds]) => (holds ? [] : [name]));
};

const problemsOf = (
  objects: readonly Tree[],
  scheme: 'HTTP' | 'HTTPS',
  packages: 'on a volume' | 'in the image' = 'on a volume',
): readonly string[] => {
  const problems: string[] = [];
  const expect = (holds: boolean, problem: string): void => {
    if (!holds) {
      problems.push(problem);
    }
  };
  for (const object of objects) {
    const [apiVersion, required] = kinds[String(object['kind'])] ?? ['', []];
    expect(
      object['apiVersion'] === apiVersion,
      `${String(object['kind'])} is ${String(object['apiVersion'])}`,
    );
    expect(typeof at(object, 'metadata', 'name') === 'string', 'metadata.name');
    for (const path of required) {
      expect(at(object, ...path) !== undefined, path.join('.'));
    }
  }
  const one = (kind: string): Tree => objects.find((object) => object['kind'] === kind) ?? {};
  const pod = at(one('Deployment'), 'spec', 'template', 'spec');
  const container = list(pod, 'containers')[0] ?? {};
  const labels = JSON.stringify(at(one('Deployment'), 'spec', 'template', 'metadata', 'labels'));
  expect(
    JSON.stringify(at(one('Deployment'), 'spec', 'selector', 'matchLabels')) === labels,
    'labels of the Deployment',
  );
  expect(JSON.stringify(at(one('Service'), 'spec', 'selector')) === labels, 'selector of the Service');
  const ports = list(container, 'ports');
  expect(ports.length === 1 && list(one('Service'), 'spec', 'ports').length === 1, 'one port');
  expect(
    list(one('Service'), 'spec', 'ports')[0]?.['targetPort'] === ports[0]?.['name'],
    'port of the Service',
  );
  const env = list(container, 'env');
  for (const { name } of env) {
    expect(variables.has(String(name)), `${String(name)} is no setting`);
  }
  const address = env.find(({ name }) => name === 'EPR_ADDRESS')?.['value'] ?? `0.0.0.0:${imagePort}`;
  expect(address === `0.0.0.0:${String(ports[0]?.['containerPort'])}`, 'containerPort is EPR_ADDRESS');
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    const get = at(container, probe, 'httpGet') as Tree | undefined;
    expect(paths.includes(String(get?.['path']).split('?')[0] ?? ''), `${probe}: path`);
    expect((get?.['scheme'] ?? 'HTTP') === scheme, `${probe}: scheme`);
    expect(get?.['port'] === ports[0]?.['name'], `${probe}: port`);
  }
  expect(
    at(container, 'livenessProbe', 'httpGet', 'path') === '/health?live=true',
    'liveness is not readiness',
  );
  for (const problem of podProblems(pod)) {
    problems.push(problem);
  }
  const volumes = list(pod, 'volumes').map(({ name }) => name);
  for (const { name } of list(container, 'volumeMounts')) {
    expect(volumes.includes(name), `no volume ${String(name)}`);
  }
  const claim = list(pod, 'volumes')
    .map((volume) => at(volume, 'persistentVolumeClaim', 'claimName'))
    .find(Boolean);
  expect(claim === at(one('PersistentVolumeClaim'), 'metadata', 'name'), 'the claim');
  const mounts = list(container, 'volumeMounts').map(({ mountPath }) => mountPath);
  const isInImage = packages === 'in the image';
  // An empty volume over the cache would hide the index of an image that has its packages.
  for (const place of ['/packages/package-registry', '/var/cache/fleet-depot']) {
    expect(mounts.includes(place) !== isInImage, `mount of ${place}`);
  }
  expect(mounts.includes('/tmp'), 'mount of /tmp');
  // With a volume for one node, a second Pod would wait for the first one's for ever.
  const strategy = at(one('Deployment'), 'spec', 'strategy', 'type');
  expect(strategy === (isInImage ? 'RollingUpdate' : 'Recreate'), `strategy ${String(strategy)}`);
  return problems;
};

test('the Kubernetes base is valid, hardened, and agrees with image, settings and API', (t) => {
  t.deepEqual(problemsOf(base, 'HTTP'), []);
  const kustomization = yaml('deploy/kubernetes/base/kustomization.yaml');
  t.deepEqual(kustomization['resources'], ['deployment.yaml', 'service.yaml', 'packages.yaml']);
});

const overlays = {
  base: ['HTTP', 'on a volume'],
  tls: ['HTTPS', 'on a volume'],
  'packages-in-image': ['HTTP', 'in the image'],
  'packages-in-image-tls': ['HTTPS', 'in the image'],
} as const;

for (const [folder, [scheme, packages]] of Object.entries(overlays)) {
  test(`Kustomize makes valid objects of ${folder}: ${scheme}, packages ${packages}`, (t) => {
    const objects = rendered(folder);
    if (objects === undefined) {
      t.log('kubectl is not here: skipped');
      t.pass();
      return;
    }
    t.deepEqual(problemsOf(objects, scheme, packages), []);
    t.is(
      objects.some(({ kind }) => kind === 'PersistentVolumeClaim'),
      packages === 'on a volume',
    );
    if (scheme === 'HTTP') {
      return;
    }
    const deployment = objects.find(({ kind }) => kind === 'Deployment');
    const container = at(deployment, 'spec', 'template', 'spec', 'containers', 0);
    const env = new Map(list(container, 'env').map(({ name, value }) => [name, value]));
    const mount = list(container, 'volumeMounts').find(({ name }) => name === 'tls')?.['mountPath'];
    t.is(env.get('EPR_TLS_CERT'), `${String(mount)}/tls.crt`);
    t.is(env.get('EPR_TLS_KEY'), `${String(mount)}/tls.key`);
  });
}

test('the Pod for imports is as hardened, and writes where the Deployment reads', (t) => {
  const pod = at(yaml('deploy/kubernetes/import/pod.yaml'), 'spec');
  t.deepEqual(podProblems(pod), []);
  const deployment = at(base[0], 'spec', 'template', 'spec');
  const claimOf = (spec: unknown): Tree | undefined =>
    list(spec, 'volumes').find(({ name }) => name === 'packages');
  t.deepEqual(claimOf(pod), claimOf(deployment));
  const mountOf = (spec: unknown): unknown =>
    list(spec, 'containers', 0, 'volumeMounts').find(({ name }) => name === 'packages')?.['mountPath'];
  t.is(mountOf(pod), mountOf(deployment));
  t.deepEqual(at(pod, 'securityContext'), at(deployment, 'securityContext'));
  t.is(rendered('import')?.length ?? 1, 1);
});
