// https://authjs.dev/getting-started/integrations/express and https://authjs.dev/guides/configuring-oauth-providers
import { ExpressAuth, getSession } from '@auth/express';
import express from 'express';
import { callWith, clientId, clientSecret, issuer, listen, scope } from './application.mjs';

let tokens;
const config = {
  secret: 'a random string of at least thirty-two characters',
  trustHost: true,
  providers: [
    {
      id: 'tallystick',
      name: 'Tallystick',
      type: 'oidc',
      issuer,
      clientId,
      clientSecret,
      authorization: { params: { scope } },
    },
  ],
  callbacks: {
    jwt({ token, account }) {
      if (account) tokens = account;
      return token;
    },
  },
};

const app = express();
app.set('trust proxy', true);
// In Express 4: '/auth/*'. Auth.js reads what the asterisk matched.
app.use(/^\/auth\/(.*)$/, ExpressAuth(config));
app.get('/me', async (request, response) => {
  const session = await getSession(request, config);
  response.json({ sub: tokens.providerAccountId, email: session.user.email, accessToken: tokens.access_token });
});
app.get('/call', async ({ query }, response) => response.json(await callWith(query.url, tokens.access_token)));
listen(app);
