import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];
type Fields = Readonly<Record<string, unknown>>;

/** Names of pino's levels. */
const LEVELS: Readonly<Record<number, readonly [name: string, format: Format]>> = {
  20: ['debug', 'dim'],
  30: ['info', 'cyan'],
  40: ['warn', 'yellow'],
  50: ['error', 'red'],
};

/** What to do about a refused request. The first that matches the error, its reason and its detail counts. */
const ADVICE: readonly (readonly [refusal: RegExp, advice: string])[] = [
  [/code_verifier/, 'send the code_verifier of the same sign-in: the library must keep it until the callback'],
  [
    /PKCE|code_challenge/,
    'turn on PKCE in the client library (code_challenge with S256), or set `pkce: optional` for the client',
  ],
  [
    /this sign-in has ended|session .*not found|authorization request has expired|another sign-in/,
    'go back to the application and sign in again: the page was open for too long or was sent before, or its cookie is missing',
  ],
  [/client not found|client is invalid|unknown client/, 'compare client_id with the id of your clients'],
  [/invalid secret provided/, "compare the client's secret with `secret` of this client"],
  [
    /authentication mechanism does not match/,
    'this client authenticates in another way: see `secret` and `metadata.token_endpoint_auth_method` of the client',
  ],
  [/redirect_uri/, 'add the URI to `redirectUris` of the client, character by character'],
  [/^invalid_target/, 'send resource=, with the `resource` of one of your apis'],
  [/^(?:invalid|insufficient)_scope/, 'compare scope with the `scopes` of the API'],
  [/^invalid_grant/, 'start again: codes and refresh tokens work once, and only for the client that got them'],
  [/^unauthorized_client/, 'add the grant to `grants` of the client'],
  [/^unsupported_grant_type/, 'compare grant_type with grant_types_supported in the discovery document'],
  [/^(?:invalid|missing)_token/, 'get a new access token for the API of this route'],
  [/^misdirected_request/, 'add the host to `allowedHosts`'],
];

/**
 * Turns a JSON line of the log into a line for people.
 *
 * @param colours whether the terminal shows colours
 */
export function readableLine(json: string, { colours }: { readonly colours: boolean }): string {
  const paint = (format: Format, text: string) => (colours ? styleText(format, text, { validateStream: false }) : text);
  const { level, time, msg, ...fields } = JSON.parse(json) as Fields;
  const [name, format] = LEVELS[Number(level)] ?? ['error', 'red'];
  const clock = paint('dim', new Date(Number(time)).toTimeString().slice(0, 8));
  if (msg !== 'request refused') return [clock, paint(format, name), printable(msg), ...pairs(fields)].join(' ');
  const { method, path, route, status, error, reason, detail, ...others } = fields;
  const advice = ADVICE.find(([refusal]) => refusal.test([error, reason, detail].join(' ')))?.[1];
  return [
    clock,
    paint('yellow', `refused ${status}`),
    `${printable(method)} ${printable(path ?? route)}`,
    paint('bold', [error, reason].filter(isText).map(printable).join(': ')),
    ...(isText(detail) ? [`(${printable(detail)})`] : []),
    ...pairs(others),
    ...(advice === undefined ? [] : [paint('green', `→ ${advice}`)]),
  ].join(' ');
}

function pairs(fields: Fields): string[] {
  return Object.entries(fields).map(([name, value]) => `${name}=${printable(value)}`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Control characters and invisible ones of a client could forge lines, or send commands to the terminal. */
function printable(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
