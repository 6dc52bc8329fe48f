import test from 'ava';
import fc from 'fast-check';
import { DepotError } from '../../src/domain/errors.ts';
import { parseInstalled } from '../../src/distribution/installed.ts';

test('plain lines may be name-version or name@version, with comments', (t) => {
  t.deepEqual(parseInstalled('# ours\nnginx-1.2.0\napache@2.0.0-beta.1  # soon\n\nnginx-1.2.0\n', 'list'), [
    { name: 'nginx', version: '1.2.0' },
    { name: 'apache', version: '2.0.0-beta.1' },
  ]);
});

test('Kibana’s answer gives the installed version and the one it can roll back to', (t) => {
  const answer = {
    items: [
      { name: 'nginx', version: '1.2.0', status: 'installed' },
      {
        name: 'system',
        version: '2.1.0',
        savedObject: { attributes: { version: '2.0.0', previous_version: '1.9.0' } },
      },
      {
        name: 'linux',
        version: '3.0.0',
        status: 'installed',
        installationInfo: { version: '2.9.0', previous_version: null },
      },
      { name: 'zeek', version: '1.0.0', status: 'not_installed' },
    ],
    total: 4,
  };
  t.deepEqual(
    parseInstalled(JSON.stringify(answer), 'saved').map((pin) => `${pin.name} ${pin.version}`),
    ['nginx 1.2.0', 'system 2.0.0', 'system 1.9.0', 'linux 2.9.0'],
  );
});

test('what is no such list is an error that names the place and the line', (t) => {
  t.throws(() => parseInstalled('nginx-1.2.0\n../x-1.0.0\n', 'list.txt'), {
    message: 'list.txt: line 2 has no proper name and version',
  });
  t.throws(() => parseInstalled('{"a": 1}', 'a.json'), { message: /no list of items/ });
  t.throws(() => parseInstalled('[{"name": "../x", "version": "1.0.0"}]', 'a.json'), { message: /item 1/ });
  t.throws(() => parseInstalled('[nonsense', 'a.json'), { message: /is none/ });
});

test('any text is a list or an INSTALLED_INVALID', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        parseInstalled(text, 'x');
      } catch (error) {
        return error instanceof DepotError && error.code === 'INSTALLED_INVALID';
      }
      return true;
    }),
  );
  t.pass();
});
