/** Why a Redis cannot be used. The texts can be shown to anyone: they name no address, user or password. */
const TEXTS = {
  refused: 'nothing listens on its port',
  'unknown-host': 'its host name is unknown',
  unreachable: 'its host does not answer',
  'no-tls': 'it does not speak TLS on this port; use redis instead of rediss in the URL if that is intended',
  'closed-early': 'it closed the connection before it answered; use rediss in the URL if it speaks TLS',
  'certificate-refused': 'it refused the client certificate, or requires one: see store.tls',
  'certificate-not-trusted': 'its certificate is not trusted: see store.tls.ca',
  'not-redis': 'the server that answers is not Redis',
  'credentials-refused': 'the user is unknown, or the password is wrong',
  'credentials-missing': 'it requires a user and a password',
  'no-database': 'the database cannot be selected',
  'no-rights': 'the user lacks rights',
  'no-master': 'Sentinel knows no master with this name',
  'not-a-cluster': 'it is not a Cluster; use redis:// or rediss:// in the URL for one server',
  loading: 'it is not ready to answer yet',
  slow: 'it did not answer in time',
  lost: 'the connection was lost',
  other: 'it answered with an error',
} as const;

export type RedisProblemCode = keyof typeof TEXTS;

/** Problems that an operator must fix. Retries do not help. */
const LASTING: ReadonlySet<RedisProblemCode> = new Set(['no-database', 'no-rights']);

/** Why a Redis cannot be used. The message can be shown to anyone; the cause may name addresses and is for the log. */
export class RedisProblem extends Error {
  override name = 'RedisProblem';
  readonly code: RedisProblemCode;

  /** @param more added to the text. @param cause message of Redis or the network */
  constructor(code: RedisProblemCode, more = '', cause?: string) {
    super(TEXTS[code] + (more && `: ${more}`), cause === undefined ? undefined : { cause });
    this.code = code;
  }

  get isLasting(): boolean {
    return LASTING.has(this.code);
  }
}

/** Problem codes by pattern in an error of Redis, ioredis or the network. The first match counts. */
const PATTERNS: readonly (readonly [RegExp, RedisProblemCode])[] = [
  [/No such master/, 'no-master'],
  [/cluster support disabled/, 'not-a-cluster'],
  [/\b(WRONGPASS|invalid password)\b/, 'credentials-refused'],
  [/\bNOAUTH\b/, 'credentials-missing'],
  [/\bNOPERM\b/, 'no-rights'],
  [/\b(LOADING|MASTERDOWN|CLUSTERDOWN|BUSY|the cluster is down)\b/, 'loading'],
  [/\bECONNREFUSED\b/, 'refused'],
  [/\b(ENOTFOUND|EAI_AGAIN)\b/, 'unknown-host'],
  [/\b(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)\b/, 'unreachable'],
  [/(wrong version number|packet length too long|WRONG_VERSION_NUMBER|record layer failure)/i, 'no-tls'],
  [/(certificate.required|alert.(bad|unknown|handshake|certificate)|ALERT_)/i, 'certificate-refused'],
  [/(certificate|SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS_CERT)/, 'certificate-not-trusted'],
  [/(Unknown RESP type|Protocol error)/, 'not-redis'],
  [/Command timed out/, 'slow'],
  [
    /(Connection is closed|max retries per request|ECONNRESET|EPIPE|socket hang up|isn't writeable|not connected|socket disconnected)/,
    'lost',
  ],
];

interface RedisError extends Error {
  readonly code?: unknown;
  readonly command?: { readonly name?: string };
  readonly lastNodeError?: unknown;
}

/** @param error error of ioredis; the command arguments that it contains are not used */
export function problemOf(error: unknown): RedisProblem {
  if (error instanceof RedisProblem) return error;
  const { message = 'unknown error', code, command, lastNodeError } = (error ?? {}) as RedisError;
  // No server of a Cluster could be used.
  if (lastNodeError) return problemOf(lastNodeError);
  if (command?.name === 'select') {
    const why = message.startsWith('NOPERM') ? 'the user may not run SELECT' : 'there is no such database';
    return new RedisProblem('no-database', why, message);
  }
  const text = `${typeof code === 'string' ? code : ''} ${message}`;
  const known = PATTERNS.find(([pattern]) => pattern.test(text))?.[1] ?? 'other';
  return new RedisProblem(known, known === 'no-rights' ? `${command?.name ?? 'a command'}` : '', message);
}
