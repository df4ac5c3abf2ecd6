// https://github.com/lelylan/simple-oauth2#authorization-code-grant: without PKCE and without OpenID Connect.
import { AuthorizationCode } from 'simple-oauth2';
import { callWith, clientId, clientSecret, issuer, redirectUri, serveApplication } from './application.mjs';

const client = new AuthorizationCode({
  client: { id: clientId, secret: clientSecret },
  auth: { tokenHost: issuer, tokenPath: '/token', revokePath: '/token/revocation', authorizePath: '/auth' },
});
const scope = 'read';

serveApplication({
  async login() {
    return { url: client.authorizeURL({ redirect_uri: redirectUri, scope, state: 'the-state' }) };
  },
  callback: (url) => client.getToken({ code: url.searchParams.get('code'), redirect_uri: redirectUri, scope }),
  me: ({ token }) => ({ accessToken: token.access_token }),
  refresh: (accessToken) => accessToken.refresh({ scope }),
  revoke: (accessToken) => accessToken.revoke('access_token'),
  call: ({ token }, url) => callWith(url, token.access_token),
});
