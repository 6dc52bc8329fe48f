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

test('each form of Kibana’s answers, from 7.10 to 9.x, says what is installed', (t) => {
  const attributes = { version: '1.0.0', install_version: '1.0.0', install_status: 'installed' };
  const savedObject = { id: 'nginx', type: 'epm-packages', attributes };
  const other = { name: 'zeek', version: '1.0.0', status: 'not_installed' };
  const seven = [{ name: 'nginx', version: '9.0.0', status: 'installed', savedObject }, other];
  const nine = [
    { name: 'nginx', version: '9.0.0', status: 'installed', installationInfo: attributes },
    other,
  ];
  for (const answer of [
    { response: seven },
    { items: seven, response: seven },
    { items: seven },
    { items: nine },
    { items: [{ ...nine[0], savedObject }] },
    { item: nine[0] },
    nine,
  ]) {
    t.deepEqual(parseInstalled(JSON.stringify(answer), 'saved'), [{ name: 'nginx', version: '1.0.0' }]);
  }
});

test('while an upgrade is under way, or after one failed, both versions are wanted', (t) => {
  const installationInfo = {
    version: '1.0.0',
    install_version: '2.0.0',
    install_status: 'install_failed',
    previous_version: '0.9.0',
  };
  const items = [{ name: 'nginx', version: '3.0.0', status: 'install_failed', installationInfo }];
  t.deepEqual(
    parseInstalled(JSON.stringify({ items }), 'saved').map(({ version }) => version),
    ['1.0.0', '2.0.0', '0.9.0'],
  );
});

test('an answer that PowerShell has flattened does not pass for an empty one', (t) => {
  t.throws(() => parseInstalled('{"items": ["@{name=nginx; version=1.2.0}"], "total": 1}', 'a.json'), {
    message: 'a.json: item 1 is no object; was the answer saved as it came?',
  });
});

test('what Windows has saved is read: CRLF behind comments, and a byte order mark', (t) => {
  const pins = [
    { name: 'nginx', version: '1.2.0' },
    { name: 'apache', version: '2.0.0' },
  ];
  t.deepEqual(parseInstalled('\uFEFFnginx-1.2.0\r\n# soon\r\napache@2.0.0 # now\r\n', 'list'), pins);
  t.deepEqual(parseInstalled(`\uFEFF${JSON.stringify({ items: pins })}`, 'saved'), pins);
});

test('one page of several does not pass for all that is installed', (t) => {
  const page = { items: [{ name: 'nginx', version: '1.2.0' }], total: 40, searchAfter: ['nginx'] };
  t.throws(() => parseInstalled(JSON.stringify(page), 'a.json'), {
    message: 'a.json: it has 1 of 40 packages, which is one page; save the answer to ?perPage=40',
  });
});

test('the answer for one package is a list of one; what was made in Kibana or uploaded is left out and told', (t) => {
  const answer = (name: string, install_source: string): object => ({
    name,
    version: '9.0.0',
    status: 'installed',
    installationInfo: { version: '1.0.0', previous_version: '0.9.0', install_source },
  });
  const homemade: string[] = [];
  t.deepEqual(parseInstalled(JSON.stringify({ item: answer('nginx', 'registry') }), 'a.json'), [
    { name: 'nginx', version: '1.0.0' },
    { name: 'nginx', version: '0.9.0' },
  ]);
  const items = [answer('my_logs', 'custom'), answer('ours', 'upload'), answer('nginx', 'bundled')];
  const pins = parseInstalled(JSON.stringify({ items }), 'a.json', (id) => homemade.push(id));
  t.deepEqual(
    pins.map(({ name }) => name),
    ['nginx', 'nginx'],
  );
  t.deepEqual(homemade, ['my_logs-1.0.0', 'my_logs-0.9.0', 'ours-1.0.0', 'ours-0.9.0']);
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
