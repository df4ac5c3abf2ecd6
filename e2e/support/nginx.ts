import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free_port.ts';

export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

/** What `npm test` found; without it there is no NGINX here, and it has said so. */
export const nginxIsThere = process.env.NGINX !== undefined && process.env.NGINX_JS_MODULE !== undefined;

/** What comes into the `http` block. @param folder NGINX's own @param port where a server is to listen, with a place `/alive` */
export type HttpBlock = (folder: string, port: number) => string;

/** NGINX with a configuration. */
export async function startNginx(httpBlock: HttpBlock): Promise<Nginx> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-nginx-'));
  await mkdir(path.join(folder, 'logs'));
  const port = await freePort();
  await writeFile(path.join(folder, 'nginx.conf'), configuration(folder, httpBlock(folder, port)));
  const child = spawn(
    String(process.env.NGINX),
    ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off;'],
    {
      stdio: 'ignore',
    },
  );
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`NGINX ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    url,
    async stop() {
      child.kill('SIGQUIT');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

function configuration(folder: string, httpBlock: string) {
  return `
load_module ${process.env.NGINX_JS_MODULE};
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${folder}/nginx.pid;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  ${httpBlock}
}
`;
}

/** A phantom-token gateway of somebody else's: NGINX with a few lines of its JavaScript, caching introspections itself. */
export function phantomGateway({
  introspectionEndpoint,
  api,
}: {
  introspectionEndpoint: string;
  api: string;
}): HttpBlock {
  return (folder, port) => `
  js_path ${new URL('../nginx', import.meta.url).pathname};
  js_import phantom from phantom_token.js;
  js_var $token;
  js_var $jwt;
  proxy_cache_path ${folder}/cache keys_zone=introspections:1m;
  server {
    listen 127.0.0.1:${port};

    location /alive { return 204; }
    location / { js_content phantom.forward; }
    location = /introspection {
      internal;
      proxy_pass ${introspectionEndpoint};
      proxy_method POST;
      proxy_pass_request_headers off;
      proxy_set_header Authorization "Basic ${btoa('gateway:gateway-secret')}";
      proxy_set_header Accept application/jwt;
      proxy_set_header Content-Type application/x-www-form-urlencoded;
      proxy_set_body token=$token;
      proxy_cache introspections;
      proxy_cache_methods POST;
      proxy_cache_key $token;
      proxy_cache_lock on;
      subrequest_output_buffer_size 64k;
    }
    location @api {
      proxy_set_header Authorization "Bearer $jwt";
      proxy_pass ${api};
    }
  }
`;
}

/** The example in `deploy/`, with the addresses of this test. */
export async function exampleOf(gateway: string, api: string): Promise<HttpBlock> {
  const example = await readFile(new URL('../../deploy/nginx/tallystick.conf', import.meta.url), 'utf8');
  return (_folder, port) =>
    example
      .replace('127.0.0.1:4100', new URL(gateway).host)
      .replace('127.0.0.1:4200', new URL(api).host)
      .replace('listen 8080;', `listen 127.0.0.1:${port}; location = /alive { return 204; }`);
}

async function answers(url: string): Promise<boolean> {
  return fetch(`${url}/alive`).then(
    () => true,
    () => false,
  );
}
