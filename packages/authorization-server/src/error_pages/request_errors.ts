import { closest } from '@tallystick/common';
import { userScopes } from '../config/user_scopes.ts';
import { clientIdOf, quoted } from './client_errors.ts';
import { type ErrorHelp, type Explanation, type RefusedRequest, sentBy } from './error_help.ts';

/** Errors about what the application asks for. */
export const requestErrors: readonly Explanation[] = [
  missingParameter,
  repeatedParameter,
  pkce,
  scope,
  api,
  authorizationDetails,
  requestUri,
  unknownUser,
  idTokenHint,
];

/** What each parameter that requests lack is for. */
const PURPOSES: Readonly<Record<string, string>> = {
  client_id: 'client_id names the application.',
  redirect_uri: 'redirect_uri names the address to return to.',
  response_type: 'response_type=code starts the authorization code flow.',
};

function missingParameter(request: RefusedRequest): ErrorHelp | undefined {
  const [, names] = /^missing required parameters? (.*)$/.exec(request.description) ?? [];
  if (names === undefined) return undefined;
  const missing = [...names.matchAll(/'(\w+)'/g)].map(([, name]) => String(name));
  return {
    title: missing.length === 1 ? `The request has no ${missing[0]}` : 'The request is incomplete',
    explanation: missing.map((name) => PURPOSES[name] ?? `${name} is required.`).join(' '),
    sent: sentBy(request, 'client_id', 'redirect_uri', 'response_type', 'scope'),
    next: `Add ${missing.join(' and ')} to the authorization request of the application.`,
    development: missing.includes('client_id')
      ? { configured: { label: 'Configured clients', values: request.config.clients.map(({ id }) => id) } }
      : { configured: { label: 'Registered redirect URIs', values: request.client?.redirectUris ?? [] } },
  };
}

function repeatedParameter({ description }: RefusedRequest): ErrorHelp | undefined {
  if (!/must not be provided twice$/.test(description)) return undefined;
  return {
    title: 'A parameter is repeated',
    explanation: 'A request may contain each parameter only once (RFC 6749 section 3.1).',
    next: 'Send each parameter once. Look for a parameter that the application adds to an address that already has it.',
  };
}

function pkce(request: RefusedRequest): ErrorHelp | undefined {
  if (!/PKCE|code_challenge/.test(request.description)) return undefined;
  return {
    title: request.parameter('code_challenge') === undefined ? 'PKCE is missing' : 'PKCE is incomplete',
    explanation: 'This client must prove that it started the sign-in (PKCE, RFC 7636).',
    sent: [...clientIdOf(request), ...sentBy(request, 'code_challenge', 'code_challenge_method')],
    next: 'Send code_challenge and code_challenge_method=S256. Most client libraries have a setting for PKCE.',
    development: {
      hint: 'A confidential client may go without PKCE if the configuration allows it.',
      configuration: `clients:\n  - id: ${quoted(request.clientId ?? '')}\n    pkce: optional`,
    },
  };
}

function scope(request: RefusedRequest): ErrorHelp | undefined {
  if (request.error !== 'invalid_scope') return undefined;
  const values = [...userScopes(request.config), ...request.config.apis.flatMap(({ scopes }) => scopes)];
  const sent = request.parameter('scope') ?? '';
  return {
    title: 'Scope not available',
    explanation: 'The application asks for no scope that it can get here.',
    sent: [...clientIdOf(request), ...sentBy(request, 'scope', 'resource', 'audience')],
    next: 'Request a scope that exists, such as openid. The scopes of an API need its resource indicator.',
    development: {
      configured: { label: 'Available scopes', values: [...new Set(values)] },
      suggestion: closest(sent, values),
      configuration: `apis:\n  - resource: ${quoted(request.parameter('resource') ?? request.config.apis[0]?.resource ?? 'https://api.example.com')}\n    scopes: [${quoted(sent.split(' ', 1)[0] || 'read')}]`,
    },
  };
}

function api(request: RefusedRequest): ErrorHelp | undefined {
  if (request.error !== 'invalid_target') return undefined;
  const values = request.config.apis.map(({ resource }) => resource);
  const sent = request.parameter('resource') ?? request.parameter('audience');
  return {
    title: sent === undefined ? 'The request names no API' : 'Unknown API',
    explanation:
      'An access token is for one API of this server. The request must name it in the resource parameter (RFC 8707).',
    sent: [...clientIdOf(request), ...sentBy(request, 'resource', 'audience', 'scope')],
    next: 'Send the resource indicator of a configured API, or add the API to the configuration.',
    development: {
      configured: { label: 'Configured APIs', values },
      suggestion: sent === undefined ? undefined : closest(sent, values),
      configuration:
        sent === undefined
          ? `authorizationServer:\n  defaultApi: ${quoted(values[0] ?? 'https://api.example.com')}`
          : `apis:\n  - resource: ${quoted(sent)}`,
    },
  };
}

function authorizationDetails(request: RefusedRequest): ErrorHelp | undefined {
  if (request.error !== 'invalid_authorization_details') return undefined;
  return {
    title: 'Authorization details not accepted',
    explanation: `The authorization_details of the request are invalid (RFC 9396).`,
    sent: clientIdOf(request),
    next: 'Correct the authorization_details in the application.',
    development: {
      configured: {
        label: 'Configured types',
        values: [...new Set(request.config.apis.flatMap((known) => known.authorizationDetailsTypes))],
      },
      configuration: 'apis:\n  - resource: …\n    authorizationDetailsTypes: [payment]',
    },
  };
}

function requestUri({ error }: RefusedRequest): ErrorHelp | undefined {
  if (error !== 'invalid_request_uri') return undefined;
  return {
    title: 'This request has ended',
    explanation: 'The application prepared this request, but it has expired or was used before.',
    next: 'Go back to the application and start again.',
  };
}

function unknownUser(request: RefusedRequest): ErrorHelp | undefined {
  if (request.description !== 'unknown user') return undefined;
  return {
    title: 'Unknown user',
    explanation: 'This user is not configured here.',
    next: 'Go back and choose a user from the list.',
    development: {
      configured: { label: 'Configured users', values: request.config.users.map(({ id }) => id) },
      configuration: 'users:\n  - id: alice',
    },
  };
}

/** Says nothing about the content of the ID token. */
function idTokenHint({ description }: RefusedRequest): ErrorHelp | undefined {
  if (!/id_token_hint/.test(description)) return undefined;
  return {
    title: 'The ID token is not accepted',
    explanation: 'The id_token_hint of the request is not an ID token that this server issued to this application.',
    next: 'Send the ID token of the sign-in unchanged, or leave id_token_hint out. Tokens of another issuer, or from before the keys were replaced, are not accepted.',
  };
}
