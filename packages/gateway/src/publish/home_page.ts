import { HEALTH_PATHS } from '@tallystick/common';
import { isReading, type ServerFact, type ServerPage, serverPageAnswer } from '@tallystick/common/page';
import type { GatewayConfig } from '../config/config.ts';
import { answer } from '../http/answer.ts';
import type { Route } from '../routes/route.ts';
import type { FindRoute } from '../routes/route_table.ts';
import type { Endpoint } from '../serve_request.ts';

const OPERATIONS: readonly ServerFact[] = [
  { name: 'Liveness', url: HEALTH_PATHS.liveness },
  { name: 'Readiness', url: HEALTH_PATHS.readiness },
  { name: 'Metrics', url: '/metrics' },
];

/** Serves a page that says what the gateway is, at `/`, if no route takes this path. */
export function homePageEndpoint(config: GatewayConfig, routes: readonly Route[], findRoute: FindRoute): Endpoint {
  const page = homePage(config, routes);
  const isTaken = (host: string | undefined) => {
    try {
      findRoute('/', host);
      return true;
    } catch {
      return false;
    }
  };
  return ({ context: { request }, response }) => {
    if (!isReading(request) || request.url !== '/' || isTaken(request.headers.host)) return false;
    const { status, headers, body } = serverPageAnswer(page, request);
    answer(response, status, headers, body);
    return true;
  };
}

function homePage({ issuer, operations }: GatewayConfig, routes: readonly Route[]): ServerPage {
  return {
    name: 'Gateway',
    description: 'It checks the access token of each call, and forwards the call to the API with a JWT.',
    sections: {
      Routes: routes.map(({ host = '', prefix, accessTokens, api }) => ({
        name: host + prefix,
        text: accessTokens === undefined ? 'public' : `${accessTokens}, ${api}`,
      })),
      Issuer: [{ name: 'Identifier', text: issuer, url: `${issuer}/` }],
      Server: operations === undefined ? OPERATIONS : [],
    },
  };
}
