import { leadsToSampleApi } from '../config/cross_references/sample_api_routes.ts';
import type { Config } from '../config/schema.ts';
import type { Tallystick } from '../run/start_tallystick.ts';
import { colour, shellQuote } from './terminal.ts';

type Route = Config['gateway']['routes'][number];

/** Commands to paste: they get a token, in the split style if an API has it, call the API, and revoke the token. */
export function exampleCalls({ issuer, gatewayUrl, caFile, config }: Tallystick): string {
  const example = findExample(config);
  const service = config.clients.find(
    ({ grants, secret }) => grants.includes('client_credentials') && secret !== undefined,
  );
  if (example === undefined || service?.secret === undefined) return '';
  const { api, route } = example;
  const curl = caFile === undefined ? 'curl' : `curl --cacert ${shellQuote(caFile)}`;
  // RFC 6749 section 2.3.1: both are form-encoded before they become the credentials of HTTP Basic.
  const credentials = shellQuote(`${encodeURIComponent(service.id)}:${encodeURIComponent(service.secret)}`);
  const scopes = scopesForGet(route);
  const parameters = [`resource=${api.resource}`, ...(scopes.length === 0 ? [] : [`scope=${scopes.join(' ')}`])];
  const data = ['grant_type=client_credentials', ...parameters].map((each) => `-d ${shellQuote(each)}`).join(' ');
  const url = shellQuote(`${gatewayUrl}${pathOf(route, config)}`);
  const withToken = `${curl} -s ${url} -H "Authorization: Bearer $TOKEN"`;
  const lines = [
    comment(EXPLANATION[api.accessTokens].token),
    `TOKEN=$(${curl} -s -u ${credentials} ${issuer}/token ${data} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'); echo $TOKEN`,
    comment(EXPLANATION[api.accessTokens].api),
    withToken,
    comment('without a token, the answer is 401'),
    `${curl} -si ${url}`,
    ...(api.accessTokens === 'jwt'
      ? []
      : [
          comment('with a revoked token, the answer is 401'),
          `${curl} -s -u ${credentials} ${issuer}/token/revocation -d token=$TOKEN`,
          withToken.replace(' -s ', ' -si '),
        ]),
  ];
  return `\n${colour('bold', 'Try it')}\n${lines.map((each) => `  ${each}\n`).join('')}`;
}

const EXPLANATION = {
  jwt: { token: 'the access token is a JWT, which everyone can read', api: 'the API behind the gateway gets the JWT' },
  opaque: { token: 'the access token reveals nothing', api: 'the API behind the gateway gets it and introspects it' },
  phantom: { token: 'the access token reveals nothing', api: 'the API behind the gateway gets a JWT' },
  split: { token: 'the access token reveals nothing', api: 'the API behind the gateway gets a JWT' },
};

function comment(text: string): string {
  return colour('dim', `# ${text}`);
}

/** An API with a route that curl can call, in the split style if there is one. */
function findExample({ issuer: own, apis, gateway: { routes } }: Config) {
  const callable = apis.flatMap((api) => {
    const route = routes.find(
      ({ api: name, issuer = own, host }) => name === api.resource && issuer === own && host === undefined,
    );
    return route === undefined ? [] : [{ api, route }];
  });
  return callable.find(({ api }) => api.accessTokens === 'split') ?? callable[0];
}

/** Scopes that a GET needs, at least. */
function scopesForGet({ scopes = {} }: Route): string[] {
  const required = scopes.GET ?? scopes['*'] ?? [];
  if (Array.isArray(required)) return required;
  const { allOf = [], anyOf = [] } = required;
  return [...new Set([...allOf, ...(anyOf.some((scope) => allOf.includes(scope)) ? [] : anyOf.slice(0, 1))])];
}

/** The sample API answers at every path. Of another API, only its root is a likely path. */
function pathOf(route: Route, config: Config): string {
  if (!leadsToSampleApi(route, config)) return route.prefix;
  return `${route.prefix === '/' ? '' : route.prefix}/hello`;
}
