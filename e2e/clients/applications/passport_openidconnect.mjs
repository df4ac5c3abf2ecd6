// https://www.passportjs.org/packages/passport-openidconnect/: without PKCE; the profile comes from userinfo.
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import OpenIDConnectStrategy from 'passport-openidconnect';
import { callWith, clientId, clientSecret, issuer, listen, redirectUri } from './application.mjs';

passport.use(
  new OpenIDConnectStrategy(
    {
      issuer,
      authorizationURL: `${issuer}/auth`,
      tokenURL: `${issuer}/token`,
      userInfoURL: `${issuer}/me`,
      clientID: clientId,
      clientSecret,
      callbackURL: redirectUri,
      scope: ['profile', 'email', 'read'],
    },
    (_issuer, profile, _context, _idToken, accessToken, _refreshToken, cb) =>
      cb(null, { sub: profile.id, email: profile.emails[0].value, accessToken }),
  ),
);
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const app = express();
app.use(session({ secret: 'keyboard cat', resave: false, saveUninitialized: false }));
app.use(passport.session());
app.get('/login', passport.authenticate('openidconnect'));
app.get('/callback', passport.authenticate('openidconnect', { failWithError: true }), (_request, response) =>
  response.redirect('/me'),
);
app.get('/me', ({ user }, response) => response.json(user));
app.get('/userinfo', ({ user }, response) => response.json(user));
app.get('/call', async ({ user, query }, response) => response.json(await callWith(query.url, user.accessToken)));
listen(app);
