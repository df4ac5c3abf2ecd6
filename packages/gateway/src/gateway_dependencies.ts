import type { SecureContext } from 'node:tls';
import type { Log } from '@tallystick/common';
import type { UseOnce } from '@tallystick/resource-server';
import type { TokenStore } from '@tallystick/token-store';
import type { Keys } from './authorization_server/issuers.ts';
import type { Metrics } from './operations/metrics.ts';
import type { Tracing } from './tracing/request_trace.ts';

/** What a gateway needs from outside. */
export interface GatewayDependencies {
  readonly store: Pick<
    TokenStore,
    'splitEntries' | 'sharedAnswers' | 'sharedValues' | 'subscribe' | 'ping' | 'warnings' | 'useOnce'
  >;
  readonly log: Log;
  /** Default: `globalThis.fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Whom to trust, of upstreams on https. Default: the usual CAs. */
  readonly secureContext?: SecureContext;
  /** Remembers which DPoP proofs were used. Default: the store does, for all gateways on it. */
  readonly useOnce?: UseOnce;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: () => number;
  /** Default: nothing is counted, and there is no `/metrics`. */
  readonly metrics?: Metrics;
  /** Default: nothing is traced, and the trace context of clients goes to APIs as it is. */
  readonly tracing?: Tracing;
  /** The proxy for calls that do not go through `fetch`, those with a client certificate. Default: none. */
  readonly proxyFor?: ((url: string) => string | undefined) | undefined;
  /** The authorization servers' keys, as another gateway already has them. Default: those that the configuration says, fetched at once. */
  readonly keys?: Keys;
  /** Is told that the authorization servers on the store have other keys. Default: they are fetched again. */
  readonly keysChanged?: () => void;
}
