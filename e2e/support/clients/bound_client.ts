import { generateKeyPair } from 'jose';
import * as oidc from 'openid-client';
import { resourceOf, type Style, type World } from '../worlds/world.ts';
import { demoService } from './clients.ts';

/** A client that uses openid-client to get tokens bound to its key. */
export async function boundClient(world: World) {
  const client = await demoService(world);
  const keys = await generateKeyPair('ES256', { extractable: true });
  const DPoP = oidc.getDPoPHandle(client, keys);
  /** The headers of each call to an API, in order. */
  const sent: Headers[] = [];
  client[oidc.customFetch] = (url, options) => {
    if (!url.startsWith(world.issuer)) sent.push(new Headers(options.headers));
    return fetch(url, options as RequestInit);
  };
  return {
    keys,
    sent,
    async obtain(style: Style): Promise<string> {
      const parameters = { resource: resourceOf(style), scope: 'read' };
      const { access_token: token } = await oidc.clientCredentialsGrant(client, parameters, { DPoP });
      world.log.secret(token);
      return token;
    },
    call: (gateway: string, style: Style, token: string) =>
      oidc.fetchProtectedResource(client, token, new URL(`${gateway}/${style}/hello?a=b`), 'GET', null, undefined, {
        DPoP,
      }),
  };
}
