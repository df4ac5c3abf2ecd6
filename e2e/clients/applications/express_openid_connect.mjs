// https://github.com/auth0/express-openid-connect/blob/master/EXAMPLES.md (5. Using access tokens)
import express from 'express';
import openid from 'express-openid-connect';
import { callWith, clientId, clientSecret, issuer, listen, origin, scope } from './application.mjs';

const app = express();
app.use(
  openid.auth({
    issuerBaseURL: issuer,
    baseURL: origin,
    clientID: clientId,
    clientSecret,
    secret: 'a long, randomly-generated string stored in env',
    idpLogout: true,
    authRequired: false,
    authorizationParams: { response_type: 'code', scope: `${scope} offline_access` },
  }),
);
app.get('/', (_request, response) => response.json({}));
app.get('/me', ({ oidc }, response) =>
  response.json({ ...oidc.idTokenClaims, accessToken: oidc.accessToken.access_token }),
);
app.get('/refresh', async ({ oidc }, response) => {
  const { access_token } = await oidc.accessToken.refresh();
  response.json({ accessToken: access_token });
});
app.get('/userinfo', async ({ oidc }, response) => response.json(await oidc.fetchUserInfo()));
app.get('/call', async ({ oidc, query }, response) =>
  response.json(await callWith(query.url, oidc.accessToken.access_token)),
);
listen(app);
