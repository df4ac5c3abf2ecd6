import { openTokenStore, type TokenStore, tokenKey } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { type ConfigSource, readConfig } from '../config/config_source.ts';
import type { Config } from '../config/schema.ts';
import { startTallystick, type Tallystick } from '../run/start_tallystick.ts';
import { colour, ownCommand } from './terminal.ts';

type Style = Config['apis'][number]['accessTokens'];

/** What the demo prints about each style. */
const STYLES: Record<Style, { title: string; gateway: string; perCall: string; api: string; apiCanCall: boolean }> = {
  jwt: {
    title: 'the client holds the JWT',
    gateway: 'validates it and passes it on',
    perCall: 'the authorization server is not asked',
    api: "it is the client's token: the API can call as its caller",
    apiCanCall: true,
  },
  opaque: {
    title: 'the client holds a reference, and so does the API',
    gateway: 'passes it on; the API introspects it',
    perCall: 'the authorization server is asked on every call to every API',
    api: "it is the client's token: the API can call as its caller",
    apiCanCall: true,
  },
  phantom: {
    title: 'the client holds a reference, the API gets the JWT',
    gateway: 'introspects it with Accept: application/jwt, validates and caches the JWT',
    perCall: 'the authorization server is asked on a cache miss',
    api: 'the gateway does not accept it: the API cannot call as its caller',
    apiCanCall: false,
  },
  split: {
    title: "the client holds the JWT's signature, the store the rest",
    gateway: "looks up the signing input by the token's hash, joins the two, validates",
    perCall: 'the authorization server is never asked',
    api: "its third part is the client's token: the API can call as its caller, until it is revoked",
    apiCanCall: true,
  },
};

/** `tallystick demo`: shows each access token style of the configuration, hop by hop, with one of its users. */
export async function demo(source: ConfigSource): Promise<number> {
  const config = await readConfig(source, process.env);
  const { seal } = config.store;
  const store = await openTokenStore(storeConfig({ seal }));
  const tallystick = await startTallystick({ config: { ...config, tls: undefined, log: { level: 'silent' } }, store });
  try {
    console.log(`\n${colour('bold', 'One user, one API call, four ways to serve the access token')}`);
    for (const api of config.apis) await showStyle(tallystick, api, { seal, find: store.splitEntries.find });
    console.log(`\nTo try it yourself: ${colour('bold', `${ownCommand()} start`)}\n`);
  } finally {
    await tallystick.stop();
    await store.close();
  }
  return 0;
}

async function showStyle(
  tallystick: Tallystick,
  api: Config['apis'][number],
  splitEntries: { readonly seal: boolean } & Pick<TokenStore['splitEntries'], 'find'>,
): Promise<void> {
  const { issuer, gatewayUrl, config } = tallystick;
  const client = config.clients.find(
    (candidate) => candidate.secret === undefined && candidate.redirectUris.length > 0,
  );
  const user = config.users[0];
  const route = config.gateway.routes.find((candidate) => candidate.api === api.resource);
  if (!client || !user || !route)
    throw new Error('the demo needs a public client with a redirect URI, a user, and a route for each API');

  const style = api.accessTokens;
  const { accessToken: token } = await tallystick.signIn({ client: client.id, user: user.id, api: api.resource });
  const answer = await fetch(`${gatewayUrl}${route.prefix}/hello`, { headers: { Authorization: `Bearer ${token}` } });
  const received = (await answer.json()) as { headers: { authorization: string }; claims: Record<string, unknown> };
  const apiToken = received.headers.authorization.replace('Bearer ', '');
  const signingInput = await splitEntries.find(token);

  console.log(`\n${colour(['bold', 'cyan'], style)}  ${STYLES[style].title}\n`);
  printLine('client holds', describeToken(token), [revealedBy(token)]);
  printLine('store holds', ...storeContents(token, style, signingInput, splitEntries.seal));
  printLine('gateway', STYLES[style].gateway, [colour('dim', STYLES[style].perCall)]);
  printLine('API gets', describeToken(apiToken), [
    claimsOf(received.claims, Array.isArray(api.claims) ? api.claims : Object.keys(api.claims)),
    colour(STYLES[style].apiCanCall ? 'red' : 'green', STYLES[style].api),
  ]);

  if (style === 'jwt') {
    printLine('revoked?', colour('red', 'impossible: it stays valid until it expires, even if it leaked'));
    return;
  }
  await fetch(`${issuer}/token/revocation`, {
    method: 'POST',
    body: new URLSearchParams({ token, client_id: client.id }),
  });
  const after = await fetch(`${gatewayUrl}${route.prefix}/hello`, { headers: { Authorization: `Bearer ${token}` } });
  printLine('revoked?', `the next call through the gateway is ${colour('green', String(after.status))}`);
}

function storeContents(
  token: string,
  style: Style,
  signingInput: string | undefined,
  seal: boolean,
): [string, string[]?] {
  if (style === 'jwt') return [colour('dim', 'nothing')];
  const key = `${shorten(tokenKey(token))}  ${colour('dim', "(the token's SHA-256)")}`;
  if (signingInput === undefined) {
    return [key, ['→ a record, encrypted under the token and the server secret: unreadable without both']];
  }
  const halves = colourParts(`${signingInput}.`);
  if (seal) return [key, [`→ ${halves} encrypted under the token: unreadable without it`]];
  const readable = colour(
    'red',
    'anyone who can read the store can read the claims, but cannot call an API without the token',
  );
  return [key, [`→ ${halves} ${colour('dim', 'no signature')}: ${readable}`]];
}

/** What anyone who sees the client's token can read in it. */
function revealedBy(token: string): string {
  const payload = token.split('.')[1];
  if (payload === undefined) return colour('green', 'it reveals nothing');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  const leaked = ['sub', 'email', 'ssn', 'role']
    .filter((name) => name in claims)
    .map((name) => `${name}=${claims[name]}`);
  return colour('red', `anyone who sees it reads ${leaked.join(' ')}`);
}

function claimsOf(claims: Record<string, unknown>, names: readonly string[]): string {
  return ['sub', ...names].map((name) => `${name}=${claims[name]}`).join(' ');
}

function printLine(label: string, text: string, more: readonly string[] = []): void {
  console.log(`  ${colour('dim', label.padEnd(13))} ${text}`);
  for (const further of more) console.log(`  ${''.padEnd(13)} ${further}`);
}

function describeToken(token: string): string {
  return `${colourParts(token)}  ${colour('dim', `(${token.length} characters)`)}`;
}

/** A token with its parts shortened, each in its own colour. */
function colourParts(token: string): string {
  const parts = token.split('.');
  if (parts.length === 1) return colour('yellow', shorten(token));
  const colours = ['blue', 'magenta', 'yellow'] as const;
  return parts.map((part, index) => colour(colours[index] ?? 'yellow', shorten(part))).join('.');
}

function shorten(text: string): string {
  return text.length > 16 ? `${text.slice(0, 8)}…${text.slice(-4)}` : text;
}
