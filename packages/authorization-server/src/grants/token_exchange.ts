import { errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider';
import type { ApiConfig, AuthorizationServerConfig, TokenExchangeConfig } from '../config/config.ts';
import { createFindApi, type FindApi } from '../permissive/apis.ts';
import { isPermissiveClient } from '../permissive/clients.ts';
import { type ApiLookup, createApiLookup } from '../tokens/api_lookup.ts';
import { actingBy } from './act_claim.ts';
import { GRANT_TYPES } from './grant_types.ts';
import { issueAccessToken } from './issue_access_token.ts';
import { ACCESS_TOKEN, JWT, type PresentedToken, type TokenParameter, type TokenReader } from './presented_token.ts';
import { grantedScopes, requiredParameter } from './token_request.ts';

const PARAMETERS = [
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'resource',
  'audience',
  'scope',
];

/** What a client may do with token exchange. */
interface Rules {
  /** Whether it may exchange tokens of other clients for an API. */
  mayReceiveFor(resource: string): boolean;
  mayTarget(resource: string): boolean;
  mayAdd(scope: string): boolean;
  readonly impersonates: boolean;
  /** Whether the actor may be someone else than the client. */
  readonly actorIsAnyone: boolean;
}

/** The clients of a permissive issuer. */
const NO_RULES: Rules = {
  mayReceiveFor: () => true,
  mayTarget: () => true,
  mayAdd: () => true,
  impersonates: true,
  actorIsAnyone: true,
};

export interface TokenExchangeDependencies {
  readonly readToken: TokenReader;
  /** Reads the tokens that the clients of a permissive issuer send. */
  readonly readForeignToken: TokenReader;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Registers the token exchange grant (RFC 8693), if a client may use it. A client exchanges a token of this server for one
 * that is for another API, names an actor, or has fewer scopes. The clients of a permissive issuer may do so without rules.
 */
export function registerTokenExchange(
  provider: Provider,
  config: AuthorizationServerConfig,
  { readToken, readForeignToken, now }: TokenExchangeDependencies,
): void {
  const rulesOf = new Map(
    config.clients.map(({ id, tokenExchange }) => [id, tokenExchange && rulesFrom(tokenExchange)]),
  );
  if (!config.permissive && ![...rulesOf.values()].some((rules) => rules !== undefined)) return;
  const findApi = createFindApi(config);
  const lookup = createApiLookup(config, findApi);

  async function exchange(ctx: TokenEndpointGrantContext): Promise<void> {
    const { client, params } = ctx.oidc;
    const isFree = isPermissiveClient(client);
    const rules = isFree ? NO_RULES : rulesOf.get(client.clientId);
    if (rules === undefined) throw new errors.UnauthorizedClient('token exchange is not configured for this client');

    const read = isFree ? readForeignToken : readToken;
    const subject = await readSubject(read, ctx, rules);
    const actor = await readActor(read, ctx, rules);
    if (actor === undefined && !rules.impersonates)
      throw new errors.UnauthorizedClient(
        'the client may not impersonate: send the token of the actor in the actor_token parameter',
      );

    const api = targetApi(ctx, subject, { findApi, lookup, rules });
    const scopes = isFree ? grantedScopes(ctx, [], [...subject.scopes]) : narrowedScopes(ctx, subject, api, rules);
    const issuedTokenType = tokenTypeFor(api, params.requested_token_type);
    const act = actor === undefined ? subject.act : actingBy(actor.subject, subject.act);
    const { subject: name, subjectIsUser, grantId, exp } = subject;
    await issueAccessToken(
      ctx,
      {
        grant: 'token_exchange',
        subject: name,
        subjectIsUser,
        api,
        scopes,
        notAfter: exp,
        ...(act && { act }),
        ...(grantId !== undefined && { subjectGrantId: grantId }),
      },
      { now, extraMembers: { issued_token_type: issuedTokenType } },
    );
  }

  provider.registerGrantType(GRANT_TYPES.token_exchange, exchange, PARAMETERS, ['resource', 'audience']);
}

function rulesFrom({ from, to, scopes, impersonates }: TokenExchangeConfig): Rules {
  return {
    mayReceiveFor: (resource) => from.includes(resource),
    mayTarget: (resource) => to.includes(resource),
    mayAdd: (scope) => scopes.includes(scope),
    impersonates,
    actorIsAnyone: false,
  };
}

/** The token must have been issued to the client, or for an API that the client acts for. */
async function readSubject(
  readToken: TokenReader,
  ctx: TokenEndpointGrantContext,
  { mayReceiveFor }: Rules,
): Promise<PresentedToken> {
  const subject = await readNamed(readToken, ctx, 'subject_token');
  if (subject.clientId !== ctx.oidc.client.clientId && !mayReceiveFor(String(subject.resource)))
    throw new errors.InvalidRequest(
      'the subject_token was not issued to the client or for an API that the client acts for',
    );
  return subject;
}

async function readActor(
  readToken: TokenReader,
  ctx: TokenEndpointGrantContext,
  { actorIsAnyone }: Rules,
): Promise<PresentedToken | undefined> {
  const { actor_token: token, actor_token_type: type } = ctx.oidc.params;
  if (token === undefined && type === undefined) return undefined;
  const actor = await readNamed(readToken, ctx, 'actor_token');
  if (actor.clientId !== ctx.oidc.client.clientId && !actorIsAnyone)
    throw new errors.InvalidRequest('the actor_token was not issued to the client');
  if (actor.act !== undefined) throw new errors.InvalidRequest('the actor_token is itself a delegated token');
  return actor;
}

function readNamed(
  readToken: TokenReader,
  ctx: TokenEndpointGrantContext,
  parameter: TokenParameter,
): Promise<PresentedToken> {
  const token = requiredParameter(ctx.oidc.params, parameter);
  return readToken(token, requiredParameter(ctx.oidc.params, `${parameter}_type`), parameter);
}

/** Default: the API of the subject token, or the default API. A client may always narrow a token that was issued to it. */
function targetApi(ctx: TokenEndpointGrantContext, subject: PresentedToken, options: TargetOptions): ApiConfig {
  const { findApi, lookup, rules } = options;
  const { client, params } = ctx.oidc;
  const sameApi = subject.resource === undefined ? undefined : findApi(subject.resource);
  const api = lookup.named(params) ?? sameApi ?? lookup.of({}, client);
  const narrowsItsOwn = subject.clientId === client.clientId && subject.resource === api.resource;
  if (!narrowsItsOwn && !rules.mayTarget(api.resource))
    throw new errors.InvalidTarget('the client may not get tokens for this API by token exchange');
  return api;
}

interface TargetOptions {
  readonly findApi: FindApi;
  readonly lookup: ApiLookup;
  readonly rules: Rules;
}

/** Scopes of the subject token, and those that the client is configured to add. */
function narrowedScopes(
  ctx: TokenEndpointGrantContext,
  subject: PresentedToken,
  api: ApiConfig,
  rules: Rules,
): readonly string[] {
  const kept = api.scopes.filter((name) => subject.scopes.has(name));
  return grantedScopes(ctx, [...kept, ...api.scopes.filter(rules.mayAdd)], kept);
}

/** The `issued_token_type` (RFC 8693 section 2.2.1), as far as the client may know it. */
function tokenTypeFor(api: ApiConfig, requested: unknown = ACCESS_TOKEN): string {
  if (requested === ACCESS_TOKEN || (requested === JWT && api.accessTokens === 'jwt')) return requested;
  throw new errors.InvalidRequest('the requested_token_type cannot be issued for this API');
}
