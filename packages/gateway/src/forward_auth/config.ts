/** An endpoint that decides for another gateway, and leaves the forwarding to it. */
export interface DecisionEndpointConfig {
  /** Its path; for `envoy`, what the path of the original request follows. */
  readonly path: string;
  /**
   * Where it finds the original request.
   *
   * - `nginx`: `X-Original-Method` and `X-Original-URI`, which the configuration of `auth_request` sets
   * - `traefik`: `X-Forwarded-Method` and `X-Forwarded-Uri`, which ForwardAuth sets
   * - `envoy`: ext_authz over HTTP sends the request itself, without its body, to the path with the original one behind it
   */
  readonly for: 'nginx' | 'traefik' | 'envoy';
}
