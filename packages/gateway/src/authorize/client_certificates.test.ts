import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createProver } from '@tallystick/testing/dpop_prover';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { createGatewayServer } from '../server.ts';
import { makeCertificate, type TestCertificate } from '../testing/certificate.ts';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

/** An opaque token, which only the API knows. */
const reference = 'r'.repeat(43);

let client: TestCertificate;
let stranger: TestCertificate;
let proxy: TestCertificate;
let fixture: GatewayFixture;
let tls: ListeningServer;
let serverCertificate: TestCertificate;
beforeAll(async () => {
  [client, stranger, proxy, serverCertificate] = (await Promise.all(
    ['client', 'stranger', 'proxy', 'localhost'].map((name) => makeCertificate(name)),
  )) as [TestCertificate, TestCertificate, TestCertificate, TestCertificate];
  fixture = await startGatewayFixture(() => ({ mutualTls: true }));
  tls = await listen(createGatewayServer(fixture.gateway, fixture.config, { ...serverCertificate, requestCert: true }));
});
afterAll(async () => {
  await tls.stop();
  await fixture.stop();
});

/** Calls an API over TLS, with or without a client certificate. */
async function call(
  port: number,
  headers: Record<string, string>,
  certificate?: TestCertificate,
  path = '/split',
): Promise<number> {
  const asking = request({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    path,
    headers: { ...headers, Connection: 'close' },
    ca: serverCertificate.cert,
    agent: false,
    ...(certificate && { cert: certificate.cert, key: certificate.key }),
  });
  asking.end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode ?? 0;
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

describe('A token bound to a client certificate', () => {
  test('is accepted with its certificate, more than once, and with no other', async () => {
    const token = await fixture.issueSplit(api('split'), { cnf: client.cnf });
    for (let round = 0; round < 2; round++) expect(await call(tls.port, bearer(token), client)).toBe(200);
    expect(await call(tls.port, bearer(token), stranger)).toBe(401);
    expect(await call(tls.port, bearer(token))).toBe(401);
  });

  test('is refused with the certificate in a header from an untrusted client, which is not forwarded', async () => {
    const token = await fixture.issueSplit(api('split'), { cnf: client.cnf });
    for (const header of client.headers) {
      expect(await call(tls.port, { ...bearer(token), 'Client-Cert': header })).toBe(401);
      expect(await call(tls.port, { ...bearer(token), 'Client-Cert': header }, stranger)).toBe(401);
    }
    const served = fixture.upstream.seen.length;
    expect(await call(tls.port, { ...bearer(token), 'Client-Cert': 'mine' }, client)).toBe(200);
    expect(fixture.upstream.seen[served]?.headers).not.toHaveProperty('client-cert');
  });

  test('is refused on a connection without TLS, and the error says why', async () => {
    const token = await fixture.issueSplit(api('split'), { cnf: client.cnf });
    const response = await fixture.call('/split', token);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token"/);
    expect(await response.json()).toEqual({
      error: 'invalid_token',
      error_description: "the access token is bound to a certificate that is not the client's",
    });
  });

  test('is refused with the DPoP scheme', async () => {
    const token = await fixture.issueSplit(api('split'), { cnf: client.cnf });
    expect(await call(tls.port, { Authorization: `DPoP ${token}` }, client)).toBe(401);
  });

  test('and a DPoP key needs both', async () => {
    const prover = await createProver(() => fixture.clock.time);
    const token = await fixture.issueSplit(api('split'), { cnf: { ...prover.cnf, ...client.cnf } });
    const headers = async () => ({
      Authorization: `DPoP ${token}`,
      DPoP: await prover.proof(`https://127.0.0.1:${tls.port}/split`, token),
    });
    expect(await call(tls.port, await headers(), client)).toBe(200);
    expect(await call(tls.port, await headers(), stranger)).toBe(401);
    expect(await call(tls.port, { Authorization: `DPoP ${token}` }, client)).toBe(401);
    expect(await call(tls.port, bearer(token), client)).toBe(401);
  });

  test('is forwarded with the certificate where only the API knows the binding', async () => {
    const served = fixture.upstream.seen.length;
    const asking = { ...bearer(reference), 'Client-Cert': 'mine' };
    expect(await call(tls.port, asking, client, '/opaque')).toBe(200);
    expect(await call(tls.port, asking, undefined, '/opaque')).toBe(200);
    const passedOn = fixture.upstream.seen.slice(served).map(({ headers }) => headers['client-cert']);
    expect(passedOn).toEqual([client.headers[0], undefined]);
  });

  test('is announced in the metadata of the API', async () => {
    const metadata = await fetch(`${fixture.origin}/.well-known/oauth-protected-resource/split`);
    expect(await metadata.json()).toMatchObject({ tls_client_certificate_bound_access_tokens: true });
  });
});

describe('Behind a trusted proxy, a token bound to a client certificate', () => {
  let behind: GatewayFixture;
  let behindTls: ListeningServer;
  beforeAll(async () => {
    behind = await startGatewayFixture(() => ({
      mutualTls: true,
      trustedProxies: ['127.0.0.1'],
    }));
    behindTls = await listen(
      createGatewayServer(behind.gateway, behind.config, { ...serverCertificate, requestCert: true }),
    );
  });
  afterAll(async () => {
    await behindTls.stop();
    await behind.stop();
  });

  test.each([0, 1] as const)(
    'is accepted with its certificate in the header, and with no other (form %d)',
    async (form) => {
      const token = await behind.issueSplit(api('split'), { cnf: client.cnf });
      const served = behind.upstream.seen.length;
      const ask = async (header: string) =>
        (await behind.call('/split', token, { headers: { 'Client-Cert': header } })).status;
      expect(await ask(client.headers[form])).toBe(200);
      expect(behind.upstream.seen[served]?.headers).not.toHaveProperty('client-cert');
      expect(await ask(stranger.headers[form])).toBe(401);
      expect(await ask(`${client.headers[form]}, ${client.headers[form]}`)).toBe(401);
      expect(await ask('junk')).toBe(401);
      expect(await ask('%')).toBe(401);
      expect((await behind.call('/split', token)).status).toBe(401);
    },
  );

  test("is refused with the proxy's own certificate", async () => {
    const token = await behind.issueSplit(api('split'), { cnf: proxy.cnf });
    expect(await call(behindTls.port, bearer(token), proxy)).toBe(401);
  });
});
