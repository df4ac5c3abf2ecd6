import { discover } from '@tallystick/testing/sign_in';
import { decodeJwt, type JWTPayload } from 'jose';
import * as oidc from 'openid-client';
import { resourceOf, type Style, type World } from '../worlds/world.ts';

/** `demo-service`, as openid-client sees it. */
export async function demoService(world: World): Promise<oidc.Configuration> {
  return discover(world, 'demo-service', 'demo-service-secret', oidc.ClientSecretBasic('demo-service-secret'));
}

/** `demo-web`, a public client. */
export async function demoWeb(world: World): Promise<oidc.Configuration> {
  return discover(world, 'demo-web');
}

/** `demo-backend`, an API that calls other APIs for its callers. */
export async function demoBackend(world: World): Promise<oidc.Configuration> {
  return discover(world, 'demo-backend', 'demo-backend-secret', oidc.ClientSecretBasic('demo-backend-secret'));
}

/** Gets a token for the API of that style with client credentials. */
export async function serviceToken(world: World, style: Style, scope = 'read'): Promise<string> {
  const answer = await oidc.clientCredentialsGrant(await demoService(world), { resource: resourceOf(style), scope });
  world.log.secret(answer.access_token);
  return answer.access_token;
}

/** Calls the API of that style through a gateway. */
export function call(gateway: string, style: Style, token?: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
  return fetch(`${gateway}/${style}/hello`, { ...init, headers });
}

/** The sample API's description of the request that it got. */
export interface Shown {
  style: Style;
  method: string;
  path: string;
  headers: Record<string, string>;
  claims: Record<string, unknown>;
}

/** Calls an API and expects success. */
export async function shown(gateway: string, style: Style, token: string, init: RequestInit = {}): Promise<Shown> {
  const answer = await call(gateway, style, token, init);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Shown;
}

/** The claims that the API of that style gets: from the JWT, or from introspection of an opaque token. */
export async function issuedClaims(world: World, style: Style, token: string): Promise<JWTPayload> {
  if (style === 'jwt') return decodeJwt(token);
  if (style === 'opaque') return (await introspect(world, token)) as JWTPayload;
  return renderedClaims(world, token);
}

/** The claims of the JWT that a reference token stands for. */
export async function renderedClaims(world: World, token: string): Promise<JWTPayload> {
  return decodeJwt(await (await askIntrospection(world, token, 'application/jwt')).text());
}

/** The claims of a signed introspection response (RFC 9701). */
export async function introspectSigned(world: World, token: string): Promise<unknown> {
  const answer = await askIntrospection(world, token, 'application/token-introspection+jwt');
  return decodeJwt(await answer.text()).token_introspection;
}

/** The introspection response as JSON (RFC 7662). */
export async function introspect(world: World, token: string): Promise<Record<string, unknown>> {
  return (await (await askIntrospection(world, token, 'application/json')).json()) as Record<string, unknown>;
}

function askIntrospection({ issuer }: World, token: string, accept: string): Promise<Response> {
  return fetch(`${issuer}/token/introspection`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('gateway:gateway-secret')}`, Accept: accept },
    body: new URLSearchParams({ token }),
  });
}
