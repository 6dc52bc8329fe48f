import { attempt, failed, ok, warning, type DoctorContext, type Finding } from './context.ts';

/** Proxies on the way, the clock, and how the address may be written. */
export const checkAnswers = async (context: DoctorContext): Promise<readonly Finding[]> => [
  ...(await attempt('proxy on the way', () => checkWay(context))),
  ...(await attempt('clock', () => checkClock(context))),
  ...(await attempt('trailing slash', () => checkSlash(context))),
];

const traces = ['via', 'x-cache', 'x-squid-error', 'x-cache-lookup', 'x-bluecoat-via'];

const checkWay = async ({ ask }: DoctorContext): Promise<Finding> => {
  const { headers } = await ask('/health');
  const seen = traces.filter((one) => headers[one] !== undefined).map((one) => `${one}: ${headers[one]}`);
  return seen.length === 0
    ? ok('proxy on the way', 'none that shows itself')
    : warning(
        'proxy on the way',
        seen.join(', '),
        'it must leave bodies, Content-Length and Content-Encoding as they are, and let answers take hours',
      );
};

const checkClock = async ({ ask }: DoctorContext): Promise<Finding> => {
  const before = Date.now();
  const { headers } = await ask('/health');
  const date = Date.parse(headers['date'] ?? '');
  if (Number.isNaN(date)) {
    return warning('clock', 'the server sends no Date', 'a proxy on the way may have taken it out');
  }
  // The header has whole seconds.
  const skew = Math.round((date + 500 - (before + Date.now()) / 2) / 1000);
  const note = `the server is ${Math.abs(skew)} s ${skew < 0 ? 'behind' : 'ahead of'} this machine`;
  const advice = 'set both clocks by NTP: certificates and signatures are judged by the time';
  return Math.abs(skew) <= 5
    ? ok('clock', note)
    : Math.abs(skew) < 300
      ? warning('clock', note, advice)
      : failed('clock', note, advice);
};

/** Kibana doesn't normalise `registryUrl`: a slash at its end makes every path begin with two. */
const checkSlash = async ({ ask, base }: DoctorContext): Promise<Finding> => {
  const { status, headers } = await ask('//search?package=fleet-depot-doctor&prerelease=false');
  if (status === 200) {
    return ok('trailing slash', 'works with and without');
  }
  const location = headers['location'] ?? '';
  const target = location === '' ? undefined : new URL(location, `${base}/`);
  if (status === 301 && target !== undefined) {
    const prefix = new URL(base).pathname.replace(/\/$/, '');
    if (target.pathname === `${prefix}/search`) {
      return ok('trailing slash', `leads to ${target.pathname}`);
    }
    if (prefix === '') {
      const found = target.pathname.replace(/\/search$/, '');
      return failed(
        'trailing slash',
        `leads to ${target.pathname}: the server has the prefix ${found}, the address has none`,
        `write ${base}${found} into registryUrl and agent binary sources`,
      );
    }
    return failed(
      'trailing slash',
      `leads to ${target.pathname}, out of the prefix ${prefix}`,
      `start the server with -path-prefix ${prefix}, or let the reverse proxy send X-Forwarded-Prefix`,
    );
  }
  return warning(
    'trailing slash',
    `//search is answered ${status}`,
    'write registryUrl without a slash at its end, and look at the prefix rules of the reverse proxy',
  );
};
