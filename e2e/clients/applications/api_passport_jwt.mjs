// https://www.passportjs.org/packages/passport-jwt/ with https://github.com/auth0/node-jwks-rsa/tree/master/examples/passport-demo
import express from 'express';
import { passportJwtSecret } from 'jwks-rsa';
import passport from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { audience, issuer, listen } from './application.mjs';

passport.use(
  new Strategy(
    {
      secretOrKeyProvider: passportJwtSecret({ cache: true, rateLimit: true, jwksUri: `${issuer}/jwks` }),
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      audience,
      issuer,
      algorithms: ['RS256'],
    },
    (payload, done) => done(null, payload),
  ),
);
const app = express();
app.get(/\/me$/, passport.authenticate('jwt', { session: false }), ({ user }, response) => response.json(user));
listen(app);
