import test from 'ava';
import { createMetricsHandler } from '../../src/telemetry/metrics-handler.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { startListener } from '../support/listener.ts';

test('the metrics have the names and labels of the reference, and ours', async (t) => {
  const metrics = createMetrics({ version: '1.2.3', instance: 'here' });
  metrics.requestStarted();
  metrics.requestStarted();
  metrics.requestFinished({
    status: 200,
    method: 'GET',
    route: '/epr/:any/:file',
    seconds: 0.2,
    requestBytes: 300,
    responseBytes: 14_000_000,
  });
  metrics.indexChanged({ generation: 3, packages: 142, quarantined: 2 });
  metrics.logLinesDropped(7);
  metrics.indexLooked({ result: 'changed', seconds: 0.3, read: 5 });
  metrics.indexAsked('snapshot', 0.0002);
  metrics.storageAsked('/srv/packages', 'package');
  metrics.certificateExpires(() => new Date(1_800_000_000_000));
  const text = await metrics.text();
  for (const line of [
    'epr_service_info{version="1.2.3",instance="here"} 1',
    'epr_number_indexed_packages 142',
    'epr_storage_requests_total{location="/srv/packages",component="package"} 1',
    'epr_indexer_get_duration_seconds_count{indexer="snapshot"} 1',
    'epr_in_flight_requests 1',
    'fleet_depot_log_lines_dropped_total 7',
    'epr_http_requests_total{code="200",method="get",path="/epr/:any/:file"} 1',
    'epr_http_request_duration_seconds_count{code="200",method="get",path="/epr/:any/:file"} 1',
    'epr_http_request_size_bytes_sum{code="200",method="get",path="/epr/:any/:file"} 300',
    'epr_http_response_size_bytes_bucket{le="10000000",code="200",method="get",path="/epr/:any/:file"} 0',
    'epr_http_response_size_bytes_bucket{le="25000000",code="200",method="get",path="/epr/:any/:file"} 1',
    'fleet_depot_quarantined_packages 2',
    'fleet_depot_index_generation 3',
    'fleet_depot_index_reloads_total{result="changed"} 1',
    'fleet_depot_index_reloads_total{result="failed"} 0',
    'fleet_depot_index_packages_read_total 5',
    'fleet_depot_index_reload_duration_seconds_count 1',
    'fleet_depot_certificate_expiry_timestamp_seconds 1800000000',
  ]) {
    t.true(text.split('\n').includes(line), line);
  }
});

test('a method that nobody knows is one label, so that a flood of them stays small', async (t) => {
  const metrics = createMetrics({ version: '1.2.3' });
  for (const method of ['PURGE', 'MKCOL']) {
    metrics.requestStarted();
    metrics.requestFinished({
      status: 405,
      method,
      route: 'none',
      seconds: 0,
      requestBytes: 0,
      responseBytes: 0,
    });
  }
  t.regex(await metrics.text(), /epr_http_requests_total\{code="405",method="unknown",path="none"\} 2/);
});

test('two servers in one process do not mix, and certificates show only where there is TLS', async (t) => {
  const [one, other] = [createMetrics({ version: '1' }), createMetrics({ version: '1', process: true })];
  one.indexChanged({ generation: 1, packages: 5, quarantined: 0 });
  t.regex(await other.text(), /^epr_number_indexed_packages 0$/m);
  t.regex(await other.text(), /^process_cpu_seconds_total /m);
  t.notRegex(await one.text(), /process_cpu|certificate_expiry/);
});

test('their listener answers /metrics and nothing else', async (t) => {
  const handler = createMetricsHandler(createMetrics({ version: '1.2.3' }), createKeptLog());
  const { url } = await startListener(t, { handler });
  const answer = await fetch(`${url}/metrics`);
  t.is(answer.status, 200);
  t.regex(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  t.regex(await answer.text(), /^epr_service_info/m);
  t.is((await fetch(`${url}/search`)).status, 404);
  t.is((await fetch(`${url}/metrics`, { method: 'POST' })).status, 405);
  const head = await fetch(`${url}/metrics`, { method: 'HEAD' });
  t.is(head.status, 200);
  t.is(await head.text(), '');
});
