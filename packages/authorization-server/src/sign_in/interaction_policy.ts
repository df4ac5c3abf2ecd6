import { interactionPolicy } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';

const { base, Check, Prompt } = interactionPolicy;

/**
 * When users see a page. A user who is signed in and has given consent sees none, unless the request or the client asks for
 * it. oidc-provider would always show the consent page to users of native clients.
 */
export function createInteractionPolicy({ clients }: Pick<AuthorizationServerConfig, 'clients'>) {
  const alwaysConsent = new Set(clients.filter(({ consent }) => consent === 'always').map(({ id }) => id));
  const policy = base();
  const consent = policy.get('consent');
  consent?.checks.remove('native_client_prompt');
  consent?.checks.add(
    new Check('client_wants_consent', 'the client needs consent at every sign-in', 'consent_required', ({ oidc }) =>
      alwaysConsent.has(oidc.client?.clientId ?? '') && !oidc.result?.consent
        ? Check.REQUEST_PROMPT
        : Check.NO_NEED_TO_PROMPT,
    ),
  );
  // Both lead to the login page (OpenID Connect Core section 3.1.2.1, Prompt Create section 4.1).
  policy.add(new Prompt({ name: 'select_account', requestable: true }), 0);
  policy.add(new Prompt({ name: 'create', requestable: true }), 0);
  return policy;
}
