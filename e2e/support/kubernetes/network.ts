import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';

type Labels = Readonly<Record<string, string>>;

/** A pod, as NetworkPolicies see it. */
export interface Pod {
  readonly namespace: Labels;
  readonly labels: Labels;
}

interface Peer {
  readonly namespaceSelector?: Selector;
  readonly podSelector?: Selector;
}

interface Selector {
  readonly matchLabels?: Labels;
}

interface Rule {
  readonly peers?: readonly Peer[] | undefined;
  readonly ports?: readonly { readonly port?: number | string }[] | undefined;
}

/**
 * Whether NetworkPolicies allow a connection: where a policy selects a pod, only what a rule names is allowed.
 *
 * @param home the namespace of the policies
 */
export function isAllowed(
  policies: readonly INetworkPolicy[],
  home: Labels,
  from: Pod,
  to: Pod,
  port: number,
): boolean {
  const isOpen = (pod: Pod, other: Pod, direction: 'Ingress' | 'Egress') => {
    if (pod.namespace !== home) return true;
    const selecting = policies.filter(
      ({ spec }) => spec?.policyTypes?.includes(direction) && matches(spec.podSelector as Selector, pod.labels),
    );
    const rules = selecting.flatMap(({ spec }): Rule[] =>
      direction === 'Ingress'
        ? (spec?.ingress ?? []).map(({ from: peers, ports }) => ({ peers, ports }) as Rule)
        : (spec?.egress ?? []).map(({ to: peers, ports }) => ({ peers, ports }) as Rule),
    );
    return selecting.length === 0 || rules.some((rule) => admits(rule, other, home, port));
  };
  return isOpen(from, to, 'Egress') && isOpen(to, from, 'Ingress');
}

function admits({ peers, ports }: Rule, pod: Pod, home: Labels, port: number): boolean {
  const isPort = ports === undefined || ports.some((allowed) => allowed.port === port);
  const isPeer =
    peers === undefined ||
    peers.some(({ namespaceSelector, podSelector }) => {
      const isInNamespace =
        namespaceSelector === undefined ? pod.namespace === home : matches(namespaceSelector, pod.namespace);
      return isInNamespace && matches(podSelector ?? {}, pod.labels);
    });
  return isPort && isPeer;
}

function matches({ matchLabels = {} }: Selector, labels: Labels): boolean {
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
}
