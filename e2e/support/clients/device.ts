import { createBrowser, discover, follow, submit, type Tokens } from '@tallystick/testing/sign_in';
import * as oidc from 'openid-client';
import { resourceOf, type Style, type World } from '../worlds/world.ts';

type DeviceAuthorization = Awaited<ReturnType<typeof oidc.initiateDeviceAuthorization>>;

/** `demo-tv`, a public client with no browser. */
export function demoTv(world: World): Promise<oidc.Configuration> {
  return discover(world, 'demo-tv', undefined, oidc.None());
}

/** Requests a user code for the device. */
export async function startDevice(
  world: World,
  client: oidc.Configuration,
  style: Style,
  parameters: Record<string, string> = {},
): Promise<DeviceAuthorization> {
  const started = await oidc.initiateDeviceAuthorization(client, {
    resource: resourceOf(style),
    scope: 'openid read',
    ...parameters,
  });
  world.log.secret(started.device_code);
  return started;
}

/** A user enters the code, confirms it, signs in and consents. @returns the last page */
export async function connectDevice(world: World, { user_code }: DeviceAuthorization, user = 'alice'): Promise<string> {
  const browser = createBrowser(world);
  const input = await browser.get('/device');
  const confirm = await submit(browser, input.text, { user_code });
  const end = await follow(world, browser, await submit(browser, confirm.text), { user });
  return String(end);
}

/** Requests the tokens, without the pause between two polls. */
export async function pollDevice(
  world: World,
  client: oidc.Configuration,
  started: DeviceAuthorization,
): Promise<Tokens> {
  const tokens = await oidc.pollDeviceAuthorizationGrant(client, { ...started, interval: 0.05 });
  world.log.secret(tokens.access_token, tokens.refresh_token, tokens.id_token);
  return tokens;
}
