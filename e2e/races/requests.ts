import { randomBytes } from 'node:crypto';
import { type Browser, follow, open } from '@tallystick/testing/sign_in';
import * as oidc from 'openid-client';
import { call } from '../support/clients/clients.ts';
import { resourceOf, type Style } from '../support/worlds/world.ts';
import { PORTAL, type RaceWorld } from './race_world.ts';

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A token request, or any other with a form, as a client with a secret, or as a public one. */
export async function post(url: string, form: Record<string, string>, client: string): Promise<Answer> {
  const isPublic = client === 'demo-web' || client === 'demo-tv';
  const headers: Record<string, string> = isPublic
    ? {}
    : { Authorization: `Basic ${btoa(`${client}:${client}-secret`)}` };
  const body = new URLSearchParams(isPublic ? { ...form, client_id: client } : form);
  const answer = await fetch(url, { method: 'POST', headers, body });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
}

/** In a word: the error of RFC 6749 section 5.2, or `tokens`. */
export function wordOf({ status, body }: Answer): string {
  if (status === 200) return 'access_token' in body ? 'tokens' : 'done';
  return status >= 400 && status < 500 && typeof body.error === 'string' ? body.error : `${status}`;
}

/** Several token requests that want the same, and the tokens that they get. */
export function tokenRequests(world: RaceWorld) {
  const got: Answer['body'][] = [];

  async function request(server: string, form: Record<string, string>, client: string): Promise<string> {
    const answer = await post(`${server}/token`, form, client);
    const { access_token, refresh_token, id_token } = answer.body;
    if (access_token !== undefined) got.push(answer.body);
    world.log.secret(...[access_token, refresh_token, id_token].flatMap((token) => (token ? String(token) : [])));
    return wordOf(answer);
  }

  return {
    got,
    request,
    /** `alive` when each access token that was got is good at each gateway, `dead` when none is at any. */
    lives: (style: Style) => live(world, style, ...got.map(({ access_token }) => String(access_token))),
  };
}

/** `alive` when each token is good at each gateway, `dead` when none is at any. */
export async function live(world: RaceWorld, style: Style, ...tokens: string[]): Promise<string> {
  const statuses = await Promise.all(
    tokens.flatMap((token) => world.doors.map(async (door) => (await call(door, style, token)).status)),
  );
  if (statuses.every((status) => status === 401)) return 'dead';
  return statuses.every((status) => status === 200) ? 'alive' : statuses.join(', ');
}

export async function revoke(server: string, token: string, client: string): Promise<string> {
  const answer = await post(`${server}/token/revocation`, { token }, client);
  return answer.status === 200 ? 'revoked' : wordOf(answer);
}

const VERIFIER = 'v'.repeat(43);

/** What `portal` asks a user for. */
export async function authorizationRequest(style: Style) {
  return {
    client_id: 'portal',
    response_type: 'code',
    redirect_uri: PORTAL,
    scope: 'openid read',
    resource: resourceOf(style),
    code_challenge: await oidc.calculatePKCECodeChallenge(VERIFIER),
    code_challenge_method: 'S256',
  };
}

/** What redeems a code that `portal` got. */
export function codeGrant(code: string) {
  return { grant_type: 'authorization_code', code, redirect_uri: PORTAL, code_verifier: VERIFIER };
}

/** Alice signs in at `portal`, or is signed in. @returns what redeems her code */
export async function freshCode(world: RaceWorld, style: Style, browser: Browser = world.alice) {
  const query = new URLSearchParams(await authorizationRequest(style));
  const callback = await follow(world, browser, await open(browser, `/auth?${query}`));
  const code = callback instanceof URL ? callback.searchParams.get('code') : undefined;
  if (!code) throw new Error(`no code: ${callback}`);
  world.log.secret(code);
  return codeGrant(code);
}

/** Tokens for alice, with a grant of their own, by way of her phone. */
export async function freshTokens(world: RaceWorld, style: Style) {
  const { auth_req_id } = await askAlice(world, style);
  await decide(world, 0, auth_req_id, 'approve');
  const { got, request } = tokenRequests(world);
  await request(world.servers[0], { grant_type: CIBA, auth_req_id }, 'demo-bank');
  const { access_token, refresh_token } = got[0] ?? {};
  return { accessToken: String(access_token), refreshToken: String(refresh_token) };
}

export const CIBA = 'urn:openid:params:grant-type:ciba';

/** A client asks alice for her approval. */
export async function askAlice(world: RaceWorld, style: Style) {
  const message = randomBytes(8).toString('hex');
  const form = { scope: 'openid read', login_hint: 'alice', resource: resourceOf(style), binding_message: message };
  const { body } = await post(`${world.servers[0]}/backchannel`, form, 'demo-bank');
  world.log.secret(String(body.auth_req_id));
  return { auth_req_id: String(body.auth_req_id), message };
}

/** Decides through the control API of one server. */
export async function decide(world: RaceWorld, which: 0 | 1, authReqId: string, decision: 'approve' | 'deny') {
  const answer = await world.control[which]('POST', '/backchannel-requests/decisions', { authReqId, decision });
  if (answer.status === 204) return decision === 'approve' ? 'approved' : 'denied';
  return answer.status === 400 ? 'too late' : `${answer.status}`;
}
