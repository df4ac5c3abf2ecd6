import { isOwnClient } from '../config/complete_config.ts';
import { type ConfigSource, DEFAULT_FILE, sourceName } from '../config/config_source.ts';
import { leadsToSampleApi } from '../config/cross_references/sample_api_routes.ts';
import type { Tallystick } from '../run/start_tallystick.ts';
import { exampleCalls } from './example_calls.ts';
import { colour, ownCommand, trustCommand } from './terminal.ts';

export interface BannerOptions {
  readonly source: ConfigSource;
  /** Milliseconds since the process started. */
  readonly readyAfter: number;
}

/** The output of `tallystick start` once every server listens. Each line with a command works when pasted into a shell. */
export function banner(tallystick: Tallystick, { source, readyAfter }: BannerOptions): string {
  const { issuer, gatewayUrl, sampleApiUrl, controlUrl, certificateFingerprint, caFile, config } = tallystick;
  const clients = config.clients
    .filter((client) => !isOwnClient(client))
    .map(({ id, secret, grants, introspects }) => [
      secret === undefined ? id : `${id} / ${secret}`,
      [secret === undefined ? 'public' : '', ...grants, introspects ? 'introspection' : ''].filter(Boolean).join(', '),
    ]);
  const users = config.users.map(({ id, claims }) => [id, [claims.name, claims.role].filter(Boolean).join(', ')]);
  const showsSampleApi = config.gateway.routes.some((route) => leadsToSampleApi(route, config));
  const permissive = permissiveIssuers(tallystick);
  return `
${colour('bold', 'Tallystick')} is ready in ${readyAfter} ms. Opaque tokens outside, JWTs inside.
${permissive.map((issuer) => `\n${colour('bold', 'PERMISSIVE')}: ${issuer} accepts every client, redirect URI, scope and audience. For tests only.`).join('')}
${describeSource(source)}
${table([
  ['Authorization server', issuer],
  ['Gateway', `${gatewayUrl}  ${config.gateway.routes.map((route) => route.prefix).join(' ')}`],
  ...(showsSampleApi ? [['Sample API', sampleApiUrl]] : []),
  ...(controlUrl === undefined ? [] : [['Control API', `${controlUrl}/openapi.json`]]),
  ...(certificateFingerprint === undefined ? [] : [['Certificate', `SHA-256 ${certificateFingerprint}`]]),
])}
${caFile === undefined ? '' : `\n${colour('bold', 'Trust the certificate')}\n  ${trustCommand(caFile)}\n`}
${colour('bold', 'Clients')}
${table(clients)}

${colour('bold', 'Users')}  (sign in by picking one, or with any other name; no password)
${table(users)}
${exampleCalls(tallystick)}
Ctrl-C stops it.`;
}

function permissiveIssuers({ issuer, config }: Tallystick): string[] {
  const tenants = config.tenants.filter(({ permissive }) => permissive).map(({ id }) => `${issuer}/${id}`);
  return config.permissive ? [issuer, ...tenants] : tenants;
}

function describeSource(source: ConfigSource): string {
  if (source.kind !== 'demo') return `${table([['Configuration', sourceName(source)]])}\n`;
  return `
There is no ${DEFAULT_FILE} in this folder, so this is the built-in demo. To write a configuration of your own:
  ${ownCommand()} init
`;
}

function table(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([first = '']) => first.length));
  return rows.map(([first = '', second = '']) => `  ${first.padEnd(width)}  ${second}`.trimEnd()).join('\n');
}
