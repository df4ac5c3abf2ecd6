// https://github.com/OpenIDC/mod_auth_openidc/wiki/OAuth-2.0-Resource-Server, before an API that reads the headers which
// Apache sets. `VERIFY` is how Apache validates an access token: introspection, or as a JWT with the keys of the issuer.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { runApache } from './apache.mjs';
import { clientId, clientSecret, issuer } from './application.mjs';

const api = createServer(({ headers }, response) => {
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ client: headers.oidc_claim_client_id }));
}).listen(0, '127.0.0.1');
await once(api, 'listening');

const VERIFICATIONS = {
  introspection: `
OIDCOAuthIntrospectionEndpoint ${issuer}/token/introspection
OIDCOAuthClientID ${clientId}
OIDCOAuthClientSecret ${clientSecret}`,
  keys: `
OIDCOAuthVerifyJwksUri ${issuer}/jwks`,
};

await runApache(`${VERIFICATIONS[process.env.VERIFY]}
OIDCOAuthRemoteUserClaim sub
OIDCCABundlePath ${process.env.CA}
OIDCCryptoPassphrase a-passphrase-of-the-api

<Location />
  AuthType oauth20
  Require claim aud:${process.env.RESOURCE}
  ProxyPass http://127.0.0.1:${api.address().port}/
</Location>
`);
