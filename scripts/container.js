// Runs an image as an engine would, with nothing but util-linux: its own mounts, network and process ids, a read-only root, the
// image's variables, command and health check, any UID. For `npm run test:image`; needs root, Linux and buildah.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Runs a program and returns what it prints; throws with its error output. */
export const command = (program, words, options = {}) =>
  execFileSync(program, words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
    ...options,
  }).trim();

/** The image's own configuration, as Docker shows it. */
export const configOf = (image) =>
  JSON.parse(command('buildah', ['inspect', '--type', 'image', image])).Docker.config;

const setUp = `
set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
for pair in $BINDS; do mount --bind "\${pair%%:*}" "$ROOT\${pair#*:}"; mount -o remount,bind,ro "$ROOT\${pair#*:}"; done
ip link set lo up
echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start
if touch "$ROOT/opt/written" 2>/dev/null; then echo "the root is writable" >&2; exit 99; fi
exec "$@"
`;

/**
 * Starts a container. `health` is its check where the image has none, as images in OCI form. `binds` are folders by their absolute path in it. Returns `call(url)`, `health()`, `verb(…)`, `stop()`; `remove()` takes
 * everything away again.
 */
export const startContainer = async (image, { uid, env = {}, binds = {}, words, health }) => {
  const config = configOf(image);
  const container = command('buildah', ['from', '--pull-never', image]);
  const root = command('buildah', ['mount', container]);
  // What an engine brings: places to mount on.
  for (const place of ['/proc', '/tmp', ...Object.keys(binds)]) {
    mkdirSync(join(root, place), { recursive: true });
  }
  const variables = [...config.Env, ...Object.entries(env).map(([key, value]) => `${key}=${value}`)];
  const inside = (line) => [
    'chroot', `--userspec=${uid}:0`, '--groups=', root,
    '/usr/bin/env', '-i', '-C', config.WorkingDir, ...variables, ...line,
  ]; // prettier-ignore
  const server = spawn(
    'unshare',
    ['--mount', '--net', '--pid', '--fork', '--kill-child', 'sh', '-c', setUp, 'sh',
      ...inside([...config.Entrypoint, ...(words ?? config.Cmd)])], // prettier-ignore
    {
      env: {
        ...process.env,
        ROOT: root,
        BINDS: Object.entries(binds)
          .map(([to, from]) => `${from}:${to}`)
          .join(' '),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  process.once('exit', () => server.exitCode ?? server.signalCode ?? killQuietly(first));
  let log = '';
  server.stdout.on('data', (bytes) => (log += bytes));
  server.stderr.on('data', (bytes) => (log += bytes));
  const ended = new Promise((resolve) => server.on('close', (code, signal) => resolve({ code, signal })));
  const first = () =>
    Number(readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').trim().split(' ')[0]);
  const enter = (line, options = {}) =>
    spawnSync('nsenter', ['-t', String(first()), '--mount', '--net', '--pid', ...line], {
      encoding: 'utf8',
      ...options,
    });

  const running = {
    log: () => log,
    /** Exit code and output of the image's own health check. */
    health: () => {
      const result = enter(inside((health ?? config.Healthcheck.Test).slice(1)));
      return { code: result.status, text: `${result.stdout}${result.stderr}` };
    },
    /** Exit code and output of a verb that runs beside the server, as with `docker exec`. */
    verb: (...words) => {
      const result = enter(inside([...config.Entrypoint, ...words]));
      return { code: result.status, text: `${result.stdout}${result.stderr}` };
    },
    /** The user that the server runs as, and whether its root can be written. */
    status: () => {
      const status = readFileSync(`/proc/${first()}/status`, 'utf8');
      const value = (name) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)[1];
      return { uid: Number(value('Uid')), effectiveCapabilities: value('CapEff') };
    },
    /** Status and text of an answer, asked from inside the container's network. */
    call: (url, ca) => {
      const script =
        'fetch(process.argv[1]).then(async (r) => console.log(JSON.stringify({ status: r.status, text: await r.text() })), (e) => { console.error(e.cause ?? e); process.exit(1) })';
      const result = spawnSync(
        'nsenter',
        ['-t', String(first()), '--net', process.execPath, '-e', script, url],
        {
          encoding: 'utf8',
          maxBuffer: 1 << 26,
          env: { ...process.env, ...(ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: ca }) },
        },
      );
      if (result.status !== 0) {
        throw new Error(`${url}: ${result.stderr}`);
      }
      return JSON.parse(result.stdout);
    },
    /** SIGTERM as an engine sends it; resolves with exit code and signal. */
    stop: () => {
      process.kill(first(), 'SIGTERM');
      return ended;
    },
    remove: async () => {
      // The server itself: a change of user takes the parent's death away from it.
      if (server.exitCode === null && server.signalCode === null) {
        process.kill(first(), 'SIGKILL');
      }
      await ended;
      command('buildah', ['umount', container]);
      command('buildah', ['rm', container]);
    },
  };
  for (let tries = 0; tries < 100; tries += 1) {
    if (server.exitCode !== null) {
      await running.remove();
      throw new Error(`the container ended with ${server.exitCode}: ${log}`);
    }
    await pause(200);
    if (existsHealthy(running)) {
      return running;
    }
  }
  await running.remove();
  throw new Error(`the container never became healthy: ${log}`);
};

const existsHealthy = (container) => {
  try {
    return container.health().code === 0;
  } catch {
    return false;
  }
};

const killQuietly = (pid) => {
  try {
    process.kill(pid(), 'SIGKILL');
  } catch {
    // It is gone.
  }
};
