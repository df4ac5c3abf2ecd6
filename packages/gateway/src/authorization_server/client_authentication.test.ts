import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import type { IntrospectionClient } from '../config/introspection.ts';
import { issuer } from '../testing/authorization_server.ts';
import { makeCertificate } from '../testing/certificate.ts';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';
import { createCertificateFetch } from './certificate_fetch.ts';
import { createClientAuthentication } from './client_authentication.ts';

let fixture: GatewayFixture | undefined;
let tlsServer: ListeningServer | undefined;
afterEach(async () => {
  await fixture?.stop();
  await tlsServer?.stop();
  fixture = tlsServer = undefined;
});

async function startFixtureFor(client: IntrospectionClient): Promise<GatewayFixture> {
  fixture = await startGatewayFixture(() => ({ client }));
  return fixture;
}

const pem = (pair: { privateKey: import('node:crypto').KeyObject }) =>
  pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

describe('private_key_jwt (RFC 7523)', () => {
  test('sends a new assertion in each request, signed by the client for this authorization server', async () => {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { call, issueReference, authorizationServer, clock } = await startFixtureFor({
      id: 'gateway',
      privateKey: pem(keys),
    });
    const assertions = [];
    for (let round = 0; round < 2; round += 1) {
      expect((await call('/phantom', await issueReference(api('phantom')))).status).toBe(200);
      const { body, headers } = authorizationServer.introspections[round] ?? { body: '', headers: {} };
      const form = new URLSearchParams(body);
      expect(headers.authorization).toBeUndefined();
      expect(form.get('client_id')).toBe('gateway');
      expect(form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      const { payload } = await jwtVerify(form.get('client_assertion') ?? '', keys.publicKey, {
        issuer: 'gateway',
        subject: 'gateway',
        audience: issuer,
        algorithms: ['ES256'],
        currentDate: new Date(clock.time),
        requiredClaims: ['jti', 'iat', 'exp'],
      });
      expect(Number(payload.exp) - clock.time / 1000).toBeLessThanOrEqual(60);
      assertions.push(payload.jti);
    }
    expect(assertions[0]).not.toBe(assertions[1]);
  });

  test('accepts a JWK, and sends its kid', async () => {
    const { privateKey } = await generateKeyPair('Ed25519', { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), kid: 'key-7' };
    const { call, issueReference, authorizationServer } = await startFixtureFor({
      id: 'gateway',
      privateKey: JSON.stringify(jwk),
    });
    expect((await call('/phantom', await issueReference(api('phantom')))).status).toBe(200);
    const form = new URLSearchParams(authorizationServer.introspections[0]?.body);
    expect(decodeProtectedHeader(form.get('client_assertion') ?? '')).toEqual({ alg: 'EdDSA', kid: 'key-7' });
  });

  test.each([
    ['malformed text', 'nonsense', undefined],
    ['a public key', JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: 'AAAA' }), undefined],
    ['a key agreement key', pem(generateKeyPairSync('x25519')), undefined],
    ['a short RSA key', pem(generateKeyPairSync('rsa', { modulusLength: 1024 })), undefined],
    ['an algorithm that the key does not have', pem(generateKeyPairSync('ed25519')), 'ES256'],
  ] as const)('is refused at the start with %s, and the key is not quoted', (_, privateKey, algorithm) => {
    const client = { id: 'gateway', privateKey, algorithm };
    const starting = () => createClientAuthentication({ client, issuer }, { now: Date.now });
    expect(starting).toThrow(TypeError);
    expect(starting).toThrow(/^client\.(privateKey|algorithm) /);
    expect(starting).not.toThrow(privateKey.slice(0, 40));
  });
});

describe('A client certificate (RFC 8705)', () => {
  test('is presented to the authorization server, on connections that are kept alive', async () => {
    const [own, server] = await Promise.all([makeCertificate('gateway'), makeCertificate('login')]);
    const seen: { form: URLSearchParams; name: string | undefined; socket: object }[] = [];
    const options = { cert: server.cert, key: server.key, requestCert: true, ca: own.cert };
    tlsServer = await listen(
      createServer(options, async (request, response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk);
        const socket = request.socket as TLSSocket;
        const form = new URLSearchParams(Buffer.concat(chunks).toString());
        seen.push({ form, socket, name: socket.getPeerCertificate().subject.CN?.toString() });
        const jwt = fixture?.authorizationServer.active.get(form.get('token') ?? '');
        response.writeHead(200, { 'Content-Type': 'application/jwt' }).end(jwt);
      }),
    );
    const introspectionEndpoint = `https://127.0.0.1:${tlsServer.port}/introspect`;
    fixture = await startGatewayFixture(({ authorizationServer }) => ({
      authorizationServer: { ...authorizationServer, introspectionEndpoint },
      client: { id: 'gateway', certificate: own.cert, key: own.key, ca: server.cert },
    }));
    for (let round = 0; round < 2; round += 1) {
      expect((await fixture.call('/phantom', await fixture.issueReference(api('phantom')))).status).toBe(200);
    }
    expect(seen.map(({ name }) => name)).toEqual(['gateway', 'gateway']);
    expect(seen[0]?.form.get('client_id')).toBe('gateway');
    expect(seen[0]?.socket).toBe(seen[1]?.socket);
  });

  test('is not sent with a token to a server that is not trusted: 503', async () => {
    const [own, server] = await Promise.all([makeCertificate('gateway'), makeCertificate('login')]);
    let requests = 0;
    tlsServer = await listen(
      createServer({ cert: server.cert, key: server.key }, (_request, response) => {
        requests += 1;
        response.end();
      }),
    );
    const introspectionEndpoint = `https://127.0.0.1:${tlsServer.port}/introspect`;
    fixture = await startGatewayFixture(({ authorizationServer }) => ({
      authorizationServer: { ...authorizationServer, introspectionEndpoint },
      client: { id: 'gateway', certificate: own.cert, key: own.key },
    }));
    expect((await fixture.call('/phantom', 'x'.repeat(43))).status).toBe(503);
    expect(requests).toBe(0);
  });

  test('must belong to the configured key', async () => {
    const [one, other] = await Promise.all([makeCertificate('one'), makeCertificate('other')]);
    const mixed = { id: 'gateway', certificate: one.cert, key: other.key };
    expect(() => createCertificateFetch(mixed)).toThrow(/^client\.key is not the private key/);
    const nonsense = { ...mixed, key: 'nonsense' };
    expect(() => createCertificateFetch(nonsense)).toThrow(/^client\.certificate and client\.key/);
  });
});
