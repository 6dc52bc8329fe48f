import test from 'ava';
import { get } from '../support/client.ts';
import { writeZipPackage } from '../support/packages.ts';
import { serveFolder } from '../support/served-folder.ts';

test('metrics have the names of the reference, and routes instead of paths', async (t) => {
  const { url, app } = await serveFolder(t, (root) => writeZipPackage(root), {
    flags: { 'metrics-address': '127.0.0.1:0' },
  });
  const paths = [
    '/search?package=demo',
    '/categories',
    '/package/demo/1.0.0/',
    '/package/demo/1.0.0/manifest.yml',
    '/epr/demo/demo-1.0.0.zip',
    '/epr/demo/demo-1.0.0.zip.sig',
    '/no/such/path',
    '//search',
  ];
  for (const path of paths) {
    await get(url, path);
  }
  const metricsUrl = (app.metricsAddress ?? '').replace('localhost', '127.0.0.1');
  const reply = await get(metricsUrl, '/metrics');
  t.is(reply.status, 200);
  t.regex(reply.header('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  for (const name of [
    'epr_service_info{',
    'epr_number_indexed_packages 1',
    'fleet_depot_quarantined_packages 0',
    'epr_in_flight_requests 0',
    'epr_storage_requests_total{',
    'epr_indexer_get_duration_seconds_count{indexer="search"} 1',
    'epr_http_requests_total{code="200",method="get",path="/search"} 1',
    'epr_http_requests_total{code="404",method="get",path="unknown"} 1',
    'epr_http_request_duration_seconds_bucket{',
    'epr_http_request_size_bytes_bucket{',
    'epr_http_response_size_bytes_bucket{',
  ]) {
    t.true(reply.text.includes(name), name);
  }
  t.regex(reply.text, /component="package"[^\n]* 1\n/);
  t.regex(reply.text, /component="signature"[^\n]* 1\n/);
  t.false(reply.text.includes('1.0.0/'));
  t.false(reply.text.includes('/no/such'));
  t.is((await get(metricsUrl, '/search')).status, 404);
  t.is((await get(url, '/metrics')).status, 404);
});
