import { CONTENT_SECURITY_POLICY } from '@tallystick/common/page';
import type { Context, Middleware } from 'koa';
import { errors, type Interaction, type Provider } from 'oidc-provider';
import type { IsClientName } from '../clients/client_names.ts';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { createDecideSignIn } from '../hooks/decide_sign_in.ts';
import type { TestHooks } from '../hooks/hooks.ts';
import { isPermissiveClient } from '../permissive/clients.ts';
import { mountPathOf } from '../provider/mount.ts';
import { consentPage } from '../ui/consent_page.ts';
import { loginPage } from '../ui/pages.ts';
import { readForm } from '../ui/read_form.ts';
import { type Accounts, addedClaimsOf, type Claims } from './accounts.ts';
import { authenticationContext } from './authentication_context.ts';
import { type ConsentConfig, type ConsentDetails, createDescribeConsent } from './consent_request.ts';
import { type AddUser, readLogin } from './login_form.ts';

/** Prompts that the login page answers. */
const LOGIN_PROMPTS = new Set(['login', 'select_account', 'create']);

type InteractionDetails = Awaited<ReturnType<Provider['interactionDetails']>>;

const PATH = /^\/interaction\/([\w-]+)(?:\/(login|consent|abort))?$/;

interface InteractionsDependencies {
  readonly accounts: Accounts;
  readonly isClientName: IsClientName;
  readonly addUser: AddUser;
  readonly hooks: TestHooks;
}

/** The login and consent pages. They are plain forms, tied to the browser by the interaction cookie. */
export function interactions(
  provider: Provider,
  config: Pick<AuthorizationServerConfig, 'users' | 'clients' | 'acrValues' | 'permissiveUser'> & ConsentConfig,
  { accounts, isClientName, addUser, hooks }: InteractionsDependencies,
): Middleware {
  const { clients, acrValues, permissiveUser } = config;
  const pages = createPages(provider, config, accounts);
  const decide = createDecideSignIn(hooks, addUser);

  return async (ctx, next) => {
    const [matched, uid, step] = PATH.exec(ctx.path) ?? [];
    if (matched === undefined) return next();
    ctx.set({ 'Cache-Control': 'no-store', 'Content-Security-Policy': CONTENT_SECURITY_POLICY });
    if (ctx.method !== (step === undefined ? 'GET' : 'POST')) {
      throw new errors.InvalidRequest(`${ctx.method} is not allowed for this page`, 405);
    }
    const interaction = await provider.interactionDetails(ctx.req, ctx.res);
    if (interaction.uid !== uid) throw new errors.SessionNotFound('the page belongs to another sign-in');
    if (step === undefined) await begin(ctx, interaction);
    else if (step === 'login') await login(ctx, interaction);
    else if (step === 'consent') await consent(ctx, interaction);
    else await refuse(ctx, interaction);
  };

  /** Shows the page, unless the client does without it and neither request nor client asks for it. */
  async function begin(ctx: Context, interaction: InteractionDetails) {
    const { name, reasons } = interaction.prompt;
    const client = clients.find(({ id }) => id === interaction.params.client_id);
    const wantsPage = reasons.includes(`${name}_prompt`) || reasons.includes('client_wants_consent');
    if (wantsPage) return pages.show(ctx, interaction);
    if (await isOfPermissiveClient(interaction)) return beginPermissively(ctx, interaction);
    if (client === undefined) return pages.show(ctx, interaction);
    const { automaticLogin } = client;
    if (name === 'consent' && (automaticLogin || client.consent === 'never')) return consent(ctx, interaction);
    const user = String(interaction.params.login_hint ?? automaticLogin?.user ?? '');
    if (name === 'login' && automaticLogin && (await accounts.exists(user))) return signIn(ctx, interaction, user, {});
    return pages.show(ctx, interaction);
  }

  async function beginPermissively(ctx: Context, interaction: InteractionDetails) {
    const { name } = interaction.prompt;
    if (name === 'consent') return consent(ctx, interaction);
    const user = String(interaction.params.login_hint ?? permissiveUser);
    if (name === 'login' && permissiveUser !== undefined && (await addUser(user)))
      return signIn(ctx, interaction, user, {});
    return pages.show(ctx, interaction);
  }

  /** Mocks ask for no consent. A code is of use only to programs that can reach this issuer. */
  async function isOfPermissiveClient({ params }: InteractionDetails): Promise<boolean> {
    return isPermissiveClient(await provider.Client.find(String(params.client_id)));
  }

  async function login(ctx: Context, interaction: InteractionDetails) {
    if (!LOGIN_PROMPTS.has(interaction.prompt.name)) expectPrompt(interaction, 'login');
    const form = await readForm(ctx.req);
    const read = await readLogin(form, isClientName);
    if ('problem' in read) {
      await pages.showProblem(ctx, interaction, form, read.problem);
      return;
    }
    await accounts.addUser(read.user);
    await signIn(ctx, interaction, read.user, read.claims);
  }

  /** The interaction keeps the claims until consent creates their grant. */
  async function signIn(ctx: Context, { params, prompt }: InteractionDetails, user: string, given: Claims) {
    const decided = await decide(params, { user, claims: given });
    if ('error' in decided) return finish(ctx, decided);
    const { claims } = decided;
    const login = { accountId: decided.user, ...authenticationContext(params, acrValues) };
    await finish(ctx, { [prompt.name]: {}, login, ...(Object.keys(claims).length > 0 && { claims }) });
  }

  async function consent(ctx: Context, interaction: InteractionDetails) {
    expectPrompt(interaction, 'consent');
    const givenGrantId = await saveGrant(provider, interaction);
    const added = addedClaimsOf(interaction.lastSubmission);
    if (added) await accounts.addClaims(givenGrantId, added);
    await finish(ctx, { consent: { grantId: givenGrantId } });
  }

  async function refuse(ctx: Context, { prompt }: InteractionDetails) {
    const description = LOGIN_PROMPTS.has(prompt.name) ? 'the user refused to sign in' : 'the user refused to consent';
    await finish(ctx, { error: 'access_denied', error_description: description });
  }

  async function finish(ctx: Context, result: Parameters<Provider['interactionResult']>[2]) {
    const mergeWithLastSubmission = !('login' in result || 'error' in result);
    const returnTo = await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission });
    ctx.status = 303;
    ctx.redirect(returnTo);
  }
}

/** Renders the login and consent pages of interactions. */
function createPages(
  provider: Provider,
  config: Pick<AuthorizationServerConfig, 'users'> & ConsentConfig,
  accounts: Accounts,
) {
  const { users } = config;
  const describeConsent = createDescribeConsent(config, accounts);

  async function show(ctx: Context, interaction: InteractionDetails) {
    const { prompt, params, session } = interaction;
    const [action, clientName] = [actionOf(interaction), await clientNameOf(interaction)];
    ctx.type = 'html';
    if (LOGIN_PROMPTS.has(prompt.name)) {
      const { search } = ctx.query;
      const entered = { user: String(params.login_hint ?? ''), claims: '', isNew: prompt.name === 'create' };
      ctx.body = loginPage(action, clientName, users, { ...entered, search: typeof search === 'string' ? search : '' });
    } else {
      ctx.body = consentPage(action, clientName, session?.accountId ?? '', await describeConsent(interaction));
    }
  }

  /** Shows the login page again, with the submitted values. */
  async function showProblem(ctx: Context, interaction: InteractionDetails, form: URLSearchParams, problem: string) {
    const submitted = { user: form.get('user') ?? '', claims: form.get('claims') ?? '', problem };
    ctx.status = 400;
    ctx.type = 'html';
    ctx.body = loginPage(actionOf(interaction), await clientNameOf(interaction), users, submitted);
  }

  function actionOf({ uid }: InteractionDetails): string {
    return `${mountPathOf(provider.issuer)}/interaction/${uid}`;
  }

  async function clientNameOf({ params }: InteractionDetails): Promise<string> {
    const client = await provider.Client.find(String(params.client_id));
    return client?.clientName ?? String(params.client_id);
  }

  return { show, showProblem };
}

/** Grants everything that the consent page showed. @returns the identifier of the grant */
async function saveGrant(provider: Provider, interaction: InteractionDetails): Promise<string> {
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
  return grant.save();
}

function expectPrompt(interaction: Pick<Interaction, 'prompt'>, name: string): void {
  if (interaction.prompt.name !== name)
    throw new errors.SessionNotFound(`the sign-in is not waiting for the ${name} form`);
}
