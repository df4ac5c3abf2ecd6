import { beforeAll, describe, expect, test } from '@jest/globals';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { requirement } from '../requirements/index.ts';
import { allOf, KUBECTL, type Manifest, OVERLAYS, oneOf, podOf, render } from '../support/kubernetes/manifests.ts';
import { isAllowed, type Pod } from '../support/kubernetes/network.ts';
import { findProblems } from '../support/kubernetes/validate.ts';

const ROLES = ['authorization-server', 'gateway'] as const;

(KUBECTL ? describe : describe.skip).each(OVERLAYS)('the overlay %s', (overlay) => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await render(`overlays/${overlay}`);
  });
  const deployment = (role: string) => oneOf<IDeployment>(manifests, 'Deployment', role);

  test(requirement('kubernetes-manifests-are-valid'), async () => {
    expect(await findProblems(manifests)).toEqual([]);
    expect(manifests.map(({ kind }) => kind)).not.toContain('Secret');
  });

  test.each(ROLES)(requirement('kubernetes-pods-are-restricted', '%s'), (role) => {
    const { pod, container } = podOf(deployment(role));
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(pod.containers).toHaveLength(1);
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    });
    expect(oneOf(manifests, 'Namespace', 'tallystick').metadata).toMatchObject({
      labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
    });
  });

  test.each(ROLES)(requirement('kubernetes-stops-gracefully', '%s'), (role) => {
    const { pod, container } = podOf(deployment(role));
    const drainDelay = container.env?.find(({ name }) => name.endsWith('_TIMEOUTS_DRAIN_DELAY'))?.value;
    const { periodSeconds = 10, failureThreshold = 3 } = container.readinessProbe ?? {};
    const seconds = Number(drainDelay) / 1000;
    expect(seconds).toBeGreaterThan(periodSeconds * failureThreshold);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(seconds + 10);
  });

  test.each(ROLES)(requirement('kubernetes-secrets-by-reference', 'no secret of %s is in a manifest'), (role) => {
    for (const { name, value } of podOf(deployment(role)).container.env ?? [])
      if (/SECRET|PASSWORD|KEY|CLIENTS|USERS/.test(name)) expect([name, value]).toEqual([name, undefined]);
  });

  test.each(ROLES)(requirement('kubernetes-pods-survive-nodes', '%s'), (role) => {
    const { spec } = deployment(role);
    const labels = spec?.template.metadata?.labels;
    const scaler = allOf<IHorizontalPodAutoscaler>(manifests, 'HorizontalPodAutoscaler').find(
      (candidate) => candidate.spec?.scaleTargetRef.name === role,
    );
    expect(spec?.replicas ?? scaler?.spec?.minReplicas).toBeGreaterThanOrEqual(2);
    const budget = oneOf<IPodDisruptionBudget>(manifests, 'PodDisruptionBudget', role);
    expect(budget.spec).toMatchObject({ maxUnavailable: 1, selector: { matchLabels: labels } });
    const constraints = spec?.template.spec?.topologySpreadConstraints ?? [];
    expect(constraints.map(({ topologyKey }) => topologyKey)).toEqual([
      'topology.kubernetes.io/zone',
      'kubernetes.io/hostname',
    ]);
    for (const { labelSelector } of constraints) expect(labelSelector).toEqual({ matchLabels: labels });
  });

  test(requirement('kubernetes-network-is-closed', 'connections'), () => {
    const policies = allOf<INetworkPolicy>(manifests, 'NetworkPolicy');
    const ports = { redis: [6379], sentinel: [6379, 26379], cluster: [6379] }[overlay];
    const possible = CONNECTIONS.filter(([from, to, port]) => isAllowed(policies, HOME, PODS[from], PODS[to], port));
    expect(possible.map((connection) => connection.join(' '))).toEqual([
      'ingress gateway 4100',
      'ingress authorization-server 4000',
      'prometheus gateway 9464',
      'gateway authorization-server 4000',
      'gateway api 8080',
      'gateway dns 53',
      ...ports.map((port) => `gateway redis ${port}`),
      'authorization-server dns 53',
      ...ports.map((port) => `authorization-server redis ${port}`),
    ]);
  });
});

test(requirement('kubernetes-manifests-are-valid', 'the check finds a misspelt field and a wrong value'), async () => {
  const service = (spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'gateway' }, spec });
  const problems = await findProblems([
    service({ ports: [{ port: 4100, targetport: 'http' }] }),
    service({ ports: [{ port: '4100' }] }),
  ]);
  expect(problems).toEqual([
    expect.stringContaining('/spec/ports/0/port must be integer'),
    expect.stringContaining('targetport'),
  ]);
});

const HOME = { 'kubernetes.io/metadata.name': 'tallystick' };
const namespace = (name: string) => ({ 'kubernetes.io/metadata.name': name });
const tallystick = (component: string): Pod => ({
  namespace: HOME,
  labels: { 'app.kubernetes.io/name': 'tallystick', 'app.kubernetes.io/component': component },
});
const PODS = {
  ingress: {
    namespace: namespace('ingress-nginx'),
    labels: { 'app.kubernetes.io/name': 'ingress-nginx', 'app.kubernetes.io/component': 'controller' },
  },
  prometheus: { namespace: namespace('monitoring'), labels: {} },
  stranger: { namespace: namespace('default'), labels: { 'app.kubernetes.io/component': 'gateway' } },
  neighbour: { namespace: HOME, labels: {} },
  gateway: tallystick('gateway'),
  'authorization-server': tallystick('authorization-server'),
  api: { namespace: { ...namespace('apis'), 'tallystick/apis': 'true' }, labels: {} },
  dns: { namespace: namespace('kube-system'), labels: { 'k8s-app': 'kube-dns' } },
  redis: { namespace: namespace('redis'), labels: {} },
} satisfies Record<string, Pod>;

type PodName = keyof typeof PODS;
const LISTENERS: readonly (readonly [PodName, readonly number[]])[] = [
  ['gateway', [4100, 9464]],
  ['authorization-server', [4000]],
  ['api', [8080]],
  ['dns', [53]],
  ['redis', [6379, 26379]],
];
const CALLERS: readonly PodName[] = [
  'ingress',
  'prometheus',
  'stranger',
  'neighbour',
  'gateway',
  'authorization-server',
];
/** Every connection from or to a pod of Tallystick or its namespace, except that `neighbour` may ask for names. */
const CONNECTIONS = CALLERS.flatMap((from) =>
  LISTENERS.flatMap(([to, ports]) => ports.map((port) => [from, to, port] as const)),
).filter(
  ([from, to]) =>
    (PODS[from].namespace === HOME || PODS[to].namespace === HOME) &&
    from !== to &&
    !(from === 'neighbour' && to === 'dns'),
);
