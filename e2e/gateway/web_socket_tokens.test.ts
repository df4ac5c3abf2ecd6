import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tokenKey } from '@tallystick/token-store';
import * as oidc from 'openid-client';
import { WebSocket } from 'ws';
import { requirement } from '../requirements/index.ts';
import { demoService, serviceToken } from '../support/clients/clients.ts';
import { type StreamingApi, startStreamingApi } from '../support/peers/streaming_api.ts';
import { type Control, controlAt } from '../support/worlds/controlled.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { resourceOf, STYLES, type Style } from '../support/worlds/world.ts';

let api: StreamingApi;
let world: ManyProcesses;
let control: Control;
const clients: WebSocket[] = [];

beforeAll(async () => {
  api = await startStreamingApi(0);
  world = await startManyProcesses({
    environment: {
      TALLYSTICK_CONTROL_API_ENABLED: 'true',
      TALLYSTICK_CONTROL_API_PORT: '0',
      TALLYSTICK_CONTROL_API_HOST: '127.0.0.1',
    },
    gatewayEnvironment: { TALLYSTICK_SAMPLE_API_URL: api.url },
  });
  control = controlAt(String(world.authorizationServers()[0]?.controlUrl));
});
afterAll(async () => {
  for (const client of clients) client.terminate();
  await world.stop();
  await api.stop();
});

/** Opens a WebSocket at a gateway. */
async function open(style: Style, token: string, gateway: string = world.gateways[0]) {
  const webSocket = new WebSocket(`${gateway}/${style}/socket`, { headers: { Authorization: `Bearer ${token}` } });
  clients.push(webSocket);
  const closed = once(webSocket, 'close').then(([code, reason]) => [code, String(reason)]);
  await once(webSocket, 'open');
  return {
    closed,
    async echoes() {
      const echo = once(webSocket, 'message');
      webSocket.send('still there');
      expect(String((await echo)[0])).toBe('still there');
    },
  };
}

/** Issues a token to `demo-service` without a flow. */
async function mint(style: Style, request: object): Promise<string> {
  const { body } = await control('POST', '/tokens', {
    ...{ client: 'demo-service', api: resourceOf(style), scopes: ['read'] },
    ...request,
  });
  world.log.secret(body.accessToken, body.jwt);
  return body.accessToken;
}

test.each(STYLES)(requirement('web-socket-ends-with-its-token', 'expiry: %s'), async (style) => {
  const lasting = await open(style, await serviceToken(world, style));
  const passing = await open(style, await mint(style, { expiresIn: 4 }));
  await passing.echoes();
  expect(await passing.closed).toEqual([4401, 'access token expired']);
  await lasting.echoes();
});

test.each(['opaque', 'phantom', 'split'] as const)(
  requirement('web-socket-ends-with-its-token', 'revocation, at every gateway: %s'),
  async (style) => {
    const [token, otherToken] = [await serviceToken(world, style), await serviceToken(world, style)];
    const other = await open(style, otherToken);
    const opened = await Promise.all(world.gateways.map((gateway) => open(style, token, gateway)));
    for (const { echoes } of opened) await echoes();
    await oidc.tokenRevocation(await demoService(world), token);
    for (const { closed } of opened) expect(await closed).toEqual([4401, 'access token revoked']);
    await other.echoes();
  },
);

test.each(['opaque', 'phantom', 'split'] as const)(
  requirement('web-socket-ends-with-its-token', 'its client is removed: %s'),
  async (style) => {
    const client = { id: 'passing', secret: 'passing-secret', grants: ['client_credentials'] };
    expect((await control('PUT', '/clients', client)).status).toBe(201);
    // Only this server has the client.
    world.loadBalancer.targets = [String(world.authorizationServers()[0]?.url)];
    const opened = await open(style, await mint(style, { client: client.id }));
    await opened.echoes();
    expect((await control('DELETE', '/clients/passing')).status).toBe(204);
    expect(await opened.closed).toEqual([4401, 'access token revoked']);
    world.loadBalancer.targets = world.authorizationServers().map(({ url }) => url);
  },
);

test(requirement('web-socket-ends-with-its-token', 'a revocation while the feed is down'), async () => {
  const [good, revoked] = [await serviceToken(world, 'split'), await serviceToken(world, 'split')];
  const [stays, goes] = [await open('split', good), await open('split', revoked)];
  await world.redisRelay.cut();
  // The token is deleted in Redis without a message on the feed.
  expect(await world.redis.del(`${world.prefix}{${tokenKey(revoked)}}:signing-input`)).toBe(1);
  await stays.echoes();
  await goes.echoes();
  await world.redisRelay.restore();
  expect(await goes.closed).toEqual([4401, 'access token revoked']);
  await stays.echoes();
});
