import type { Requirements } from './source.ts';

const kubernetes = 'https://kubernetes.io/docs/concepts';

/** What an operator of a cluster must be able to rely on. */
export const kubernetesRequirements = {
  'kubernetes-manifests-are-valid': {
    sentence: 'every overlay for Kubernetes renders, and consists of resources and fields that Kubernetes knows',
    link: `${kubernetes}/overview/working-with-objects/`,
  },
  'kubernetes-configuration-serves': {
    sentence: 'the roles serve with the configuration, environment and Secrets of each overlay on its kind of Redis',
    link: `${kubernetes}/configuration/configmap/`,
  },
  'kubernetes-secrets-by-reference': {
    sentence: 'manifests refer to Secrets, and the documented commands create each of them',
    link: `${kubernetes}/configuration/secret/`,
  },
  'kubernetes-pods-are-restricted': {
    sentence: 'pods have no right that they do not need',
    link: `${kubernetes}/security/pod-security-standards/#restricted`,
  },
  'kubernetes-stops-gracefully': {
    sentence: 'a pod serves until its readiness probe must have failed, and is killed only after its last requests',
    link: `${kubernetes}/workloads/pods/pod-lifecycle/#pod-termination`,
  },
  'kubernetes-network-is-closed': {
    sentence: 'only the documented connections are possible, and only gateways reach the introspection endpoint',
    link: `${kubernetes}/services-networking/network-policies/`,
  },
  'kubernetes-pods-survive-nodes': {
    sentence: 'each role has several pods on different nodes, of which one at a time may be missing',
    link: `${kubernetes}/workloads/pods/disruptions/`,
  },
  'kubernetes-monitoring-fits': {
    sentence: 'alerts, dashboard and autoscaling use metrics and labels that the gateway exposes',
    link: 'https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/',
  },
} as const satisfies Requirements;
