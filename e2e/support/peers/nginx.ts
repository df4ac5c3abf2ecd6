import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type Program, startProgram } from './program.ts';

/** The program that `npm test` found. Without one, these tests are skipped, and `npm test` has reported that. */
export const nginxIsThere = process.env.NGINX !== undefined && process.env.NGINX_JS_MODULE !== undefined;

/** Makes the `http` block. @param folder for the files of NGINX @param port of the server */
export type HttpBlock = (folder: string, port: number) => string;

/** Starts NGINX with a configuration. */
export function startNginx(httpBlock: HttpBlock): Promise<Program> {
  return startProgram('nginx', async (folder, port) => {
    await mkdir(path.join(folder, 'logs'));
    await writeFile(path.join(folder, 'nginx.conf'), configuration(folder, httpBlock(folder, port)));
    return {
      command: String(process.env.NGINX),
      args: ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off;'],
      stopWith: 'SIGQUIT',
    };
  });
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

/** Starts a third-party phantom-token gateway: NGINX with a few lines of njs. It caches introspections itself. */
export function phantomGateway({
  introspectionEndpoint,
  api,
}: {
  introspectionEndpoint: string;
  api: string;
}): HttpBlock {
  return (folder, port) => `
  js_path ${new URL('nginx', import.meta.url).pathname};
  js_import phantom from phantom_token.js;
  js_var $token;
  js_var $jwt;
  proxy_cache_path ${folder}/cache keys_zone=introspections:1m;
  server {
    listen 127.0.0.1:${port};

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

/** The example in `deploy/` with the addresses of this test. */
export async function exampleOf(gateway: string, api: string): Promise<HttpBlock> {
  const example = await readFile(new URL('../../../deploy/nginx/tallystick.conf', import.meta.url), 'utf8');
  return (_folder, port) =>
    example
      .replace('127.0.0.1:4100', new URL(gateway).host)
      .replace('127.0.0.1:4200', new URL(api).host)
      .replace('listen 8080;', `listen 127.0.0.1:${port};`);
}

/** What ingress-nginx makes of the annotations in `deploy/` (its template `nginx.tmpl`, `auth_request` and what goes with it). */
export async function ingressOf(gateway: string, api: string): Promise<HttpBlock> {
  const manifest = await readFile(new URL('../../../deploy/ingress-nginx/ingress.yaml', import.meta.url), 'utf8');
  const [ingress] = parseAllDocuments(manifest).map((document) => document.toJS());
  const annotation = (name: string) => String(ingress.metadata.annotations[`nginx.ingress.kubernetes.io/${name}`]);
  const { host, pathname } = new URL(annotation('auth-url'));
  const names = annotation('auth-response-headers').split(',');
  const variable = (index: number) => `$authHeader${index}`;
  return (_folder, port) => `
  server {
    listen 127.0.0.1:${port};
    location = /_external-auth {
      internal;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Forwarded-Proto "";
      proxy_set_header X-Request-ID $request_id;
      proxy_set_header Host ${host};
      proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
      proxy_set_header X-Original-Method $request_method;
      proxy_set_header X-Sent-From "nginx-ingress-controller";
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Auth-Request-Redirect $request_uri;
      proxy_http_version 1.1;
      proxy_pass ${new URL(gateway).origin}${pathname};
    }
    location / {
      auth_request /_external-auth;
      ${names.map((name, index) => `auth_request_set ${variable(index)} $upstream_http_${name.toLowerCase().replace('-', '_')};`).join('\n')}
      ${names.map((name, index) => `proxy_set_header '${name}' ${variable(index)};`).join('\n')}
      proxy_set_header Host $http_host;
      proxy_pass ${api};
    }
  }
`;
}
