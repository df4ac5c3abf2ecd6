import type { Tallystick } from '../run/start_tallystick.ts';
import { colour, trustHint } from './terminal.ts';

/** The output of `tallystick start` once every server listens. @param readyAfter milliseconds since the process started */
export function banner(tallystick: Tallystick, readyAfter: number): string {
  const { issuer, gatewayUrl, sampleApiUrl, controlUrl, certificateFingerprint, caFile, config } = tallystick;
  const clients = config.clients.map(({ id, secret, grants, introspects }) => [
    secret === undefined ? id : `${id} / ${secret}`,
    [secret === undefined ? 'public' : '', ...grants, introspects ? 'introspection' : ''].filter(Boolean).join(', '),
  ]);
  const users = config.users.map(({ id, claims }) => [id, [claims.name, claims.role].filter(Boolean).join(', ')]);
  const permissive = permissiveIssuers(tallystick);
  return `
${colour('bold', 'Tallystick')} is ready in ${readyAfter} ms. Opaque tokens outside, JWTs inside.
${permissive.map((issuer) => `\n${colour('bold', 'PERMISSIVE')}: ${issuer} accepts every client, redirect URI, scope and audience. For tests only.`).join('')}

${table([
  ['Authorization server', issuer],
  ['Gateway', `${gatewayUrl}  ${config.gateway.routes.map((route) => route.prefix).join(' ')}`],
  ['Sample API', sampleApiUrl],
  ...(controlUrl === undefined ? [] : [['Control API', `${controlUrl}/openapi.json`]]),
  ...(certificateFingerprint === undefined ? [] : [['Certificate', `SHA-256 ${certificateFingerprint}`]]),
  ...(caFile === undefined ? [] : [['Trust it with', trustHint(caFile)]]),
])}

${colour('bold', 'Clients')}
${table(clients)}

${colour('bold', 'Users')}  (sign in by picking one; no password)
${table(users)}
${exampleCalls(tallystick)}
Ctrl-C stops it.`;
}

function permissiveIssuers({ issuer, config }: Tallystick): string[] {
  const tenants = config.tenants.filter(({ permissive }) => permissive).map(({ id }) => `${issuer}/${id}`);
  return config.permissive ? [issuer, ...tenants] : tenants;
}

/** Commands to paste: they get a token, in the split style if an API has it, call the API, and revoke the token. */
function exampleCalls({ issuer, gatewayUrl, caFile, config }: Tallystick): string {
  const api = config.apis.find((candidate) => candidate.accessTokens === 'split') ?? config.apis[0];
  const route = config.gateway.routes.find((candidate) => candidate.api === api?.resource);
  const service = config.clients.find((client) => client.grants.includes('client_credentials'));
  if (!api || !route || !service) return '';
  const curl = caFile === undefined ? 'curl' : `curl --cacert ${caFile}`;
  const credentials = `${service.id}:${service.secret}`;
  const scope = api.scopes[0] === undefined ? '' : ` -d scope=${api.scopes[0]}`;
  return `
${colour('bold', 'Try it')}
  ${colour('dim', `# an access token in the ${api.accessTokens} style: it reveals nothing`)}
  TOKEN=$(${curl} -s -u ${credentials} ${issuer}/token -d grant_type=client_credentials -d resource=${api.resource}${scope} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'); echo $TOKEN
  ${colour('dim', '# the API behind the gateway gets a JWT')}
  ${curl} -s ${gatewayUrl}${route.prefix}/hello -H "Authorization: Bearer $TOKEN"
  ${colour('dim', '# without a token, and with a revoked token, the gateway answers 401')}
  ${curl} -si ${gatewayUrl}${route.prefix}/hello
  ${curl} -s -u ${credentials} ${issuer}/token/revocation -d token=$TOKEN
  ${curl} -si ${gatewayUrl}${route.prefix}/hello -H "Authorization: Bearer $TOKEN"
`;
}

function table(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([first = '']) => first.length));
  return rows.map(([first = '', second = '']) => `  ${first.padEnd(width)}  ${second}`.trimEnd()).join('\n');
}
