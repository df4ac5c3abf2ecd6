// https://github.com/panva/oauth4webapi/tree/main/examples (oauth.ts, oidc.ts)
import * as oauth from 'oauth4webapi';
import { clientId, clientSecret, issuer, origin, redirectUri, scope, serveApplication } from './application.mjs';

const insecure = { [oauth.allowInsecureRequests]: true };
const as = await oauth
  .discoveryRequest(new URL(issuer), insecure)
  .then((response) => oauth.processDiscoveryResponse(new URL(issuer), response));
const client = { client_id: clientId };
const clientAuth = oauth.ClientSecretPost(clientSecret);

serveApplication({
  async login() {
    const code_verifier = oauth.generateRandomCodeVerifier();
    const url = new URL(as.authorization_endpoint);
    url.searchParams.set('client_id', client.client_id);
    url.searchParams.set('redirect_uri', redirectUri);
    url.searchParams.set('response_type', 'code');
    url.searchParams.set('scope', scope);
    url.searchParams.set('code_challenge', await oauth.calculatePKCECodeChallenge(code_verifier));
    url.searchParams.set('code_challenge_method', 'S256');
    let nonce;
    if (as.code_challenge_methods_supported?.includes('S256') !== true) {
      nonce = oauth.generateRandomNonce();
      url.searchParams.set('nonce', nonce);
    }
    return { url, code_verifier, nonce };
  },
  async callback(url, { code_verifier, nonce }) {
    const params = oauth.validateAuthResponse(as, client, url);
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      clientAuth,
      params,
      redirectUri,
      code_verifier,
      insecure,
    );
    const result = await oauth.processAuthorizationCodeResponse(as, client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    return { ...result, claims: oauth.getValidatedIdTokenClaims(result) };
  },
  me: ({ claims, access_token }) => ({ ...claims, accessToken: access_token }),
  async refresh({ refresh_token, claims }) {
    const response = await oauth.refreshTokenGrantRequest(as, client, clientAuth, refresh_token, insecure);
    return { claims, ...(await oauth.processRefreshTokenResponse(as, client, response)) };
  },
  async userinfo({ access_token, claims }) {
    const response = await oauth.userInfoRequest(as, client, access_token, insecure);
    return oauth.processUserInfoResponse(as, client, claims.sub, response);
  },
  async revoke({ access_token }) {
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(as, client, clientAuth, access_token, insecure),
    );
  },
  logout({ id_token }) {
    const url = new URL(as.end_session_endpoint);
    url.searchParams.set('post_logout_redirect_uri', `${origin}/`);
    url.searchParams.set('id_token_hint', id_token);
    return url;
  },
  async call({ access_token }, url) {
    try {
      return await oauth.protectedResourceRequest(access_token, 'GET', new URL(url), undefined, null, insecure);
    } catch (error) {
      if (error instanceof oauth.WWWAuthenticateChallengeError) return error.response;
      throw error;
    }
  },
});
