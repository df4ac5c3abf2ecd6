import { createHash, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { selfSigned } from '@tallystick/testing/certificates';
import { requirement } from '../requirements/index.ts';
import type { Shown } from '../support/clients/clients.ts';
import { tlsClient } from '../support/clients/tls_client.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES, type Style } from '../support/worlds/world.ts';

const JWT_STYLES = ['jwt', 'phantom', 'split'] as const;

describe('A gateway that looks at client certificates', () => {
  let mine: { cert: string; key: string; header: string; confirmation: { 'x5t#S256': string } };
  let other: typeof mine;
  beforeAll(async () => {
    [mine, other] = await Promise.all([certified('CN=mine'), certified('CN=other')]);
  });

  async function certified(subject: string) {
    const { cert, key } = await selfSigned({ subject });
    const { raw } = new X509Certificate(cert);
    const thumbprint = createHash('sha256').update(raw).digest('base64url');
    return { cert, key, header: `:${raw.toString('base64')}:`, confirmation: { 'x5t#S256': thumbprint } };
  }

  async function issue({ tallystick, log }: OneProcess, style: Style): Promise<string> {
    const request = { client: 'demo-service', api: resourceOf(style), scopes: ['read'] };
    const { accessToken } = await tallystick.token({ ...request, confirmation: mine.confirmation });
    log.secret(accessToken);
    return accessToken;
  }

  test(requirement('certificate-at-the-gateway', 'on its own TLS connections'), async () => {
    const { cert, key } = await selfSigned({
      subject: 'CN=localhost',
      alternatives: [{ type: 'dns', value: 'localhost' }],
    });
    const world = await startOneProcess((config) => ({
      ...config,
      issuer: 'https://localhost:4000',
      tls: { certificate: cert, key },
      features: { mutualTls: true },
    }));
    const ca = String(world.tallystick.ca);
    const clients = { mine: tlsClient(ca, mine), other: tlsClient(ca, other), none: tlsClient(ca) };
    for (const style of STYLES) {
      const authorization = `Bearer ${await issue(world, style)}`;
      const url = `${world.gateways[0]}/${style}/hello`;
      for (const [who, status] of [
        ['mine', 200],
        ['other', 401],
        ['none', 401],
        ['mine', 200],
      ] as const) {
        expect([style, who, (await clients[who].fetch(url, { headers: { authorization } })).status]).toEqual([
          style,
          who,
          status,
        ]);
      }
      const forged = await clients.none.fetch(url, { headers: { authorization, 'client-cert': mine.header } });
      expect(forged.status).toBe(401);
    }
    await Promise.all(Object.values(clients).map((client) => client.close()));
    await world.stop();
  });

  test(requirement('certificate-at-the-gateway', 'in a header of a trusted proxy only'), async () => {
    const start = (trustedProxies: string[]) =>
      startOneProcess((config) => ({
        ...config,
        features: { mutualTls: true },
        gateway: {
          ...config.gateway,
          trustedProxies,
          routes: config.gateway.routes.map((route) =>
            route.prefix === '/split' ? { ...route, dpop: { forward: true } } : route,
          ),
        },
      }));
    const [behind, alone] = await Promise.all([start(['127.0.0.0/8', '::1']), start([])]);
    for (const style of STYLES) {
      const call = async (world: OneProcess, header?: string) => {
        const headers = new Headers({ authorization: `Bearer ${await issue(world, style)}` });
        if (header !== undefined) headers.set('client-cert', header);
        return fetch(`${world.gateways[0]}/${style}/hello`, { headers });
      };
      const served = await call(behind, mine.header);
      expect([style, served.status]).toEqual([style, 200]);
      const { headers } = (await served.json()) as Shown;
      // The gateway forwards the certificate to APIs that check the binding themselves.
      expect(headers['client-cert']).toBe(style === 'opaque' || style === 'split' ? mine.header : undefined);
      for (const refused of [await call(behind, other.header), await call(behind), await call(alone, mine.header)]) {
        expect([style, refused.status]).toEqual([style, 401]);
      }
    }
    await Promise.all([behind.stop(), alone.stop()]);
  });

  test.each(JWT_STYLES)(
    requirement('certificate-at-the-gateway', 'a gateway without mutual TLS refuses bound tokens: %s'),
    async (style) => {
      const world = await startOneProcess();
      const authorization = `Bearer ${await issue(world, style)}`;
      const headers = { authorization, 'client-cert': mine.header };
      expect((await fetch(`${world.gateways[0]}/${style}/hello`, { headers })).status).toBe(401);
      await world.stop();
    },
  );
});
