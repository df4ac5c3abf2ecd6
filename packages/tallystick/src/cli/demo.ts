import { openTokenStore, type TokenStore, tokenKey } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { loadConfig } from '../config/load_config.ts';
import type { Config } from '../config/schema.ts';
import { startTallystick, type Tallystick } from '../run/start_tallystick.ts';
import { colour } from './colour.ts';
import { signIn } from './sign_in.ts';

type Style = Config['apis'][number]['accessTokens'];

/** What each style is about, in the words of the design. */
const STORY: Record<Style, { title: string; gateway: string; perCall: string; api: string; apiCanCall: boolean }> = {
  jwt: {
    title: 'the client holds the JWT',
    gateway: 'validates it and passes it on',
    perCall: 'no authorization server per call',
    api: "it is the client's token: the API can call as its caller",
    apiCanCall: true,
  },
  opaque: {
    title: 'the client holds a reference, and so does the API',
    gateway: 'passes it on; the API introspects it',
    perCall: 'the authorization server on every call of every API',
    api: "it is the client's token: the API can call as its caller",
    apiCanCall: true,
  },
  phantom: {
    title: 'the client holds a reference, the API gets the JWT',
    gateway: 'introspects it with Accept: application/jwt, validates and caches the JWT',
    perCall: 'the authorization server on a cache miss',
    api: 'the gateway does not accept it: the API cannot call as its caller',
    apiCanCall: false,
  },
  split: {
    title: "the client holds the JWT's signature, the store the rest",
    gateway: "looks up the signing input by the token's hash, joins the two, validates",
    perCall: 'never the authorization server',
    api: "its third part is the client's token: the API can call as its caller, until it is revoked",
    apiCanCall: true,
  },
};

/** `tallystick demo`: every style of the configuration, hop by hop, with a user who has something to lose. */
export async function demo(configFile: string): Promise<number> {
  const config = await loadConfig(configFile, process.env);
  const { seal } = config.store;
  const store = await openTokenStore(storeConfig({ seal }));
  const tallystick = await startTallystick({ config: { ...config, tls: undefined, log: { level: 'silent' } }, store });
  try {
    console.log(`\n${colour('bold', 'One user, one API call, four ways to serve the access token')}`);
    for (const api of config.apis) await showStyle(tallystick, api, { seal, find: store.splitEntries.find });
    console.log(`\nTo look around yourself: ${colour('bold', 'npm start')}, or tallystick start\n`);
  } finally {
    await tallystick.stop();
    await store.close();
  }
  return 0;
}

async function showStyle(
  { issuer, gatewayUrl, config }: Tallystick,
  api: Config['apis'][number],
  splitEntries: { readonly seal: boolean } & Pick<TokenStore['splitEntries'], 'find'>,
): Promise<void> {
  const client = config.clients.find(
    (candidate) => candidate.secret === undefined && candidate.redirectUris.length > 0,
  );
  const user = config.users[0];
  const route = config.gateway.routes.find((candidate) => candidate.api === api.resource);
  const redirectUri = client?.redirectUris[0];
  if (!client || !user || !route || !redirectUri)
    throw new Error('the demo needs a public client, a user and a route for each API');

  const style = api.accessTokens;
  const scope = ['openid', ...api.scopes].join(' ');
  const token = await signIn({
    issuer,
    clientId: client.id,
    redirectUri,
    resource: api.resource,
    scope,
    user: user.id,
  });
  const answer = await fetch(`${gatewayUrl}${route.prefix}/hello`, { headers: { Authorization: `Bearer ${token}` } });
  const received = (await answer.json()) as { headers: { authorization: string }; claims: Record<string, unknown> };
  const atTheApi = received.headers.authorization.replace('Bearer ', '');
  const signingInput = await splitEntries.find(token);

  console.log(`\n${colour(['bold', 'cyan'], style)}  ${STORY[style].title}\n`);
  line('client holds', tokenShape(token), [clientLearns(token)]);
  line('store holds', ...storeHolds(token, style, signingInput, splitEntries.seal));
  line('gateway', STORY[style].gateway, [colour('dim', STORY[style].perCall)]);
  line('API gets', tokenShape(atTheApi), [
    claimsOf(received.claims, Array.isArray(api.claims) ? api.claims : Object.keys(api.claims)),
    colour(STORY[style].apiCanCall ? 'red' : 'green', STORY[style].api),
  ]);

  if (style === 'jwt') {
    line('revoked?', colour('red', 'cannot be: valid until it expires, wherever it leaked to'));
    return;
  }
  await fetch(`${issuer}/token/revocation`, {
    method: 'POST',
    body: new URLSearchParams({ token, client_id: client.id }),
  });
  const after = await fetch(`${gatewayUrl}${route.prefix}/hello`, { headers: { Authorization: `Bearer ${token}` } });
  line('revoked?', `the next call through the gateway is ${colour('green', String(after.status))}`);
}

function storeHolds(token: string, style: Style, signingInput: string | undefined, seal: boolean): [string, string[]?] {
  if (style === 'jwt') return [colour('dim', 'nothing')];
  const key = `${shorten(tokenKey(token))}  ${colour('dim', "(the token's SHA-256)")}`;
  if (signingInput === undefined) {
    return [key, ['→ a record, sealed under the token and the secret: it cannot be read or used without them']];
  }
  const halves = paint(`${signingInput}.`);
  if (seal) return [key, [`→ ${halves} sealed under the token: it cannot be read or used without it`]];
  const readable = colour('red', 'whoever reads the store reads its claims, but cannot call without the token');
  return [key, [`→ ${halves} ${colour('dim', 'no signature')}: ${readable}`]];
}

/** What whoever gets hold of the client's token can read in it. */
function clientLearns(token: string): string {
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

function line(label: string, text: string, more: readonly string[] = []): void {
  console.log(`  ${colour('dim', label.padEnd(13))} ${text}`);
  for (const further of more) console.log(`  ${''.padEnd(13)} ${further}`);
}

function tokenShape(token: string): string {
  return `${paint(token)}  ${colour('dim', `(${token.length} characters)`)}`;
}

/** A token, each part in a colour of its own and shortened. */
function paint(token: string): string {
  const parts = token.split('.');
  if (parts.length === 1) return colour('yellow', shorten(token));
  const colours = ['blue', 'magenta', 'yellow'] as const;
  return parts.map((part, index) => colour(colours[index] ?? 'yellow', shorten(part))).join('.');
}

function shorten(text: string): string {
  return text.length > 16 ? `${text.slice(0, 8)}…${text.slice(-4)}` : text;
}
