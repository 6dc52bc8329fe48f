// Plain JavaScript that Node 12 can still read, as prepare.js.
import { spawnSync } from 'child_process';
import { readFileSync } from 'fs';
import { join } from 'path';
import { root } from './prepare.js';

/** Installs the packages of package-lock.json where node_modules has others. */
export function install() {
  if (isInstalled()) {
    return;
  }
  process.stderr.write('Installing dependencies (npm ci) ...\n');
  const words = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const problem = unreachable();
  if (problem !== undefined) {
    // npm would ask for each of hundreds of packages again and again, for more than ten minutes, before it says so.
    process.stderr.write(problem + '; what npm has cached is taken.\n');
    words.push('--offline');
  }
  const result = npm(words, ['ignore', 2, 2]);
  if (result.status !== 0) {
    process.stderr.write(
      (result.error ? 'npm cannot be started: ' + result.error.message + '\n' : '') +
        'npm ci failed: the dependencies could not be installed.\n' +
        'Through a proxy: `npm config set proxy http://proxy.example:3128`, or HTTPS_PROXY.\n' +
        'From a registry of your own: `npm config set registry URL`; its CA in NODE_EXTRA_CA_CERTS.\n' +
        'Without a network: run `npm ci && npm run build` in a copy of this folder on a machine that has one, with the same system\n' +
        'and processor, and bring the whole folder here; or use the container image (docs/images.md).\n',
    );
    process.exit(result.status || 1);
  }
}

/** Runs npm. It tells its scripts where it is itself; without npm around, the one on the path is taken. */
function npm(words, stdio) {
  const path = process.env.npm_execpath;
  const options = { cwd: root, stdio: stdio, encoding: 'utf8' };
  return path && /npm-cli\.c?js$/.test(path)
    ? spawnSync(process.execPath, [path].concat(words), options)
    : spawnSync('npm', words, Object.assign({ shell: process.platform === 'win32' }, options));
}

const patience = 10000;

/** Variables that npm goes out through, in either case. */
const proxyVariables = ['https_proxy', 'http_proxy', 'proxy'];

/** Where npm would connect to: its registry, and the proxies that it was told of. */
function destinations() {
  const told = npm(['config', 'get', 'registry', 'https-proxy', 'proxy'], ['ignore', 'pipe', 'ignore']);
  const lines = (told.stdout || '').split('\n').map((line) => line.trim().replace(/^[a-z-]+=/, ''));
  const variables = Object.keys(process.env)
    .filter((name) => proxyVariables.includes(name.toLowerCase()))
    .map((name) => process.env[name].replace(/^(?!$|[a-z]+:\/\/)/, 'http://'));
  return lines.concat(variables).filter((address) => /^https?:\/\/[^/]/.test(address));
}

/** What is wrong where neither npm's registry nor a proxy takes a connection; else undefined. */
function unreachable() {
  const addresses = destinations();
  if (addresses.length === 0) {
    return undefined;
  }
  const places = addresses.map(function (address) {
    const url = new URL(address);
    return {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port) || (url.protocol === 'http:' ? 80 : 443),
    };
  });
  // Every script here is synchronous; the attempt is a process of its own.
  const attempt =
    'const places = JSON.parse(process.argv[1]); let left = places.length;' +
    'for (const place of places) require("net").connect(place, () => process.exit(0))' +
    '.on("error", (error) => { console.log(error.code); if (--left === 0) process.exit(1); });';
  const tried = spawnSync(process.execPath, ['-e', attempt, JSON.stringify(places)], {
    encoding: 'utf8',
    timeout: patience,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (tried.status === 0) {
    return undefined;
  }
  const why = tried.stdout.trim().split('\n')[0] || 'no answer within ' + patience / 1000 + ' s';
  return places.map((place) => place.host).join(' and ') + " can't be reached (" + why + ')';
}

/** npm keeps what it installed in node_modules/.package-lock.json, which it writes last. */
export function isInstalled() {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const there = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages;
    return Object.keys(wanted).every(function (path) {
      const have = there[path];
      if (path === '' || (have === undefined && wanted[path].optional === true)) {
        return true;
      }
      return (
        have !== undefined &&
        have.version === wanted[path].version &&
        have.integrity === wanted[path].integrity
      );
    });
  } catch {
    return false;
  }
}
