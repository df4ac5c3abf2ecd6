// https://github.com/auth0/node-jwks-rsa/tree/master/examples/express-demo
import express from 'express';
import { expressjwt } from 'express-jwt';
import jwksClient from 'jwks-rsa';
import { audience, issuer, listen } from './application.mjs';

const app = express();
app.use(
  expressjwt({
    secret: jwksClient.expressJwtSecret({ cache: true, rateLimit: true, jwksUri: `${issuer}/jwks` }),
    audience,
    issuer,
    algorithms: ['RS256'],
  }),
);
app.get(/\/me$/, ({ auth }, response) => response.json(auth));
app.use((error, _request, response, _next) => response.status(error.status ?? 500).json({ message: error.message }));
listen(app);
