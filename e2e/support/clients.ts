import * as oidc from 'openid-client';
import { resourceOf, type Style, type World } from './world.ts';

/** `demo-service`, as openid-client sees it. */
export async function demoService({ issuer }: World): Promise<oidc.Configuration> {
  return discover(issuer, 'demo-service', 'demo-service-secret', oidc.ClientSecretBasic('demo-service-secret'));
}

/** `demo-web`, a public client. */
export async function demoWeb({ issuer }: World): Promise<oidc.Configuration> {
  return discover(issuer, 'demo-web', undefined, oidc.None());
}

/** `demo-backend`, an API that calls other APIs for its callers. */
export async function demoBackend({ issuer }: World): Promise<oidc.Configuration> {
  return discover(issuer, 'demo-backend', 'demo-backend-secret', oidc.ClientSecretBasic('demo-backend-secret'));
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

/** What the sample API says of the request that reached it. */
export interface Shown {
  style: Style;
  method: string;
  path: string;
  headers: Record<string, string>;
  claims: Record<string, unknown>;
}

/** Calls and expects to get through. */
export async function shown(gateway: string, style: Style, token: string, init: RequestInit = {}): Promise<Shown> {
  const answer = await call(gateway, style, token, init);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Shown;
}

function discover(issuer: string, id: string, secret: string | undefined, authentication: oidc.ClientAuth) {
  return oidc.discovery(new URL(issuer), id, secret, authentication, { execute: [oidc.allowInsecureRequests] });
}
