import express from 'express';
import session from 'express-session';
import * as oidc from 'openid-client';

/** A web application that signs its users in on the server, and calls the orders API for them. */
export async function createWebApp({ issuer, clientId, clientSecret, resource, ordersUrl }) {
  const options = { execute: [oidc.allowInsecureRequests] }; // The issuer of a test has no HTTPS.
  const client = await oidc.discovery(new URL(issuer), clientId, clientSecret, undefined, options);
  const app = express();
  app.use(session({ secret: 'a secret', resave: false, saveUninitialized: false }));
  const urlOf = (request) => new URL(request.originalUrl, `http://${request.headers.host}`);

  app.get('/login', async (request, response) => {
    const verifier = oidc.randomPKCECodeVerifier();
    request.session.verifier = verifier;
    const url = oidc.buildAuthorizationUrl(client, {
      redirect_uri: new URL('/callback', urlOf(request)).href,
      scope: 'openid read',
      resource,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    response.redirect(url.href);
  });

  app.get('/callback', async (request, response) => {
    const checks = { pkceCodeVerifier: request.session.verifier };
    const tokens = await oidc.authorizationCodeGrant(client, urlOf(request), checks);
    request.session.user = tokens.claims().sub;
    request.session.accessToken = tokens.access_token;
    response.redirect('/');
  });

  app.get('/', async (request, response) => {
    const { user, accessToken } = request.session;
    if (user === undefined) return response.send('<a href="/login">Sign in</a>');
    const orders = await fetch(ordersUrl, { headers: { Authorization: `Bearer ${accessToken}` } });
    response.send(orders.ok ? `<h1>Hello ${user}</h1><p>${await orders.text()}</p>` : '<p>No orders today</p>');
  });
  return app;
}
