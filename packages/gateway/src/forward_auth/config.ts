/** An endpoint that decides for another gateway, and leaves the forwarding to it. */
export interface DecisionEndpointConfig {
  /** Its path; for `envoy`, what the path of the original request follows. */
  readonly path: string;
  /**
   * Which gateway asks. It says where the original request is found.
   *
   * - `nginx`: `X-Original-Method`, and `X-Original-URI` or, as ingress-nginx has it, an absolute `X-Original-URL`
   * - `traefik`: `X-Forwarded-Method` and `X-Forwarded-Uri`, which ForwardAuth sets, and `X-Forwarded-Host`
   * - `caddy`, `haproxy`: the same, with the original `Host`
   * - `envoy`: ext_authz over HTTP sends the request itself, without its body, to the path with the original one behind it
   */
  readonly for: 'nginx' | 'traefik' | 'caddy' | 'haproxy' | 'envoy';
  /**
   * The named location of NGINX that forwards what may pass, such as `@api`: the answer redirects to it (`X-Accel-Redirect`), and
   * NGINX gives every other answer to the client as it is. Only with `nginx`. Default: the answer is one for `auth_request`.
   */
  readonly accelRedirect?: string | undefined;
}
