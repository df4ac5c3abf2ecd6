import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createCa, selfSigned, type TestCa } from '@tallystick/testing/certificates';
import { listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { rawRequest } from '@tallystick/testing/raw_client';
import * as oidc from 'openid-client';
import type { Config, ConfigInput } from 'tallystick';
import { WebSocket, WebSocketServer } from 'ws';
import { requirement } from '../requirements/index.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { type TlsClient, tlsClient } from '../support/clients/tls_client.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES, type Style } from '../support/worlds/world.ts';

const LOCALHOST = { subject: 'CN=localhost', alternatives: [{ type: 'dns', value: 'localhost' } as const] };

let folder: string;
let ca: TestCa;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallystick-'));
  ca = await createCa('Example CA');
});
afterAll(() => rm(folder, { recursive: true }));

function startWithTls(
  tls: ConfigInput['tls'],
  change: (config: Config) => ConfigInput = (config) => config,
): Promise<OneProcess> {
  return startOneProcess((config) => ({ ...change({ ...config, issuer: 'https://localhost:4000' }), tls }));
}

/** Gets a token of that style and calls an API through the gateway. @returns the response of the API */
async function callWithNewToken(world: OneProcess, { fetch }: TlsClient, style: Style): Promise<Response> {
  const answer = await fetch(`${world.issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: resourceOf(style), scope: 'read' }),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  world.log.secret(token);
  return fetch(`${world.gateways[0]}/${style}/hello`, { headers: { Authorization: `Bearer ${token}` } });
}

describe('With a self-made certificate', () => {
  let world: OneProcess;
  let client: TlsClient;
  beforeAll(async () => {
    world = await startWithTls({ selfMade: true, directory: join(folder, 'self-made') }, (config) => ({
      ...config,
      controlApi: { enabled: true },
    }));
    client = tlsClient(String(world.tallystick.ca));
  });
  afterAll(async () => {
    await client?.close();
    await world?.stop();
  });

  test.each(STYLES)(requirement('https', 'self-made, %s'), async (style) => {
    expect((await callWithNewToken(world, client, style)).status).toBe(200);
  });

  test(
    requirement('https', 'clients that trust the distributed CA reach every server; other clients do not'),
    async () => {
      const { issuer, gatewayUrl, sampleApiUrl, controlUrl, caFile } = world.tallystick;
      expect(await readFile(String(caFile), 'utf8')).toBe(world.tallystick.ca);
      const other = tlsClient(ca.cert);
      const paths = [issuer, gatewayUrl, sampleApiUrl, controlUrl].map((url) => new URL(String(url)));
      for (const url of paths) {
        expect(url.protocol).toBe('https:');
        expect((await client.fetch(url)).status).toBeLessThan(500);
        await expect(other.fetch(url)).rejects.toThrow('fetch failed');
      }
      await other.close();
    },
  );

  test(requirement('https', 'every URL in the discovery document is an HTTPS URL'), async () => {
    const answer = await client.fetch(`${world.issuer}/.well-known/openid-configuration`);
    const metadata = (await answer.json()) as Record<string, unknown>;
    for (const [name, value] of Object.entries(metadata)) {
      if (name === 'issuer' || name.endsWith('_endpoint') || name.endsWith('_uri')) {
        expect([name, String(value).startsWith(world.issuer)]).toEqual([name, true]);
      }
    }
  });

  test(requirement('https', 'cookies are marked as Secure'), async () => {
    const query = new URLSearchParams({
      client_id: 'demo-web',
      response_type: 'code',
      redirect_uri: 'http://127.0.0.1:53682/callback',
      scope: 'openid',
      code_challenge: 'A'.repeat(43),
      code_challenge_method: 'S256',
    });
    const answer = await client.fetch(`${world.issuer}/auth?${query}`, { redirect: 'manual' });
    const cookies = answer.headers.getSetCookie();
    expect(cookies.length).toBeGreaterThan(0);
    for (const cookie of cookies) expect(cookie).toMatch(/; secure/i);
  });

  test(requirement('https', 'openid-client signs a user in and refreshes the tokens'), async () => {
    const openIdClient = await oidc.discovery(new URL(world.issuer), 'demo-web', undefined, oidc.None(), {
      [oidc.customFetch]: client.fetch as oidc.CustomFetch,
    });
    const { tokens } = await signIn(world, {
      style: 'split',
      client: openIdClient,
      scope: 'openid read offline_access',
    });
    const resource = resourceOf('split');
    const refreshed = await oidc.refreshTokenGrant(openIdClient, String(tokens.refresh_token), { resource });
    world.log.secret(refreshed.access_token, refreshed.refresh_token);
    const headers = { Authorization: `Bearer ${refreshed.access_token}` };
    expect((await client.fetch(`${world.gateways[0]}/split/hello`, { headers })).status).toBe(200);
  });

  test(requirement('https', 'plain HTTP and old TLS get no answer'), async () => {
    for (const url of [world.issuer, world.gateways[0], world.sampleApi]) {
      expect(
        (await rawRequest(url, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n').catch(() => undefined))?.status ?? 0,
      ).toBe(0);
      const { port } = new URL(url);
      const old = connect({
        host: 'localhost',
        port: Number(port),
        ca: world.tallystick.ca,
        maxVersion: 'TLSv1.1',
        minVersion: 'TLSv1.1',
      });
      await expect(once(old, 'secureConnect')).rejects.toThrow(/SSL|TLS/i);
    }
  });

  test(requirement('https', 'one connection to the gateway serves many requests'), async () => {
    const { port } = new URL(world.gateways[0]);
    const socket = connect({ host: 'localhost', port: Number(port), ca: world.tallystick.ca });
    await once(socket, 'secureConnect');
    for (let index = 0; index < 3; index++) {
      socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      expect(await firstLine(socket)).toBe('HTTP/1.1 200 OK');
    }
    socket.destroy();
  });
});

async function firstLine(socket: TLSSocket): Promise<string> {
  const [chunk] = await once(socket, 'data');
  return String(chunk).split('\r\n')[0] ?? '';
}

describe('With a given certificate', () => {
  let world: OneProcess | undefined;
  afterEach(async () => {
    await world?.stop();
    world = undefined;
  });

  test(requirement('https', 'a private CA issued the certificate, which is in files'), async () => {
    const server = await ca.certify(LOCALHOST);
    const files = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ca: join(folder, 'ca.pem') };
    await writeFile(files.certificate, server.cert);
    await writeFile(files.key, server.key);
    await writeFile(files.ca, ca.cert);
    world = await startWithTls(files);
    expect(world.tallystick).toMatchObject({ ca: ca.cert, caFile: files.ca });
    const client = tlsClient(ca.cert);
    for (const style of STYLES) expect((await callWithNewToken(world, client, style)).status).toBe(200);
    await client.close();
  });

  test(requirement('https', 'the certificate is self-signed and in the configuration'), async () => {
    const { cert, key } = await selfSigned(LOCALHOST);
    world = await startWithTls({ certificate: cert, key });
    const client = tlsClient(String(world.tallystick.ca));
    for (const style of STYLES) expect((await callWithNewToken(world, client, style)).status).toBe(200);
    await client.close();
  });

  test(requirement('https', 'a WebSocket reaches an API whose CA is in the configuration'), async () => {
    const server = createServer(await ca.certify(LOCALHOST));
    new WebSocketServer({ server }).on('connection', (socket) => {
      socket.on('message', (data) => socket.send(`echo ${data}`));
    });
    const { origin: upstream } = await startForTest(listen(server, { host: 'localhost' }));
    world = await startWithTls({ selfMade: true, directory: join(folder, 'socket'), ca: ca.cert }, (config) => ({
      ...config,
      gateway: { ...config.gateway, routes: [{ prefix: '/socket', api: resourceOf('split'), upstream }] },
    }));
    const { accessToken } = await world.tallystick.token({ client: 'demo-service', api: resourceOf('split') });
    const socket = new WebSocket(`${world.gateways[0].replace('https', 'wss')}/socket`, {
      ca: world.tallystick.ca,
      headers: { Authorization: `Bearer ${accessToken}` },
    });
    await once(socket, 'open');
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe('echo hello');
    socket.terminate();
  });
});
