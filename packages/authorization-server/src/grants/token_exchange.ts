import { errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider';
import type { ApiConfig, AuthorizationServerConfig, TokenExchangeConfig } from '../config/config.ts';
import { type ApiLookup, createApiLookup } from '../tokens/api_lookup.ts';
import { actingBy } from './act_claim.ts';
import { GRANT_TYPES } from './grant_types.ts';
import { issueAccessToken } from './issue_access_token.ts';
import {
  ACCESS_TOKEN,
  createTokenReader,
  JWT,
  type PresentedToken,
  type TokenParameter,
  type TokenReader,
  type TokenReaderDependencies,
} from './presented_token.ts';
import { requestedScopes, requiredParameter } from './token_request.ts';

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

/**
 * Registers the token exchange grant (RFC 8693), if a client may use it. A client exchanges a token of this server for one
 * that is for another API, names an actor, or has fewer scopes.
 */
export function registerTokenExchange(
  provider: Provider,
  config: AuthorizationServerConfig,
  dependencies: TokenReaderDependencies,
): void {
  const rulesOf = new Map(config.clients.map((client) => [client.id, client.tokenExchange]));
  if (![...rulesOf.values()].some((rules) => rules !== undefined)) return;
  const readToken = createTokenReader(provider, config, dependencies);
  const lookup = createApiLookup(config);

  async function exchange(ctx: TokenEndpointGrantContext): Promise<void> {
    const { client, params } = ctx.oidc;
    const rules = rulesOf.get(client.clientId);
    if (rules === undefined) throw new errors.UnauthorizedClient('token exchange is not configured for this client');

    const subject = await readSubject(readToken, ctx, rules);
    const actor = await readActor(readToken, ctx);
    if (actor === undefined && !rules.impersonates)
      throw new errors.UnauthorizedClient(
        'the client may not impersonate: send the token of the actor in the actor_token parameter',
      );

    const { apis } = config;
    const requested = lookup.named(params);
    const api = targetApi(subject, client.clientId, { apis, lookup, requested, allowed: rules.to });
    const scopes = narrowedScopes(subject, api, rules, params.scope);
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
      { now: dependencies.now, extraMembers: { issued_token_type: issuedTokenType } },
    );
  }

  provider.registerGrantType(GRANT_TYPES.token_exchange, exchange, PARAMETERS, ['resource', 'audience']);
}

/** The token must have been issued to the client, or for an API that the client acts for. */
async function readSubject(
  readToken: TokenReader,
  ctx: TokenEndpointGrantContext,
  { from }: TokenExchangeConfig,
): Promise<PresentedToken> {
  const subject = await readNamed(readToken, ctx, 'subject_token');
  if (subject.clientId !== ctx.oidc.client.clientId && !from.includes(String(subject.resource)))
    throw new errors.InvalidRequest(
      'the subject_token was not issued to the client or for an API that the client acts for',
    );
  return subject;
}

async function readActor(readToken: TokenReader, ctx: TokenEndpointGrantContext): Promise<PresentedToken | undefined> {
  const { actor_token: token, actor_token_type: type } = ctx.oidc.params;
  if (token === undefined && type === undefined) return undefined;
  const actor = await readNamed(readToken, ctx, 'actor_token');
  if (actor.clientId !== ctx.oidc.client.clientId)
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
function targetApi(subject: PresentedToken, clientId: string, options: TargetOptions): ApiConfig {
  const { apis, lookup, requested, allowed } = options;
  const sameApi = apis.find(({ resource }) => resource === subject.resource);
  const api = requested ?? sameApi ?? lookup.defaultFor(clientId);
  if (api === undefined) throw lookup.missing();
  const narrowsItsOwn = subject.clientId === clientId && subject.resource === api.resource;
  if (!narrowsItsOwn && !allowed.includes(api.resource))
    throw new errors.InvalidTarget('the client may not get tokens for this API by token exchange');
  return api;
}

interface TargetOptions {
  readonly apis: readonly ApiConfig[];
  readonly lookup: ApiLookup;
  readonly requested: ApiConfig | undefined;
  /** Resource indicators of the APIs for which the client may get tokens. */
  readonly allowed: readonly string[];
}

/** Scopes of the subject token, and those that the client is configured to add. */
function narrowedScopes(subject: PresentedToken, api: ApiConfig, rules: TokenExchangeConfig, scope: unknown): string[] {
  const kept = api.scopes.filter((name) => subject.scopes.has(name));
  const added = api.scopes.filter((name) => rules.scopes.includes(name));
  return requestedScopes(scope, new Set([...kept, ...added])) ?? kept;
}

/** The `issued_token_type` (RFC 8693 section 2.2.1), as far as the client may know it. */
function tokenTypeFor(api: ApiConfig, requested: unknown = ACCESS_TOKEN): string {
  if (requested === ACCESS_TOKEN || (requested === JWT && api.accessTokens === 'jwt')) return requested;
  throw new errors.InvalidRequest('the requested_token_type cannot be issued for this API');
}
