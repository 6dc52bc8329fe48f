import test from 'ava';
import { createBypass } from '../../src/net/no-proxy.ts';

const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['', [], ['http://a.example/']],
  ['*', ['http://a.example/', 'https://[::1]:8080/'], []],
  [
    'corp.example',
    ['http://corp.example/', 'https://a.b.corp.example/'],
    ['http://xcorp.example/', 'http://example/'],
  ],
  [
    '.corp.example, *.other.example',
    ['http://a.corp.example/', 'http://corp.example/', 'http://b.other.example/'],
    [],
  ],
  ['CORP.example registry', ['http://corp.EXAMPLE/', 'http://registry:8080/'], ['http://registry2/']],
  ['registry:8080', ['http://registry:8080/'], ['http://registry/', 'https://registry/']],
  ['registry:443', ['https://registry/'], ['http://registry/']],
  [
    '10.0.0.0/8,192.168.1.7',
    ['http://10.1.2.3:8080/', 'http://192.168.1.7/'],
    ['http://11.0.0.1/', 'http://192.168.1.8/'],
  ],
  ['10.0.0.0/8', [], ['http://10.corp.example/']],
  [
    '::1,fd00::/8,[fe80::1]:8080',
    ['http://[::1]:9/', 'http://[fd12::3]/', 'http://[fe80::1]:8080/'],
    ['http://[fe80::1]/'],
  ],
  ['10.0.0.0/99,/,.,:80', [], ['http://10.0.0.1/', 'http://a.example/']],
];

for (const [noProxy, direct, proxied] of cases) {
  test(`NO_PROXY '${noProxy}' says what is reached directly`, (t) => {
    const bypasses = createBypass(noProxy);
    for (const url of direct) {
      t.true(bypasses(new URL(url)), url);
    }
    for (const url of proxied) {
      t.false(bypasses(new URL(url)), url);
    }
    t.pass();
  });
}
