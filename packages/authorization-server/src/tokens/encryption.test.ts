import { expect, test } from '@jest/globals';
import { compactDecrypt, createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { resourceOf, startTestServer } from '../testing/test_server.ts';

test('an API with an encryption key gets nested, encrypted JWTs (RFC 9068 section 5)', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ECDH-ES');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'orders' };
  const encryption = { alg: 'ECDH-ES', enc: 'A256GCM', jwk } as const;
  const server = await startTestServer((config) => ({
    ...config,
    apis: config.apis.map((api) => (api.accessTokens === 'jwt' ? { ...api, encryption } : api)),
  }));
  try {
    const answer = await fetch(`${server.issuer}/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa('service:service-secret')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: resourceOf('jwt'), scope: 'read' }),
    });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    const { plaintext, protectedHeader } = await compactDecrypt(token, privateKey);
    expect(protectedHeader).toMatchObject({ alg: 'ECDH-ES', enc: 'A256GCM', kid: 'orders', cty: 'at+jwt' });
    const keys = createRemoteJWKSet(new URL(`${server.issuer}/jwks`));
    const { payload } = await jwtVerify(new TextDecoder().decode(plaintext), keys, { audience: resourceOf('jwt') });
    expect(payload.scope).toBe('read');
  } finally {
    await server.stop();
  }
});
