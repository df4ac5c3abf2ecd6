// https://github.com/OpenIDC/mod_auth_openidc#quickstart-with-a-generic-openid-connect-provider, before an application
// that reads the headers which Apache sets.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { runApache } from './apache.mjs';
import { callWith, clientId, clientSecret, issuer, origin, redirectUri, scope } from './application.mjs';

const application = createServer(async ({ url, headers }, response) => {
  const { pathname, searchParams } = new URL(String(url), origin);
  const accessToken = String(headers.oidc_access_token);
  const redirect = (query) =>
    response.writeHead(302, { Location: query ? `${redirectUri}?${new URLSearchParams(query)}` : '/me' }).end();
  const json = (value) => response.setHeader('Content-Type', 'application/json').end(JSON.stringify(value));
  if (pathname === '/me') json({ sub: headers.oidc_claim_sub, email: headers.oidc_claim_email, accessToken });
  else if (pathname === '/userinfo') json({ sub: headers.oidc_claim_sub, email: headers.oidc_claim_email });
  else if (pathname === '/call') json(await callWith(searchParams.get('url'), accessToken));
  else if (pathname === '/refresh') redirect({ refresh: `${origin}/me`, access_token: accessToken });
  else if (pathname === '/logout') redirect({ logout: `${origin}/` });
  else redirect();
}).listen(0, '127.0.0.1');
await once(application, 'listening');

await runApache(`
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID ${clientId}
OIDCClientSecret ${clientSecret}
OIDCRedirectURI ${redirectUri}
OIDCCryptoPassphrase a-passphrase-of-the-application
OIDCScope "${scope}"
${process.env.PKCE ? `OIDCPKCEMethod ${process.env.PKCE}` : ''}

<Location />
  AuthType openid-connect
  Require valid-user
  ProxyPass http://127.0.0.1:${application.address().port}/
</Location>
`);
