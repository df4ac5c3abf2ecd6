import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rawRequest } from '@tallystick/testing/raw_client';
import { decodeJwt } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { demoService, issuedClaims, serviceToken, shown } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { type LoadBalancer, startLoadBalancer } from '../support/worlds/load_balancer.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

/** Endpoints that a browser visits. Clients call all other endpoints themselves. */
const FOR_BROWSERS = ['authorization_endpoint', 'end_session_endpoint'];

let world: ManyProcesses;
/** The address inside a container network. */
let backChannel: LoadBalancer;
beforeAll(async () => {
  backChannel = await startLoadBalancer();
  world = await startManyProcesses({
    environment: { TALLYSTICK_AUTHORIZATION_SERVER_BACK_CHANNEL_URL: backChannel.url },
  });
  backChannel.targets = world.loadBalancer.targets;
});
afterAll(async () => {
  await world?.stop();
  await backChannel.stop();
});

async function discovered(at: string): Promise<oidc.ServerMetadata> {
  return (await (await fetch(`${at}/.well-known/openid-configuration`)).json()) as oidc.ServerMetadata;
}

function endpointsOf(metadata: object): [name: string, url: string][] {
  return Object.entries(metadata).filter(([name]) => /_endpoint$|^jwks_uri$/.test(name));
}

/** A client in a container: it knows the back-channel address only. */
async function clientInside(id: string, secret?: string): Promise<oidc.Configuration> {
  const authentication = secret === undefined ? oidc.None() : oidc.ClientSecretBasic(secret);
  const client = new oidc.Configuration(await discovered(backChannel.url), id, secret, authentication);
  oidc.allowInsecureRequests(client);
  return client;
}

test(requirement('one-issuer-two-channels', 'discovery'), async () => {
  const outside = await discovered(world.issuer);
  const inside = await discovered(backChannel.url);
  expect([outside.issuer, inside.issuer]).toEqual([world.issuer, world.issuer]);
  expect(endpointsOf(outside).length).toBeGreaterThan(8);
  for (const [name, url] of endpointsOf(outside)) expect([name, new URL(url).origin]).toEqual([name, world.issuer]);
  for (const [name, url] of endpointsOf(inside)) {
    const expected = FOR_BROWSERS.includes(name) ? world.issuer : backChannel.url;
    expect([name, new URL(url).origin]).toEqual([name, expected]);
  }
});

test.each(STYLES)(requirement('one-issuer-two-channels', 'equal tokens: %s'), async (style) => {
  const inside = await oidc.clientCredentialsGrant(await clientInside('demo-service', 'demo-service-secret'), {
    resource: resourceOf(style),
    scope: 'read',
  });
  world.log.secret(inside.access_token);
  const lasting = async (token: string) => {
    const { iat, exp, jti, ...claims } = await issuedClaims(world, style, token);
    expect([iat, exp, jti].filter((claim) => claim !== undefined).length).toBeGreaterThan(1);
    return claims;
  };
  const claims = await lasting(inside.access_token);
  expect(claims.iss).toBe(world.issuer);
  expect(claims).toEqual(await lasting(await serviceToken(world, style)));
  for (const gateway of world.gateways)
    expect((await shown(gateway, style, inside.access_token)).claims.iss).toBe(world.issuer);
});

test(requirement('one-issuer-two-channels', 'a sign-in with the browser outside and the client inside'), async () => {
  const client = await clientInside('demo-web');
  const { tokens } = await signIn(world, { client, style: 'phantom' });
  expect(decodeJwt(String(tokens.id_token)).iss).toBe(world.issuer);
  const { claims } = await shown(world.gateways[0], 'phantom', tokens.access_token);
  expect(claims).toMatchObject({ sub: 'alice', iss: world.issuer });
  expect(backChannel.count('/token')).toBeGreaterThan(0);
  expect(backChannel.count('/auth')).toBe(0);
});

test(requirement('one-issuer-two-channels', 'a DPoP proof is for the address that the client calls'), async () => {
  const [inside, outside] = [await clientInside('demo-service', 'demo-service-secret'), await demoService(world)];
  for (const client of [inside, outside]) {
    const DPoP = oidc.getDPoPHandle(client, await oidc.randomDPoPKeyPair());
    const bound = await oidc.clientCredentialsGrant(client, { resource: resourceOf('jwt') }, { DPoP });
    world.log.secret(bound.access_token);
    expect(bound.token_type).toBe('dpop');
  }
});

test(requirement('one-issuer-two-channels', 'an unknown Host changes no endpoint'), async () => {
  const head = 'GET /.well-known/openid-configuration HTTP/1.1\r\nHost: evil.localhost\r\nConnection: close\r\n\r\n';
  const answer = await rawRequest(world.issuer, head);
  expect(answer.body).toContain(`${world.issuer}/token`);
  expect(answer.body).not.toContain('evil');
});
