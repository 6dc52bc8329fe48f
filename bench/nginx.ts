import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { once } from 'node:events';
import { stopChild } from './child.ts';

/** nginx with one worker, serving the files of a folder below `/`. */
export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts nginx as Debian's defaults have it (sendfile, access log), but for connections that are kept longer, as ours are. */
export async function startNginx(folder: string, scratch: string): Promise<Nginx> {
  const prefix = join(scratch, 'nginx');
  await mkdir(prefix, { recursive: true });
  const port = await freePort();
  const file = join(prefix, 'nginx.conf');
  await writeFile(file, configuration(prefix, resolve(folder), port));
  const child = spawn('nginx', ['-p', prefix, '-c', file, '-e', join(prefix, 'error.log')], {
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await answers(url))) {
    if (child.exitCode !== null) {
      throw new Error(`nginx ended with ${child.exitCode}; see ${join(prefix, 'error.log')}`);
    }
    await sleep(20);
  }
  return { url, stop: () => stopChild(child) };
}

const configuration = (prefix: string, folder: string, port: number): string => `
daemon off;
worker_processes 1;
pid ${prefix}/nginx.pid;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 768; }
http {
  sendfile on;
  tcp_nopush on;
  types { application/zip zip; }
  keepalive_requests 10000000;
  access_log ${prefix}/access.log;
  client_body_temp_path ${prefix}/body;
  proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/fastcgi;
  uwsgi_temp_path ${prefix}/uwsgi;
  scgi_temp_path ${prefix}/scgi;
  server {
    listen 127.0.0.1:${port};
    root ${folder};
  }
}
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    async (response) => {
      await response.arrayBuffer();
      return true;
    },
    () => false,
  );
