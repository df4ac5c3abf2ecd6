// https://github.com/panva/openid-client#quick-start
import * as client from 'openid-client';
import { clientId, clientSecret, issuer, origin, redirectUri, scope, serveApplication } from './application.mjs';

const config = await client.discovery(new URL(issuer), clientId, clientSecret, undefined, {
  execute: [client.allowInsecureRequests],
});

serveApplication({
  async login() {
    const code_verifier = client.randomPKCECodeVerifier();
    const code_challenge = await client.calculatePKCECodeChallenge(code_verifier);
    const parameters = { redirect_uri: redirectUri, scope, code_challenge, code_challenge_method: 'S256' };
    let state;
    if (!config.serverMetadata().supportsPKCE()) {
      state = client.randomState();
      parameters.state = state;
    }
    return { url: client.buildAuthorizationUrl(config, parameters), code_verifier, state };
  },
  callback: (url, { code_verifier, state }) =>
    client.authorizationCodeGrant(config, url, { pkceCodeVerifier: code_verifier, expectedState: state }),
  me: (tokens) => ({ ...tokens.claims(), accessToken: tokens.access_token }),
  refresh: (tokens) => client.refreshTokenGrant(config, tokens.refresh_token),
  userinfo: (tokens) => client.fetchUserInfo(config, tokens.access_token, 'alice'),
  revoke: (tokens) => client.tokenRevocation(config, tokens.access_token),
  logout: (tokens) =>
    client.buildEndSessionUrl(config, { post_logout_redirect_uri: `${origin}/`, id_token_hint: tokens.id_token }),
  async call(tokens, url) {
    try {
      return await client.fetchProtectedResource(config, tokens.access_token, new URL(url), 'GET');
    } catch (error) {
      if (error instanceof client.WWWAuthenticateChallengeError) return error.response;
      throw error;
    }
  },
});
