import { closest } from '@tallystick/common';
import { type DevelopmentHelp, type ErrorHelp, type Explanation, type RefusedRequest, sentBy } from './error_help.ts';
import { explainDifference } from './redirect_uri_difference.ts';

/** Errors about the client itself: which one it is, how it authenticates, and where its users return to. */
export const clientErrors: readonly Explanation[] = [
  unknownClient,
  failedAuthentication,
  redirectUri,
  postLogoutRedirectUri,
  responseTypeOfClient,
];

function unknownClient(request: RefusedRequest): ErrorHelp | undefined {
  // Which part of the authentication failed is for a development issuer only.
  if (request.error !== 'invalid_client' || isAuthentication(request)) return undefined;
  return {
    title: 'Unknown client',
    explanation: 'The application that sent you here is not a client of this server.',
    sent: clientIdOf(request),
    next: 'Correct the client_id in the application, or add the client to the configuration. Then start again from the application.',
    development: unknownClientHelp(request),
  };
}

function unknownClientHelp({ clientId = 'my-client', detail, config: { clients } }: RefusedRequest): DevelopmentHelp {
  const ids = clients.map(({ id }) => id);
  return {
    configured: { label: 'Configured clients', values: ids },
    suggestion: closest(clientId, ids),
    // Why a metadata document was not accepted.
    hint: detail === 'client not found' ? undefined : detail,
    configuration: `clients:\n  - id: ${quoted(clientId)}\n    grants: [authorization_code, refresh_token]\n    redirectUris: [http://localhost:3000/callback]`,
  };
}

function failedAuthentication(request: RefusedRequest): ErrorHelp | undefined {
  if (!isAuthentication(request)) return undefined;
  return {
    title: 'Client authentication failed',
    explanation: 'The application did not prove that it is the client that it names.',
    sent: clientIdOf(request),
    next: 'Compare client_id, secret and authentication method of the application with the configuration of this server. Its log has the details.',
    development: authenticationHelp(request),
  };
}

function authenticationHelp(request: RefusedRequest): DevelopmentHelp {
  const { detail, client } = request;
  const id = quoted(request.clientId ?? 'my-client');
  if (detail === 'client not found') return { ...unknownClientHelp(request), hint: 'This client is unknown.' };
  if (/authentication mechanism does not match/.test(detail)) {
    const method = client?.clientAuthMethod ?? 'none';
    return {
      hint: 'The client is configured for another authentication method.',
      configured: { label: 'Configured authentication method', values: [method] },
      configuration: `clients:\n  - id: ${id}\n    metadata:\n      token_endpoint_auth_method: ${method === 'client_secret_post' ? 'client_secret_basic' : 'client_secret_post'}`,
    };
  }
  if (/secret/.test(detail))
    return {
      hint: 'The client is known, but its secret is wrong.',
      configuration: `clients:\n  - id: ${id}\n    secret: …`,
    };
  return { hint: detail };
}

function isAuthentication({ description }: RefusedRequest): boolean {
  return description === 'client authentication failed';
}

function redirectUri(request: RefusedRequest): ErrorHelp | undefined {
  if (request.error !== 'invalid_redirect_uri' || request.client === undefined) return undefined;
  const { clientId, redirectUris: values = [] } = request.client;
  const sent = request.parameter('redirect_uri') ?? '';
  return {
    title: 'Wrong redirect URI',
    explanation: 'The application asked to return to an address that is not registered for it.',
    sent: [...clientIdOf(request), ...sentBy(request, 'redirect_uri')],
    next: 'Use a registered address in the application, or register this one. Then start again from the application.',
    development: {
      configured: { label: 'Registered redirect URIs', values },
      hint: explainDifference(sent, values, { isNative: request.client.applicationType === 'native' }),
      configuration: linesFor(clientId, 'redirectUris', sent),
    },
  };
}

function postLogoutRedirectUri(request: RefusedRequest): ErrorHelp | undefined {
  if (request.description !== 'post_logout_redirect_uri not registered' || request.client === undefined)
    return undefined;
  const { clientId, postLogoutRedirectUris: values = [] } = request.client;
  const sent = request.parameter('post_logout_redirect_uri') ?? '';
  return {
    title: 'Wrong address after signing out',
    explanation:
      'The application asked to return to an address that is not registered for it. You are still signed in.',
    sent: [...clientIdOf(request), ...sentBy(request, 'post_logout_redirect_uri')],
    next: 'Use a registered address in the application, or register this one. Then sign out again.',
    development: {
      configured: { label: 'Registered addresses', values },
      hint: explainDifference(sent, values, { isNative: false }),
      configuration: linesFor(clientId, 'postLogoutRedirectUris', sent),
    },
  };
}

function responseTypeOfClient(request: RefusedRequest): ErrorHelp | undefined {
  const { error, description, client } = request;
  const isForbidden = /^requested response_type is not allowed/.test(description);
  if (!isForbidden && error !== 'unsupported_response_type') return undefined;
  const values = client?.responseTypes ?? [];
  return {
    title: 'Response type not allowed',
    explanation: isForbidden
      ? 'The client may not use the response type of the request.'
      : 'This server does not support the response type of the request.',
    sent: [...clientIdOf(request), ...sentBy(request, 'response_type')],
    next: 'Use the authorization code flow in the application: response_type=code.',
    development: {
      configured: { label: 'Response types of this client', values },
      ...(values.length === 0 && {
        configuration: `clients:\n  - id: ${quoted(client?.clientId ?? '')}\n    grants: [authorization_code, refresh_token]`,
      }),
    },
  };
}

/** The client_id, also if it came in the Authorization header or an ID token. */
export function clientIdOf({ clientId }: RefusedRequest) {
  return clientId === undefined ? [] : [{ name: 'client_id', value: clientId }];
}

function linesFor(clientId: string, list: string, uri: string): string {
  return `clients:\n  - id: ${quoted(clientId)}\n    ${list}: [${quoted(uri)}]`;
}

/** A YAML scalar. JSON strings are YAML (YAML 1.2 section 1.3). */
export function quoted(text: string): string {
  return /^[a-z][\w-]*$/i.test(text) ? text : JSON.stringify(text);
}
