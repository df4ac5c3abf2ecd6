import type { Context, Middleware } from 'koa';
import { errors, type Interaction, type Provider } from 'oidc-provider';
import { authenticationContext } from './authentication_context.ts';
import type { AuthorizationServerConfig } from './config.ts';
import { CONTENT_SECURITY_POLICY } from './pages/layout.ts';
import { type ConsentRequest, consentPage, loginPage } from './pages/pages.ts';
import { readForm } from './read_form.ts';

type InteractionDetails = Awaited<ReturnType<Provider['interactionDetails']>>;

const PATH = /^\/interaction\/([\w-]+)(?:\/(login|consent|abort))?$/;

/** The pages where a person signs in and consents. Plain forms; the interaction cookie ties them to the browser. */
export function interactions(
  provider: Provider,
  { users, acrValues }: Pick<AuthorizationServerConfig, 'users' | 'acrValues'>,
): Middleware {
  return async (ctx, next) => {
    const [matched, uid, step] = PATH.exec(ctx.path) ?? [];
    if (matched === undefined) return next();
    ctx.set({ 'Cache-Control': 'no-store', 'Content-Security-Policy': CONTENT_SECURITY_POLICY });
    if (ctx.method !== (step === undefined ? 'GET' : 'POST')) {
      throw new errors.InvalidRequest(`this page does not take ${ctx.method}`, 405);
    }
    const interaction = await provider.interactionDetails(ctx.req, ctx.res);
    if (interaction.uid !== uid) throw new errors.SessionNotFound('this page belongs to another sign-in; start again');
    if (step === undefined) await show(ctx, interaction);
    else if (step === 'login') await login(ctx, interaction);
    else if (step === 'consent') await consent(ctx, interaction);
    else await finish(ctx, { error: 'access_denied', error_description: 'the user cancelled' });
  };

  async function show(ctx: Context, interaction: InteractionDetails) {
    const { prompt, params, session, uid } = interaction;
    const client = await provider.Client.find(String(params.client_id));
    const clientName = client?.clientName ?? String(params.client_id);
    const action = `/interaction/${uid}`;
    ctx.type = 'html';
    ctx.body =
      prompt.name === 'login'
        ? loginPage(action, clientName, users)
        : consentPage(
            action,
            clientName,
            session?.accountId ?? '',
            requestsOf(prompt.details),
            prompt.details.rar as object[],
          );
  }

  async function login(ctx: Context, interaction: InteractionDetails) {
    expectPrompt(interaction, 'login');
    const picked = (await readForm(ctx.req)).get('user');
    if (!users.some((user) => user.id === picked)) throw new errors.InvalidRequest('there is no such user');
    await finish(ctx, {
      login: { accountId: String(picked), ...authenticationContext(interaction.params, acrValues) },
    });
  }

  async function consent(ctx: Context, interaction: InteractionDetails) {
    expectPrompt(interaction, 'consent');
    const { prompt, grantId, session, params } = interaction;
    const clientId = String(params.client_id);
    const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
    const grant = known ?? new provider.Grant({ clientId, ...(session && { accountId: session.accountId }) });
    const { missingOIDCScope, missingOIDCClaims, missingResourceScopes, rar } = prompt.details as ConsentDetails;
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
      grant.addResourceScope(resource, scopes.join(' '));
    }
    for (const detail of rar ?? []) grant.addRar(detail);
    await finish(ctx, { consent: { grantId: await grant.save() } });
  }

  async function finish(ctx: Context, result: Parameters<Provider['interactionResult']>[2]) {
    const mergeWithLastSubmission = !('login' in result || 'error' in result);
    const returnTo = await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission });
    ctx.status = 303;
    ctx.redirect(returnTo);
  }
}

interface ConsentDetails {
  missingOIDCScope?: string[];
  missingOIDCClaims?: string[];
  missingResourceScopes?: Record<string, string[]>;
  rar?: { type: string }[];
}

function expectPrompt(interaction: Pick<Interaction, 'prompt'>, name: string): void {
  if (interaction.prompt.name !== name) throw new errors.InvalidRequest(`this sign-in is not at the ${name} step`);
}

function requestsOf({ missingOIDCScope, missingOIDCClaims, missingResourceScopes = {} }: ConsentDetails) {
  const aboutTheUser = [...(missingOIDCScope ?? []), ...(missingOIDCClaims ?? [])];
  const atApis = Object.entries(missingResourceScopes).map(
    ([resource, scopes]): ConsentRequest => ({ resource, scopes }),
  );
  return aboutTheUser.length > 0 ? [{ scopes: aboutTheUser }, ...atApis] : atApis;
}
