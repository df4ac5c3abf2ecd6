import type { SecureContext } from 'node:tls';
import type { Log } from '@tallystick/common';
import type { UseOnce } from '@tallystick/resource-server';
import type { TokenStore } from '@tallystick/token-store';
import type { Keys } from './authorization_server/issuers.ts';
import type { ForwarderOptions } from './forward/forwarder.ts';
import type { Metrics } from './operations/metrics.ts';
import type { Tracing } from './tracing/request_trace.ts';

/** The dependencies of a gateway. */
export interface GatewayDependencies extends Pick<ForwarderOptions, 'divert'> {
  readonly store: Pick<
    TokenStore,
    'splitEntries' | 'sharedAnswers' | 'sharedValues' | 'subscribe' | 'ping' | 'warnings' | 'useOnce'
  >;
  readonly log: Log;
  /** Default: `globalThis.fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** The trusted CAs for upstreams on https. Default: the CAs of Node.js. */
  readonly secureContext?: SecureContext | undefined;
  /** Records used DPoP proofs. Default: in the store, for all gateways that use it. */
  readonly useOnce?: UseOnce | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Default: nothing is counted, and `/metrics` does not exist. */
  readonly metrics?: Metrics | undefined;
  /** Default: nothing is traced, and the trace context of clients is passed on unchanged. */
  readonly tracing?: Tracing | undefined;
  /** The proxy for calls with a client certificate, which do not use `fetch`. Default: none. */
  readonly proxyFor?: ((url: string) => string | undefined) | undefined;
  /** The keys of the authorization servers, shared with another gateway. Default: they are fetched at once as configured. */
  readonly keys?: Keys | undefined;
  /** Runs what the start need not wait for, such as the first fetch of keys. Default: at once. */
  readonly background?: ((task: () => void) => void) | undefined;
  /** Called when the keys of the authorization servers on this store change. Default: the keys are fetched again. */
  readonly keysChanged?: (() => void) | undefined;
}
