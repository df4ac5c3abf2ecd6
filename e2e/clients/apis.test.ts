import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { type Program, startProgram } from '../support/peers/program.ts';
import { startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf } from '../support/worlds/world.ts';
import { API_LIBRARIES } from './table.ts';

/** The style `opaque` has no JWT. */
const STYLES = ['jwt', 'phantom', 'split'] as const;
const AUDIENCE = 'my-api';

/** An authorization server for the tests of an API. */
interface Issuer {
  readonly url: string;
  stop(): Promise<void>;
}

/** What the tests of an API start: a mock, or Tallystick in its place. */
const ISSUERS: Readonly<Record<string, () => Promise<Issuer>>> = {
  async 'oauth2-mock-server'() {
    const { url, stop } = await start('oauth2_mock_server.mjs');
    const discovery = await fetch(`${url}/.well-known/openid-configuration`);
    const { issuer } = (await discovery.json()) as { issuer: string };
    return { url: issuer, stop };
  },
  async 'a permissive issuer'() {
    const world = await startOneProcess((config) => ({ ...config, permissive: true }));
    return { url: world.issuer, stop: world.stop };
  },
};

const startApi = (program: string, issuer: string) => start(program, { ISSUER: issuer, AUDIENCE });

function start(program: string, environment: Record<string, string> = {}): Promise<Program> {
  const file = fileURLToPath(new URL(`applications/${program}`, import.meta.url));
  return startProgram(program, async (_folder, port) => ({
    command: process.execPath,
    args: [file],
    environment: { PORT: String(port), ...environment },
    stopWith: 'SIGTERM',
  }));
}

/** A token request as the users of oauth2-mock-server send it: in JSON, without a client. */
async function requestToken(issuer: string, parameters: object): Promise<string> {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(parameters),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  expect(answer.status).toBe(200);
  return token;
}

async function me(api: string, token?: string) {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${api}/me`, { headers });
  return { status: answer.status, claims: answer.ok ? await answer.json() : undefined };
}

describe.each(Object.entries(ISSUERS))('%s', (_issuer, startIssuer) => {
  let issuer: Issuer;
  beforeAll(async () => {
    issuer = await startIssuer();
  });
  afterAll(() => issuer?.stop());

  describe.each(Object.entries(API_LIBRARIES))('%s', (_library, program) => {
    let api: Program;
    beforeAll(async () => {
      api = await startApi(program, issuer.url);
    });
    afterAll(() => api?.stop());

    test(requirement('real-clients', 'an API accepts a token for it'), async () => {
      const token = await requestToken(issuer.url, { grant_type: 'client_credentials', scope: 'read', aud: AUDIENCE });
      expect(await me(api.url, token)).toMatchObject({ status: 200, claims: { iss: issuer.url, scope: 'read' } });
    });

    test(requirement('real-clients', 'an API refuses a token for another one, and no token'), async () => {
      const token = await requestToken(issuer.url, { grant_type: 'client_credentials', aud: 'another-api' });
      expect((await me(api.url, token)).status).toBe(401);
      expect((await me(api.url)).status).toBe(401);
      const [header, claims] = token.split('.');
      expect((await me(api.url, `${header}.${claims}.${'A'.repeat(342)}`)).status).toBe(401);
    });
  });
});

describe.each(Object.entries(API_LIBRARIES))('%s behind the gateway', (_library, program) => {
  test(requirement('real-clients', 'an API accepts the JWTs that the gateway forwards'), async () => {
    const world = await startOneProcess();
    const api = await startApi(program, world.issuer);
    try {
      const { config } = world.tallystick;
      await world.tallystick.replace({
        ...config,
        apis: config.apis.map((known) => ({ ...known, audience: AUDIENCE, signingAlgorithm: 'RS256' })),
        gateway: {
          ...config.gateway,
          routes: STYLES.map((style) => ({ prefix: `/${style}`, api: resourceOf(style), upstream: api.url })),
        },
      });
      for (const style of STYLES) {
        const { accessToken } = await world.tallystick.token({ client: 'demo-service', api: resourceOf(style) });
        world.log.secret(accessToken);
        const { status, claims } = await me(`${world.gateways[0]}/${style}`, accessToken);
        expect([style, status, claims]).toMatchObject([style, 200, { aud: AUDIENCE, client_id: 'demo-service' }]);
        if (style !== 'jwt') expect((await me(api.url, accessToken)).status).toBe(401);
      }
    } finally {
      await api.stop();
      await world.stop();
    }
  });
});
