// https://www.passportjs.org/packages/passport-oauth2/: without PKCE by default, and without OpenID Connect.
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import OAuth2Strategy from 'passport-oauth2';
import { callWith, clientId, clientSecret, issuer, listen, redirectUri } from './application.mjs';

passport.use(
  new OAuth2Strategy(
    {
      authorizationURL: `${issuer}/auth`,
      tokenURL: `${issuer}/token`,
      clientID: clientId,
      clientSecret,
      callbackURL: redirectUri,
      scope: 'read',
      state: true,
      pkce: process.env.PKCE !== undefined,
    },
    (accessToken, _refreshToken, _profile, cb) => cb(null, { accessToken }),
  ),
);
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const app = express();
app.use(session({ secret: 'keyboard cat', resave: false, saveUninitialized: false }));
app.use(passport.session());
app.get('/login', passport.authenticate('oauth2'));
app.get('/callback', passport.authenticate('oauth2', { failWithError: true }), (_request, response) =>
  response.redirect('/me'),
);
app.get('/me', ({ user }, response) => response.json(user));
app.get('/call', async ({ user, query }, response) => response.json(await callWith(query.url, user.accessToken)));
listen(app);
