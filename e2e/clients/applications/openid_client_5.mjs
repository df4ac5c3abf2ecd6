// https://github.com/panva/openid-client/tree/v5.x#quick-start
import { generators, Issuer } from 'openid-client-5';
import { clientId, clientSecret, issuer, origin, redirectUri, scope, serveApplication } from './application.mjs';

const discovered = await Issuer.discover(issuer);
const client = new discovered.Client({
  client_id: clientId,
  client_secret: clientSecret,
  redirect_uris: [redirectUri],
  response_types: ['code'],
});

serveApplication({
  async login() {
    const code_verifier = generators.codeVerifier();
    const code_challenge = generators.codeChallenge(code_verifier);
    return { url: client.authorizationUrl({ scope, code_challenge, code_challenge_method: 'S256' }), code_verifier };
  },
  callback: (url, { code_verifier }) =>
    client.callback(redirectUri, client.callbackParams(url.href), { code_verifier }),
  me: (tokenSet) => ({ ...tokenSet.claims(), accessToken: tokenSet.access_token }),
  refresh: (tokenSet) => client.refresh(tokenSet),
  userinfo: (tokenSet) => client.userinfo(tokenSet),
  revoke: (tokenSet) => client.revoke(tokenSet.access_token),
  logout: (tokenSet) => client.endSessionUrl({ id_token_hint: tokenSet, post_logout_redirect_uri: `${origin}/` }),
  async call(tokenSet, url) {
    const { statusCode } = await client.requestResource(url, tokenSet);
    return { status: statusCode };
  },
});
