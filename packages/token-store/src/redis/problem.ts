/** Why a Redis cannot be used, in words that name no address, user or password: anybody may read them. */
const TEXTS = {
  refused: 'nobody listens at its port',
  'unknown-host': 'its host name is not known',
  unreachable: 'its host does not answer',
  'no-tls': 'it does not speak TLS at this port; the URL of one that does not begins with redis, not with rediss',
  'closed-early': 'it closed the connection before it answered; the URL of one that speaks TLS begins with rediss',
  'certificate-refused': 'it refuses our certificate, or wants one: see store.tls',
  'certificate-not-trusted': 'its certificate is not trusted: see store.tls.ca',
  'not-redis': 'what answers is not Redis',
  'credentials-refused': 'it does not know the user, or the password is wrong',
  'credentials-missing': 'it wants a user and a password',
  'no-database': 'the database cannot be selected',
  'no-rights': 'the user lacks rights',
  'no-master': 'the Sentinels know no master of this name',
  'not-a-cluster': 'it is no Cluster; the URL of one server begins with redis:// or rediss://',
  loading: 'it is not ready to answer yet',
  slow: 'it did not answer in time',
  lost: 'the connection was lost',
  other: 'it answered with an error',
} as const;

export type RedisProblemCode = keyof typeof TEXTS;

/** What an operator has to mend, so that waiting and trying again does not help. */
const LASTING: ReadonlySet<RedisProblemCode> = new Set(['no-database', 'no-rights']);

/** Why a Redis cannot be used. The message may be shown to anybody; the cause names addresses, and is for the log. */
export class RedisProblem extends Error {
  override name = 'RedisProblem';
  readonly code: RedisProblemCode;

  /** @param more is added to the text. @param cause what Redis or the network said */
  constructor(code: RedisProblemCode, more = '', cause?: string) {
    super(TEXTS[code] + (more && `: ${more}`), cause === undefined ? undefined : { cause });
    this.code = code;
  }

  get isLasting(): boolean {
    return LASTING.has(this.code);
  }
}

/** What a word in an error of Redis, of ioredis or of the network means; the first that fits. */
const SIGNS: readonly (readonly [RegExp, RedisProblemCode])[] = [
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

/** @param error what ioredis throws or emits; of its arguments, which it puts there too, nothing is taken */
export function problemOf(error: unknown): RedisProblem {
  if (error instanceof RedisProblem) return error;
  const { message = 'unknown error', code, command, lastNodeError } = (error ?? {}) as RedisError;
  // No server of a Cluster could be used.
  if (lastNodeError) return problemOf(lastNodeError);
  if (command?.name === 'select') {
    const why = message.startsWith('NOPERM') ? 'the user may not run SELECT' : 'there is no such database';
    return new RedisProblem('no-database', why, message);
  }
  const said = `${typeof code === 'string' ? code : ''} ${message}`;
  const known = SIGNS.find(([sign]) => sign.test(said))?.[1] ?? 'other';
  return new RedisProblem(known, known === 'no-rights' ? `${command?.name ?? 'a command'}` : '', message);
}
