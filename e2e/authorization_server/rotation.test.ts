import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { decodeProtectedHeader } from 'jose';
import { requirement } from '../requirements/index.ts';
import { call } from '../support/clients/clients.ts';
import { controlAt } from '../support/worlds/controlled.ts';
import { startManyProcesses } from '../support/worlds/many_processes.ts';
import { startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES, type Style, type World } from '../support/worlds/world.ts';

interface Rotating extends World {
  /** Rotates to a key that signs at once, at each authorization server in turn. @returns the `kid` of the key */
  rotate(): Promise<string>;
}

const AT_ONCE = { announceFor: 0 };

async function oneProcess(): Promise<Rotating> {
  const world = await startOneProcess();
  return { ...world, rotate: async () => String((await world.tallystick.keys.rotate(AT_ONCE))[0]?.kid) };
}

async function manyProcesses(): Promise<Rotating> {
  const world = await startManyProcesses({
    environment: {
      TALLYSTICK_CONTROL_API_ENABLED: 'true',
      TALLYSTICK_CONTROL_API_PORT: '0',
      TALLYSTICK_CONTROL_API_HOST: '127.0.0.1',
    },
  });
  let turn = 0;
  return {
    ...world,
    async rotate() {
      const server = world.authorizationServers()[turn++ % 2];
      const { status, body } = await controlAt(String(server?.controlUrl))('POST', '/keys/rotation', AT_ONCE);
      expect(status).toBe(201);
      return body.keys[0].kid;
    },
  };
}

describe.each([
  ['one process', oneProcess],
  ['two authorization servers and two gateways on Redis', manyProcesses],
] as const)('%s', (name, start) => {
  let world: Rotating;
  beforeEach(async () => {
    world = await start();
  });
  afterEach(() => world.stop());

  test(requirement('keys-rotate', name), async () => {
    const seen = new Set<string>();
    const failures: string[] = [];
    let rotating = true;
    const callOn = async (style: Style, gateway: string) => {
      const first = await issue(world, style);
      while (rotating) {
        for (const token of [await issue(world, style), first]) {
          const answer = await call(gateway, style, token);
          const text = await answer.text();
          if (answer.status !== 200) failures.push(`${style} ${answer.status} ${text}`);
          else seen.add(`${style} ${kidOf(style, text)} at ${gateway}`);
        }
      }
    };
    const load = Promise.all(STYLES.flatMap((style) => world.gateways.map((gateway) => callOn(style, gateway))));
    for (let rotation = 0; rotation < 4; rotation++) {
      const kid = await world.rotate();
      const signed = STYLES.filter((style) => style !== 'opaque');
      const everywhere = signed.flatMap((style) => world.gateways.map((gateway) => `${style} ${kid} at ${gateway}`));
      await until(() => failures.length > 0 || everywhere.every((each) => seen.has(each)));
    }
    rotating = false;
    await load;
    expect(failures).toEqual([]);
  });
});

test(requirement('keys-rotate', 'a gateway in the same process needs no fetch'), async () => {
  const world = await startOneProcess();
  try {
    const { requests, keys } = world.tallystick;
    await until(() => requests.list({ endpoint: 'jwks' }).length > 0); // The first fetch of keys.
    requests.clear();
    const [{ kid } = { kid: '' }] = await keys.rotate(AT_ONCE);
    const token = await issue(world, 'split');
    const answer = await call(world.gateways[0], 'split', token);
    expect([answer.status, kidOf('split', await answer.text())]).toEqual([200, kid]);
    // The sample API sent this request: it is a resource server of its own.
    expect(requests.list({ endpoint: 'jwks' })).toHaveLength(1);
  } finally {
    await world.stop();
  }
});

async function issue(world: World, style: Style): Promise<string> {
  const answer = await fetch(`${world.issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: resourceOf(style), scope: 'read' }),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  world.log.secret(token);
  return token;
}

/** The `kid` of the key that signed the JWT that the sample API got. */
function kidOf(style: Style, shown: string): string | undefined {
  if (style === 'opaque') return undefined;
  const { headers } = JSON.parse(shown) as { headers: { authorization: string } };
  return decodeProtectedHeader(headers.authorization.replace('Bearer ', '')).kid;
}
