import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser, createBrowser } from '@tallystick/testing/sign_in';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, SignJWT } from 'jose';
import { parse } from 'yaml';
import { type Control, controlAt } from '../support/worlds/controlled.ts';
import { startLoadBalancer } from '../support/worlds/load_balancer.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { DEMO_CONFIG, resourceOf } from '../support/worlds/world.ts';

/** Redirect URI of the client `portal`, where users sign in. */
export const PORTAL = 'https://portal.example.com/callback';

const IDP = 'https://idp.example.com';
/** Seconds: the longest there are, so that a busy machine makes no theft of what is a race. */
const GRACE = 60;

type Pair<T> = readonly [T, T];

/** Two authorization servers, two gateways and one Redis. */
export interface RaceWorld extends ManyProcesses {
  /** The authorization servers, each at its own address. */
  readonly servers: Pair<string>;
  readonly doors: Pair<string>;
  /** One more gateway, which is two workers. */
  readonly workers: string;
  /** The address that the gateways have in common. */
  readonly publicUrl: string;
  readonly control: Pair<Control>;
  /** A browser where alice has signed in before, if its session has not been ended since. */
  readonly alice: Browser;
  /** The keys of the client `racer`, which authenticates with them. */
  readonly clientKeys: GenerateKeyPairResult;
  /** An assertion of a trusted issuer about alice (RFC 7523). */
  assertion(): Promise<string>;
}

/** What `startManyProcesses` starts, with what races need: a token handler, a trusted issuer, a client with keys. */
export async function startRaceWorld(): Promise<RaceWorld> {
  const [clientKeys, idpKeys] = await Promise.all([0, 1].map(() => generateKeyPair('ES256', { extractable: true })));
  if (clientKeys === undefined || idpKeys === undefined) throw new Error('there are no keys');
  const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-'));
  const config = path.join(folder, 'config.json');
  await writeFile(config, JSON.stringify(await configuration(clientKeys, idpKeys)));
  const loadBalancer = await startLoadBalancer();
  const world = await startManyProcesses({
    config,
    environment: { TALLYSTICK_GATEWAY_PUBLIC_URL: loadBalancer.url, TALLYSTICK_CONTROL_API_PORT: '0' },
  });
  loadBalancer.targets = [...world.gateways];
  const servers = world.authorizationServers();
  return {
    ...world,
    servers: pair(servers.map(({ url }) => url)),
    doors: pair(world.gateways),
    workers: await world.startGateway({}, ['--workers', '2']),
    publicUrl: loadBalancer.url,
    control: pair(servers.map(({ controlUrl }) => controlAt(String(controlUrl)))),
    alice: createBrowser(world),
    clientKeys,
    async assertion() {
      const jwt = await new SignJWT({ iss: IDP, sub: 'alice', aud: world.issuer })
        .setProtectedHeader({ alg: 'ES256' })
        .setJti(crypto.randomUUID())
        .setExpirationTime('5m')
        .sign(idpKeys.privateKey);
      world.log.secret(jwt);
      return jwt;
    },
    async stop() {
      await world.stop();
      await loadBalancer.stop();
      await rm(folder, { recursive: true });
    },
  };
}

function pair<T>([one, other]: readonly T[]): Pair<T> {
  if (one === undefined || other === undefined) throw new Error('there are not two');
  return [one, other];
}

async function configuration(clientKeys: GenerateKeyPairResult, idpKeys: GenerateKeyPairResult): Promise<object> {
  const demo = parse(await readFile(DEMO_CONFIG, 'utf8'));
  const jwksOf = async ({ publicKey }: GenerateKeyPairResult) => ({
    keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }],
  });
  const racer = {
    id: 'racer',
    grants: ['client_credentials'],
    metadata: { token_endpoint_auth_method: 'private_key_jwt', jwks: await jwksOf(clientKeys) },
  };
  // Other than a native one, a client on the web gets a user who is signed in and consented without a page in between.
  const portal = {
    id: 'portal',
    secret: 'portal-secret',
    grants: ['authorization_code', 'refresh_token'],
    redirectUris: [PORTAL],
  };
  return {
    ...demo,
    controlApi: { enabled: true, host: '127.0.0.1' },
    authorizationServer: {
      ...demo.authorizationServer,
      reuseGrace: { refreshToken: GRACE },
      registeredClientCredentials: true,
    },
    trustedIssuers: [{ issuer: IDP, jwks: await jwksOf(idpKeys) }],
    clients: [...demo.clients.map(withMore), racer, portal],
    gateway: {
      ...demo.gateway,
      tokenHandlers: [{ client: { id: 'demo-web' }, api: resourceOf('phantom'), scopes: ['read'] }],
      routes: [
        ...demo.gateway.routes,
        {
          prefix: '/browser',
          api: resourceOf('phantom'),
          scopes: { '*': ['read'] },
          tokenCookie: { name: '__Host-tallystick' },
        },
      ],
    },
  };
}

function withMore(client: { id: string; grants: string[]; redirectUris?: string[] }): object {
  if (client.id === 'demo-service') return { ...client, grants: [...client.grants, 'jwt_bearer'] };
  if (client.id !== 'demo-web') return client;
  return { ...client, redirectUris: [...(client.redirectUris ?? []), 'http://127.0.0.1/oauth-agent/callback'] };
}
