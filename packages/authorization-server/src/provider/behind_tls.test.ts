import { request } from 'node:http';
import { expect, test } from '@jest/globals';
import { onTestFinished } from '@tallystick/testing/on_test_finished';
import { serve } from '@tallystick/testing/serve';
import { REDIRECT_URI } from '@tallystick/testing/sign_in';
import { openTokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { createAuthorizationServer } from '../create_authorization_server.ts';
import { authorizationUrl } from '../testing/sign_in.ts';
import { silent, testClient, testConfiguration } from '../testing/test_server.ts';

/** The cookies that a sign-in at the issuer sets over plain HTTP behind a proxy. */
async function cookiesOf(issuer: string, forwarded: Record<string, string> = {}): Promise<string[]> {
  const store = await openTokenStore(storeConfig());
  const usual = testConfiguration(issuer);
  const web = testClient({ id: 'web', grants: ['authorization_code'], redirectUris: [REDIRECT_URI] });
  const { handler } = await createAuthorizationServer(
    { ...usual, clients: [...usual.clients, web] },
    { store, log: silent },
  );
  onTestFinished(() => store.close());
  const { port } = await serve(handler);
  const { pathname, search, host } = new URL(authorizationUrl({ issuer }, 'jwt'));
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: pathname + search, agent: false, headers: { Host: host, ...forwarded } })
      .on('response', (answer) => resolve(answer.resume().headers['set-cookie'] ?? []))
      .on('error', reject)
      .end();
  });
}

test('the cookies of an https issuer are Secure, also behind a proxy that terminates TLS', async () => {
  for (const forwarded of [{}, { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': 'evil.example' }]) {
    const cookies = await cookiesOf('https://login.example.com', forwarded);
    expect(cookies.length).toBeGreaterThan(0);
    for (const cookie of cookies) expect(cookie).toMatch(/; secure(;|$)/i);
  }
});

test('the cookies of an http issuer, for development, are not Secure', async () => {
  const cookies = await cookiesOf('http://localhost:4000', { 'X-Forwarded-Proto': 'https' });
  expect(cookies.length).toBeGreaterThan(0);
  for (const cookie of cookies) expect(cookie).not.toMatch(/; secure(;|$)/i);
});
