import type { RequestListener } from 'node:http';
import { mountPathOf } from '@tallystick/authorization-server';
import { HEALTH_PATHS, isLoopbackName } from '@tallystick/common';
import { isReading, type ServerFact, type ServerPage, serverPageAnswer } from '@tallystick/common/page';
import { listensOnLoopback } from '../config/listens_on_loopback.ts';
import type { Config } from '../config/schema.ts';

const DOCUMENTATION: ServerFact = {
  name: 'Documentation',
  text: 'How to use Tallystick',
  url: 'https://github.com/tallystick/tallystick/tree/main/docs/how-to',
};

const HEALTH: readonly ServerFact[] = [
  { name: 'Liveness', url: HEALTH_PATHS.liveness },
  { name: 'Readiness', url: HEALTH_PATHS.readiness },
];

/**
 * Whether a server has a page at `/`. It names endpoints and users, so by default only this machine sees it: a proxy in front of a
 * loopback address has an issuer on another host.
 */
export function showsServerPage(
  { serverPages, issuer }: Pick<Config, 'serverPages' | 'issuer'>,
  host: string,
): boolean {
  return serverPages ?? (listensOnLoopback({ host }) && isLoopbackName(new URL(issuer).hostname));
}

/** Serves a page before a handler. @param pageAt the page at the URL of a request; undefined if there is none */
export function serveServerPages(
  pageAt: (url: string) => ServerPage | undefined,
  handler: RequestListener,
): RequestListener {
  return (request, response) => {
    const { url = '' } = request;
    const page = isReading(request) ? pageAt(url) : undefined;
    if (page === undefined) {
      handler(request, response);
      return;
    }
    const { status, headers, body } = serverPageAnswer(page, request);
    response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
  };
}

/** An issuer with what its page shows. */
export interface ShownIssuer {
  readonly issuer: string;
  readonly users: readonly Config['users'][number][];
  readonly permissive: boolean | undefined;
  /** The tenants at this issuer. */
  readonly tenants: readonly { readonly id: string; readonly issuer: string }[];
}

/** The page of an issuer, the first one or a tenant. */
export function issuerPage(
  { issuer, users, permissive, tenants }: ShownIssuer,
  features: Config['features'],
): ServerPage {
  const at = (name: string, path: string): ServerFact => ({ name, text: path, url: issuer + path });
  const endpoint = (name: string, path: string): ServerFact => ({ name, text: path });
  return {
    name: 'Authorization server',
    description: permissive
      ? 'It issues access tokens. This issuer is permissive: it accepts every client. For tests only.'
      : 'It signs users in and issues access tokens (OAuth 2.0, OpenID Connect).',
    sections: {
      Issuer: [
        { name: 'Identifier', text: issuer },
        at('OpenID metadata', '/.well-known/openid-configuration'),
        at('OAuth metadata', '/.well-known/oauth-authorization-server'),
        at('Signing keys', '/jwks'),
      ],
      Pages: [
        ...(features.deviceFlow ? [at('Device code', '/device')] : []),
        ...(features.ciba ? [at('Approve a sign-in', '/ciba')] : []),
        at('Sign out', '/session/end'),
      ],
      Endpoints: [
        endpoint('Authorization', '/auth'),
        endpoint('Token', '/token'),
        endpoint('Userinfo', '/me'),
        endpoint('Introspection', '/token/introspection'),
        endpoint('Revocation', '/token/revocation'),
        ...(features.clientRegistration ? [endpoint('Registration', '/reg')] : []),
      ],
      Users: users.map(({ id, claims }) => ({ name: id, text: String(claims.name ?? '') })),
      Tenants: tenants.map(({ id, issuer: url }) => ({ name: id, url: `${url}/` })),
      // A path of the server: a proxy in front of an issuer with a path need not pass it on.
      Server: [...(mountPathOf(issuer) === '' ? HEALTH : []), DOCUMENTATION],
    },
  };
}

/** The page of the sample API. @param apis paths of its APIs and their access token styles */
export function sampleApiPage(
  issuer: string,
  apis: readonly { readonly prefix: string; readonly publicPrefix: string; readonly style: string }[],
): ServerPage {
  return {
    name: 'Sample API',
    description: 'An API to try. It validates the access token of each call, and answers with what it got.',
    sections: {
      APIs: apis.map(({ prefix, publicPrefix, style }) => ({
        name: prefix,
        text: `${style}; at the gateway ${publicPrefix}`,
      })),
      Issuer: [{ name: 'Identifier', text: issuer, url: `${issuer}/` }],
      Server: [...HEALTH, DOCUMENTATION],
    },
  };
}

/** The page of the control API. */
export const controlApiPage: ServerPage = {
  name: 'Control API',
  description: 'It controls the servers for tests: clock, faults, users, clients, APIs, tokens, keys, tenants.',
  sections: {
    API: [{ name: 'OpenAPI', url: '/openapi.json' }],
    Server: [...HEALTH, DOCUMENTATION],
  },
};
