import * as oidc from 'openid-client';
import type { Style, World } from '../worlds/world.ts';
import { decide, demoBank, pollBackchannel, startBackchannel } from './backchannel.ts';
import { serviceToken } from './clients.ts';
import { connectDevice, demoTv, pollDevice, startDevice } from './device.ts';
import { signIn } from './sign_in.ts';

/** A way to an access token. */
export interface Grant {
  readonly name: string;
  /** The `sub` of the tokens. */
  readonly subject: string;
  /** Gets a token with the scope `read` for the API of that style. */
  obtain(world: World, style: Style): Promise<string>;
}

/** All grants. */
export const GRANTS: readonly Grant[] = [
  {
    name: 'client credentials',
    subject: 'demo-service',
    obtain: (world, style) => serviceToken(world, style),
  },
  {
    name: 'authorization code',
    subject: 'alice',
    obtain: async (world, style) => (await signIn(world, { style })).tokens.access_token,
  },
  {
    name: 'refresh token',
    subject: 'alice',
    async obtain(world, style) {
      const { client, tokens } = await signIn(world, { style });
      const renewed = await oidc.refreshTokenGrant(client, String(tokens.refresh_token));
      world.log.secret(renewed.access_token, renewed.refresh_token);
      return renewed.access_token;
    },
  },
  {
    name: 'device code',
    subject: 'bob',
    async obtain(world, style) {
      const client = await demoTv(world);
      const started = await startDevice(world, client, style);
      await connectDevice(world, started, 'bob');
      return (await pollDevice(world, client, started)).access_token;
    },
  },
  {
    name: 'CIBA',
    subject: 'bob',
    async obtain(world, style) {
      const client = await demoBank(world);
      const message = `grant ${style}`;
      const started = await startBackchannel(world, client, { style, user: 'bob', message });
      await decide(world, { user: 'bob', message, decision: 'approve' });
      return (await pollBackchannel(world, client, started)).access_token;
    },
  },
];
