import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { signIn as signInAt } from '@tallystick/testing/sign_in';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call } from '../support/clients/clients.ts';
import { type HttpBlock, nginxIsThere, startNginx } from '../support/peers/nginx.ts';
import type { Program } from '../support/peers/program.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf } from '../support/worlds/world.ts';

/** How NGINX passes requests for the issuer on. Only the end of `proxy_pass` differs: with a path, NGINX removes that of the location. */
const PROXIES = {
  'keeps the path': (path: string, upstream: string) => `location ${path} { proxy_pass ${upstream}; }`,
  'removes the path': (path: string, upstream: string) =>
    `location = ${path} { proxy_pass ${upstream}/; } location ${path}/ { proxy_pass ${upstream}/; }`,
};

const CASES = Object.entries(PROXIES).flatMap(([behaviour, location]) =>
  // The name of an endpoint is the hard case.
  ['/auth', '/login/eu'].map((path) => ({ behaviour, location, path })),
);

(nginxIsThere ? describe : describe.skip).each(CASES)('an issuer at $path behind an NGINX that $behaviour', (given) => {
  const { location, path } = given;
  let nginx: Program;
  let world: OneProcess;
  beforeAll(async () => {
    const ports = { authorizationServer: await freePort(), gateway: await freePort(), sampleApi: await freePort() };
    const upstream = `http://127.0.0.1:${ports.authorizationServer}`;
    const block: HttpBlock = (_folder, port) => `
      server {
        listen 127.0.0.1:${port};
        ${location(path, upstream)}
        location /.well-known/ { proxy_pass ${upstream}; }
      }`;
    nginx = await startNginx(block);
    world = await startOneProcess((config) => {
      const { apis, clients, users } = config;
      return {
        ...config,
        issuer: nginx.url + path,
        authorizationServer: { ...config.authorizationServer, port: ports.authorizationServer },
        gateway: { ...config.gateway, port: ports.gateway },
        sampleApi: { ...config.sampleApi, port: ports.sampleApi },
        tenants: [{ id: 'acme', apis, clients, users }],
      };
    }, 'configured');
  });
  afterAll(async () => {
    await world.stop();
    await nginx.stop();
  });

  const issuers = () => [world.issuer, `${world.issuer}/acme`];

  test(requirement('issuer-with-a-path', 'its metadata is in each place where clients look'), async () => {
    expect(world.issuer).toBe(nginx.url + path);
    for (const issuer of issuers()) {
      const { origin, pathname } = new URL(issuer);
      for (const url of [
        `${issuer}/.well-known/openid-configuration`,
        `${issuer}/.well-known/oauth-authorization-server`,
        `${origin}/.well-known/oauth-authorization-server${pathname}`,
        `${origin}/.well-known/openid-configuration${pathname}`,
      ]) {
        const metadata = (await (await fetch(url)).json()) as Record<string, unknown>;
        expect([url, metadata.issuer]).toEqual([url, issuer]);
        const endpoints = Object.entries(metadata).filter(([name]) => /_endpoint$|^jwks_uri$/.test(name));
        expect(endpoints.filter(([, at]) => !String(at).startsWith(`${issuer}/`))).toEqual([]);
      }
    }
  });

  test(requirement('issuer-with-a-path', 'a user signs in, and signs out'), async () => {
    for (const issuer of issuers()) {
      const client = await oidc.discovery(new URL(issuer), 'demo-web', undefined, oidc.None(), {
        execute: [oidc.allowInsecureRequests],
      });
      const { tokens, browser } = await signInAt(
        { issuer, log: world.log },
        {
          client,
          scope: 'openid profile read',
          redirectUri: 'http://localhost:4300/callback',
          parameters: { resource: resourceOf('phantom') },
        },
      );
      expect(tokens.claims()?.iss).toBe(issuer);
      expect((await oidc.fetchUserInfo(client, tokens.access_token, 'alice')).sub).toBe('alice');
      const { cookies } = { cookies: browser.jar.getCookies({ path: '/elsewhere' } as never) };
      expect([...cookies]).toEqual([]);
      const out = await browser.get(`${new URL(issuer).pathname}/session/end`).redirects(0);
      expect([out.status, out.text]).toEqual([200, expect.stringContaining('Sign')]);
      expect(out.text).toContain(`action="${issuer}/session/end/confirm"`);
    }
  });

  test(requirement('issuer-with-a-path', 'the gateway validates and introspects its tokens'), async () => {
    const service = oidc.ClientSecretBasic('demo-service-secret');
    const client = await oidc.discovery(new URL(world.issuer), 'demo-service', undefined, service, {
      execute: [oidc.allowInsecureRequests],
    });
    for (const style of ['jwt', 'opaque', 'phantom', 'split'] as const) {
      const parameters = { resource: resourceOf(style), scope: 'read' };
      const { access_token: token } = await oidc.clientCredentialsGrant(client, parameters);
      world.log.secret(token);
      expect([style, (await call(world.gateways[0], style, token)).status]).toEqual([style, 200]);
    }
  });

  test(requirement('issuer-with-a-path', 'the page for other devices'), async () => {
    for (const issuer of issuers()) {
      const page = await fetch(`${issuer}/device`, { headers: { Accept: 'text/html' } });
      expect(page.status).toBe(200);
      const cookies = page.headers.getSetCookie();
      expect(cookies.filter((cookie) => !cookie.includes(`path=${new URL(issuer).pathname}`))).toEqual([]);
      const [, action] = /action="([^"]+)"/.exec(await page.text()) ?? [];
      expect(new URL(String(action), issuer).href).toMatch(`${issuer}/device`);
    }
  });
});
