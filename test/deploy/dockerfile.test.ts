import test from 'ava';
import { dockerfile, read, variables } from '../support/deployment.ts';

test('the Dockerfile needs no shell to run, no root, and names its own paths', (t) => {
  for (const word of ['ENTRYPOINT', 'HEALTHCHECK[^\\n]*\\\\\\n\\s*CMD', '^CMD']) {
    t.regex(dockerfile, new RegExp(`${word} \\["`, 'm'));
  }
  const stage = dockerfile.slice(dockerfile.indexOf(' AS server\n'), dockerfile.indexOf(' AS content\n'));
  t.regex(stage, /^USER 1000$/m);
  for (const [, path = ''] of read('deploy/image/config.yml').matchAll(/^ {2}- (\/packages\/\S+)$/gm)) {
    t.true(stage.includes(path), path);
  }
  for (const [, variable = ''] of stage.matchAll(/\b(EPR_\w+)=/g)) {
    t.true(variables.has(variable), variable);
  }
});

test('the image says its version, and what it has can be read by every user', (t) => {
  const { version } = JSON.parse(read('package.json')) as { readonly version: string };
  t.is(/image\.version="([^"]+)"/.exec(dockerfile)?.[1], version);
  // A checkout made under umask 077: nothing may go from the build context right into the last stage.
  const stage = dockerfile.slice(dockerfile.indexOf(' AS server\n'), dockerfile.indexOf(' AS content\n'));
  t.notRegex(stage, /^COPY (?!--from=)/m);
  t.regex(dockerfile, /^RUN chmod -R u=rwX,go=rX \/opt\/fleet-depot \/package-registry$/m);
});

test('building needs no parser from the internet', (t) => {
  t.notRegex(dockerfile, /^# *syntax *=/im);
});

test('every part that the split makes is copied into the image', (t) => {
  const parts = [
    ...dockerfile.matchAll(/^COPY --from=content \/parts\/(\d\d) \/packages\/distribution\/$/gm),
  ];
  const declared = /parts: (\d+),/.exec(read('scripts/image-content.js'))?.[1];
  t.deepEqual(
    parts.map(([, number]) => Number(number)),
    Array.from({ length: Number(declared) }, (_, number) => number),
  );
});
