import { createBrowser, discover, submit, type Tokens } from '@tallystick/testing/sign_in';
import * as oidc from 'openid-client';
import { resourceOf, type Style, type World } from '../worlds/world.ts';

type BackchannelAuthentication = Awaited<ReturnType<typeof oidc.initiateBackchannelAuthentication>>;

/** `demo-bank`, which asks users on their own devices. */
export function demoBank(world: World): Promise<oidc.Configuration> {
  return discover(world, 'demo-bank', 'demo-bank-secret', oidc.ClientSecretBasic('demo-bank-secret'));
}

/** Requests a user's approval. */
export async function startBackchannel(
  world: World,
  client: oidc.Configuration,
  { style, user, message }: { style: Style; user: string; message: string },
  parameters: Record<string, string> = { login_hint: user },
): Promise<BackchannelAuthentication> {
  const started = await oidc.initiateBackchannelAuthentication(client, {
    resource: resourceOf(style),
    scope: 'openid read',
    binding_message: message,
    ...parameters,
  });
  world.log.secret(started.auth_req_id);
  return started;
}

/** Signs the user in on another device and decides on the request with the message. @returns the last page */
export async function decide(
  world: World,
  { user, message, decision }: { user: string; message: string; decision: 'approve' | 'deny' },
): Promise<string> {
  const browser = createBrowser(world);
  await submit(browser, (await browser.get('/ciba')).text, { user });
  const page = (await browser.get('/ciba')).text;
  const form = page.split(/(?=<form )/).find((part) => part.includes(message));
  if (form === undefined) throw new Error(`no request says ${message}`);
  const answer = await submit(browser, form, { decision });
  if (answer.status !== 303) throw new Error(`${answer.status} ${answer.text}`);
  return (await browser.get(String(answer.headers.location))).text;
}

/** Requests the tokens, without the pause between two polls. */
export async function pollBackchannel(
  world: World,
  client: oidc.Configuration,
  started: BackchannelAuthentication,
): Promise<Tokens> {
  const tokens = await oidc.pollBackchannelAuthenticationGrant(client, { ...started, interval: 0.05 });
  world.log.secret(tokens.access_token, tokens.refresh_token, tokens.id_token);
  return tokens;
}
