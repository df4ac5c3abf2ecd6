import type { IncomingMessage, ServerResponse } from 'node:http';
import { AccessTokenError, refusal } from '@tallystick/resource-server';
import type { GatewayConfig } from '../config/config.ts';
import type { EndpointName, TokenHandlerConfig } from '../config/token_handler.ts';
import type { Decision } from '../decision.ts';
import { type CorsPolicy, corsHeaders, createCorsPolicy, isPreflight } from '../http/cors.ts';
import { toRefusal } from '../http/errors.ts';
import type { SignInServer } from './client.ts';
import type { EndpointResponse } from './login.ts';
import type { TokenHandler, TokenHandlerDependencies } from './token_handler.ts';

/**
 * Serves the endpoints of token handlers.
 *
 * @returns whether the request was for one
 */
export type ServeTokenHandlers = (request: IncomingMessage, response: ServerResponse, decision: Decision) => boolean;

export function createServeTokenHandlers(
  { issuer, authorizationServer, timeouts, tokenHandlers }: GatewayConfig,
  dependencies: TokenHandlerDependencies,
): ServeTokenHandlers {
  const { backChannelUrl } = authorizationServer;
  const server = { issuer, backChannelUrl, timeout: timeouts.authorizationServer };
  const endpoints = new Map<string, Endpoint>();
  for (const config of tokenHandlers) {
    const load = createLoader(config, server, dependencies);
    const cors = corsPolicyOf(config);
    for (const [name, segment] of Object.entries(config.endpoints) as [EndpointName, string][]) {
      endpoints.set(`${config.prefix}/${segment}`, { name, load, cors });
    }
  }

  return (request, response, decision) => {
    if (endpoints.size === 0) return false;
    const endpoint = endpoints.get(request.url?.split('?', 1)[0] ?? '');
    if (endpoint === undefined) return false;
    const { origin } = request.headers;
    if (endpoint.cors && isPreflight(request)) response.writeHead(204, endpoint.cors.preflightHeaders(origin)).end();
    else void serve(endpoint);
    return true;

    async function serve({ name, load, cors }: Endpoint): Promise<void> {
      const handler = await load();
      const forPage = corsHeaders(cors, origin);
      try {
        send(response, await handler.answer(name, request), forPage);
      } catch (thrown) {
        const error = toRefusal(thrown, dependencies.log);
        decision.error = error;
        const { status, headers, body } = refusal(error);
        // The session cannot be continued, so its cookies are deleted.
        const cookies = error instanceof AccessTokenError ? { 'Set-Cookie': handler.endSession(request) } : {};
        response.writeHead(status, { ...headers, ...forPage, ...cookies }).end(body);
      }
    }
  };
}

interface Endpoint {
  readonly name: EndpointName;
  readonly load: () => Promise<TokenHandler>;
  readonly cors: CorsPolicy | undefined;
}

/** Lets the allowed pages of other origins read responses, and send the CSRF header. */
function corsPolicyOf({ origins, csrfHeader }: TokenHandlerConfig): CorsPolicy | undefined {
  if (origins.length === 0) return undefined;
  const methods = ['GET', 'POST'];
  return createCorsPolicy({
    origins,
    methods,
    headers: [csrfHeader],
    exposeHeaders: [],
    credentials: true,
    maxAge: 600,
  });
}

/** Loads the token handler when it is first used: few gateways have one, and all should start fast. */
function createLoader(config: TokenHandlerConfig, server: SignInServer, dependencies: TokenHandlerDependencies) {
  let loaded: Promise<TokenHandler> | undefined;
  return () => {
    loaded ??= import('./token_handler.ts').then(({ createTokenHandler }) =>
      createTokenHandler(config, server, dependencies),
    );
    return loaded;
  };
}

function send(
  response: ServerResponse,
  answer: EndpointResponse,
  forPage: Readonly<Record<string, string>> = {},
): void {
  const headers = {
    ...forPage,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    ...(answer.cookies && { 'Set-Cookie': [...answer.cookies] }),
  };
  if ('location' in answer) response.writeHead(302, { ...headers, Location: answer.location }).end();
  else if (answer.json === undefined) response.writeHead(204, headers).end();
  else response.writeHead(200, { ...headers, 'Content-Type': 'application/json' }).end(JSON.stringify(answer.json));
}
