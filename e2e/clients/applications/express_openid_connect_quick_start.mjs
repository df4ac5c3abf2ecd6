// https://github.com/auth0/express-openid-connect/blob/master/README.md (Getting Started): an ID token through the browser.
import express from 'express';
import openid from 'express-openid-connect';
import { clientId, issuer, listen, origin } from './application.mjs';

const app = express();
app.use(
  openid.auth({
    issuerBaseURL: issuer,
    baseURL: origin,
    clientID: clientId,
    secret: 'a long, randomly-generated string stored in env',
    authRequired: false,
  }),
);
app.get('/', (_request, response) => response.redirect('/me'));
app.get('/me', ({ oidc }, response) => response.json({ ...oidc.idTokenClaims }));
listen(app);
