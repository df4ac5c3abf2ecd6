import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IIngress } from 'kubernetes-models/networking.k8s.io/v1';
import { checkConfig } from 'tallystick';
import { parse } from 'yaml';
import { requirement } from '../requirements/index.ts';
import { type Cluster, configurationIn, startCluster } from '../support/kubernetes/cluster.ts';
import {
  allOf,
  KUBECTL,
  type Manifest,
  manifestsIn,
  OVERLAYS,
  oneOf,
  podOf,
  render,
  type Secrets,
} from '../support/kubernetes/manifests.ts';
import { PASSWORDS, type Store, startStore } from '../support/kubernetes/stores.ts';
import { type RecordingApi, startRecordingApi } from '../support/peers/recording_api.ts';
import { ROOT, runCommand } from '../support/worlds/run_command.ts';

const SECRETS = ['tallystick-authorization-server', 'tallystick-gateway'];

(KUBECTL ? describe : describe.skip)('on Kubernetes', () => {
  let folder: string;
  let secrets: Secrets;
  let page: string;
  let api: RecordingApi;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tallystick-kubernetes-'));
    page = await readFile(path.join(ROOT, 'docs/how-to/kubernetes.md'), 'utf8');
    secrets = await createSecrets(page, folder);
    api = await startRecordingApi();
  });
  afterAll(async () => {
    await api?.stop();
    await rm(folder, { recursive: true });
  });

  test(requirement('kubernetes-secrets-by-reference', 'the documented commands'), () => {
    expect(Object.keys(secrets)).toEqual(SECRETS);
    const values = Object.values(secrets).flatMap((secret) => Object.values(secret));
    expect(values.filter((value) => value.trim() === '')).toEqual([]);
    expect(secrets[SECRETS[0] as string]?.secret).not.toBe(secrets[SECRETS[1] as string]?.secret);
  });

  describe.each(OVERLAYS)('with the overlay %s', (overlay) => {
    let manifests: Manifest[];
    let redis: Store;
    let world: Cluster;
    beforeAll(async () => {
      manifests = await render(`overlays/${overlay}`);
      redis = await startStore(overlay);
      world = await startCluster({ manifests, secrets, redis: redis.addresses, api: api.origin, folder });
    });
    afterAll(async () => {
      expect(await world?.stop()).toEqual([0, 0]);
      await redis?.stop();
    });

    test(requirement('kubernetes-configuration-serves', 'the schema accepts it'), () => {
      expect(() => checkConfig(parse(configurationIn(manifests)))).not.toThrow();
    });

    test(requirement('kubernetes-configuration-serves', 'tokens'), async () => {
      const { secret } = JSON.parse(secrets[SECRETS[0] as string]?.clients ?? '')[1];
      const clientAuthentication = { Authorization: `Basic ${btoa(`reports:${secret}`)}` };
      const ask = (endpoint: string, body: Record<string, string>) =>
        fetch(`${world.authorizationServer.http}${endpoint}`, {
          method: 'POST',
          headers: clientAuthentication,
          body: new URLSearchParams(body),
        });
      for (const [name, style] of [
        ['orders', 'split'],
        ['invoices', 'phantom'],
      ]) {
        const resource = `https://api.example.com/${name}`;
        const answer = await ask('/token', { grant_type: 'client_credentials', resource, scope: 'read' });
        const { access_token: token } = (await answer.json()) as { access_token: string };
        const callApi = () =>
          fetch(`${world.gateway.http}/${name}/1`, { headers: { Authorization: `Bearer ${token}` } });
        const forwarded = api.requests.length;
        expect([style, (await callApi()).status]).toEqual([style, 200]);
        expect(api.requests[forwarded]?.headers.authorization).toMatch(/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
        expect((await ask('/token/revocation', { token })).status).toBe(200);
        expect([style, (await callApi()).status]).toEqual([style, 401]);
      }
    });

    test.each(['authorizationServer', 'gateway'] as const)(
      requirement('kubernetes-configuration-serves', 'the probes of %s'),
      async (role) => {
        const name = role === 'gateway' ? 'gateway' : 'authorization-server';
        const { container } = podOf(oneOf<IDeployment>(manifests, 'Deployment', name));
        for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
          const { path: asked, port } = container[probe]?.httpGet ?? {};
          const url = `${world[role][String(port)]}${asked}`;
          await until(async () => (await fetch(url)).status === 200);
        }
      },
    );

    test(
      requirement('kubernetes-network-is-closed', 'the Ingress routes all endpoints but introspection'),
      async () => {
        const ingress = oneOf<IIngress>(manifests, 'Ingress', 'authorization-server');
        const metadata = await fetch(`${world.authorizationServer.http}/.well-known/openid-configuration`);
        const endpoints = Object.entries((await metadata.json()) as Record<string, unknown>).flatMap(([name, value]) =>
          /_endpoint$|_uri$/.test(name) ? [[name, new URL(String(value)).pathname] as const] : [],
        );
        expect(endpoints.filter(([, pathname]) => !isRouted(ingress, pathname)).map(([name]) => name)).toEqual([
          'introspection_endpoint',
        ]);
        for (const pathname of [
          '/interaction/x',
          '/auth/x',
          '/session/end/confirm',
          '/.well-known/openid-configuration',
        ])
          expect([pathname, isRouted(ingress, pathname)]).toEqual([pathname, true]);
        for (const pathname of ['/healthz', '/readyz', '/', '/token/introspection/'])
          expect([pathname, isRouted(ingress, pathname)]).toEqual([pathname, false]);
      },
    );
  });
});

/** Runs the commands of the page. kubectl prints the Secrets instead of sending them to a cluster. */
async function createSecrets(page: string, folder: string): Promise<Secrets> {
  const [, commands = ''] = /^```sh\n(gateway_secret=.*?)^```/ms.exec(page) ?? [];
  const script = `kubectl() { echo ---; '${KUBECTL}' "$@" --dry-run=client --output yaml; }\n${commands}`;
  const run = runCommand('bash', ['-euc', script], { cwd: folder, environment: PASSWORDS });
  expect([await run.exit, run.output()]).toEqual([0, expect.any(String)]);
  const created = allOf<{ data: Record<string, string> }>(manifestsIn(run.output().replace(/^---\n/, '')), 'Secret');
  return Object.fromEntries(
    created.map(({ metadata, data }) => [
      metadata.name,
      Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()])),
    ]),
  );
}

/** Whether an Ingress has a rule for a path. A prefix matches whole segments. */
function isRouted({ spec }: IIngress, pathname: string): boolean {
  const paths = spec?.rules?.flatMap(({ http }) => http?.paths ?? []) ?? [];
  return paths.some(({ path: rule = '', pathType }) =>
    pathType === 'Exact' ? pathname === rule : pathname === rule || pathname.startsWith(`${rule.replace(/\/$/, '')}/`),
  );
}
