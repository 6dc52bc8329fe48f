import test from 'ava';
import { isPlatform, parsePlatform, showPlatform } from '../../src/image/image-config.ts';
import { parseImageName } from '../../src/image/image-name.ts';

test('a name takes the host and the tag that engines give it', (t) => {
  t.deepEqual(parseImageName('fleet-depot'), {
    text: 'fleet-depot:latest',
    tag: 'latest',
    full: 'docker.io/library/fleet-depot:latest',
  });
  t.is(parseImageName('example/depot:lite').full, 'docker.io/example/depot:lite');
  t.is(parseImageName('registry.example:5000/a/b:1.2_x').full, 'registry.example:5000/a/b:1.2_x');
  t.is(parseImageName('localhost/depot:1').full, 'localhost/depot:1');
});

for (const text of [
  '',
  'Upper:1',
  'a:b:c',
  '../x',
  'a//b',
  'a:',
  'a b',
  `a:${'x'.repeat(129)}`,
  '-a',
  'a@sha256:0',
]) {
  test(`'${text.slice(0, 20)}' is no image name`, (t) => {
    t.throws(() => parseImageName(text), { code: 'USAGE', message: /--tag takes NAME:TAG/ });
  });
}

test('a platform has two or three parts, and an unsaid variant is any', (t) => {
  const v8 = parsePlatform('linux/arm64/v8');
  t.deepEqual(v8, { os: 'linux', architecture: 'arm64', variant: 'v8' });
  t.is(v8 && showPlatform(v8), 'linux/arm64/v8');
  t.true(v8 !== undefined && isPlatform(v8, { os: 'linux', architecture: 'arm64' }));
  t.false(
    isPlatform({ os: 'linux', architecture: 'arm64' }, { os: 'linux', architecture: 'arm64', variant: 'v7' }),
  );
  t.is(parsePlatform('linux'), undefined);
  t.is(parsePlatform('linux/../x'), undefined);
});
