import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { openTokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import pino from 'pino';
import { checkConfig, loadConfig } from '../config/load_config.ts';
import { createClock } from '../harness/clock/create_clock.ts';
import { runAuthorizationServer } from './authorization_server.ts';
import { makeCa, makeServerCertificate } from './tls/make_certificates.ts';
import { openTls } from './tls/open_tls.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url).pathname;
const ISSUER = 'https://localhost:4000';
const TRUSTED = 'https://idp.example.com';
const API = 'https://api.example.com/jwt';

let ca: { cert: string; key: string };
let another: { cert: string; key: string };
let privateKey: KeyObject;
/** The server of the trusted issuer, with a certificate of a private CA. */
let keysServer: ListeningServer;
let jwksUri: string;

beforeAll(async () => {
  const validity = { notBefore: new Date(), notAfter: new Date(Date.now() + 86_400_000) };
  [ca, another] = [await makeCa(validity), await makeCa(validity)];
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  privateKey = pair.privateKey;
  const jwks = JSON.stringify({ keys: [{ ...pair.publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'idp' }] });
  const certificate = await makeServerCertificate(ca, ['localhost'], validity);
  const server = createTlsServer(certificate, (_request, response) => {
    response.setHeader('Content-Type', 'application/json').end(jwks);
  });
  keysServer = await listen(server, { host: 'localhost' });
  jwksUri = `${keysServer.origin}/jwks`;
});
afterAll(() => keysServer.stop());

function assertion(): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 60;
  const claims = { iss: TRUSTED, sub: 'alice', aud: ISSUER, exp, jti: crypto.randomUUID() };
  const signingInput = `${encode({ alg: 'ES256', kid: 'idp' })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(signingInput), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signingInput}.${signature.toString('base64url')}`;
}

async function redeemAssertion(trustedCa: string) {
  const demo = await loadConfig(DEMO);
  const config = checkConfig({
    ...demo,
    issuer: ISSUER,
    tls: { ca: trustedCa },
    clients: [...demo.clients, { id: 'partner', secret: 'partner-secret', grants: ['jwt_bearer'] }],
    trustedIssuers: [{ issuer: TRUSTED, jwksUri, algorithms: ['ES256'] }],
  });
  const store = await openTokenStore(storeConfig());
  const server = createServer();
  const listening = await listen(server, { host: 'localhost' });
  const { release } = await runAuthorizationServer(
    config,
    {
      port: listening.port,
      stop: async () => {},
      answerWith: (handler) => void server.on('request', handler as RequestListener),
    },
    {
      store,
      log: pino({ level: 'silent' }),
      tls: await openTls(config),
      clock: createClock({ movable: true }),
      intercepted: false,
    },
  );
  try {
    const answer = await fetch(`${listening.origin}/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa('partner:partner-secret')}` },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: assertion(),
        resource: API,
      }),
    });
    return { status: answer.status, body: await answer.json() };
  } finally {
    release();
    await listening.stop();
    await store.close();
  }
}

test('fetches the keys of a trusted issuer from a server whose certificate is signed by a CA in `tls.ca`', async () => {
  expect(await redeemAssertion(ca.cert)).toMatchObject({ status: 200, body: { access_token: expect.any(String) } });
});

test('does not fetch the keys of a trusted issuer from a server with a certificate of another CA', async () => {
  expect(await redeemAssertion(another.cert)).toMatchObject({
    status: 503,
    body: { error: 'temporarily_unavailable' },
  });
});
