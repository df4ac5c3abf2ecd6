import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { onTestFinished, startForTest } from '@tallystick/testing/on_test_finished';
import { requirement } from '../requirements/index.ts';
import { tlsClient } from '../support/clients/tls_client.ts';
import { startProgram } from '../support/peers/program.ts';
import { startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES, type Style } from '../support/worlds/world.ts';

/** `npm test` sets this where it found Apache with mod_auth_openidc. */
const apacheIsThere = process.env.APACHE !== undefined;

/** An API behind Apache, which validates the access tokens that the gateway forwards, and gets keys by HTTPS only. */
async function startApi(issuer: string, style: Style, ca: string) {
  return startForTest(
    startProgram('apache', async (_folder, port) => ({
      command: process.execPath,
      args: [fileURLToPath(new URL('applications/mod_auth_openidc_resource_server.mjs', import.meta.url))],
      environment: {
        ISSUER: issuer,
        PORT: String(port),
        CLIENT_ID: 'orders-api',
        CLIENT_SECRET: 'orders-api-secret',
        RESOURCE: resourceOf(style),
        VERIFY: style === 'opaque' ? 'introspection' : 'keys',
        CA: ca,
      },
      stopWith: 'SIGTERM',
    })),
  );
}

async function startWorld(style: Style) {
  const directory = await mkdtemp(path.join(tmpdir(), 'tallystick-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await chmod(directory, 0o755); // Apache reads `ca.pem` as another user.
  const [issuerPort, port, sampleApiPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const issuer = `https://localhost:${issuerPort}`;
  const api = await startApi(issuer, style, path.join(directory, 'ca.pem'));
  const start = startOneProcess(
    (config) => ({
      ...config,
      issuer,
      tls: { selfMade: true, directory },
      authorizationServer: { ...config.authorizationServer, port: issuerPort },
      sampleApi: { ...config.sampleApi, port: sampleApiPort },
      gateway: {
        ...config.gateway,
        port,
        routes: [{ prefix: '/apache', api: resourceOf(style), upstream: api.url, scopes: { '*': ['read'] } }],
      },
    }),
    'configured',
  );
  const world = await startForTest(start);
  const client = tlsClient(String(world.ca));
  onTestFinished(client.close);

  const tokenFor = async (audience: Style) => {
    const answer = await client.fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        resource: resourceOf(audience),
        scope: 'read',
      }),
    });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    world.log.secret(token);
    return token;
  };
  const call = (origin: string, token: string) =>
    client.fetch(`${origin}/apache/hello`, { headers: { Authorization: `Bearer ${token}` } });
  return { tokenFor, call, gateway: world.gateways[0], apache: api.url };
}

(apacheIsThere ? test : test.skip).each(STYLES)(
  requirement('real-clients', 'mod_auth_openidc as a resource server: %s'),
  async (style) => {
    const { tokenFor, call, gateway, apache } = await startWorld(style);
    const answer = await call(gateway, await tokenFor(style));
    expect([answer.status, await answer.json()]).toEqual([200, { client: 'demo-service' }]);

    const forOtherApi = await tokenFor(style === 'jwt' ? 'opaque' : 'jwt');
    expect((await call(gateway, forOtherApi)).status).toBe(401);
    expect((await call(apache, forOtherApi)).status).toBe(401);
  },
);
