import type { UserConfig } from '../config/config.ts';
import { Html, html } from './html.ts';
import { layout } from './layout.ts';

/** The submitted login form, to show it again with its problem. */
export interface SubmittedLogin {
  readonly user: string;
  readonly claims: string;
  readonly problem?: string;
  /** Opens the form for another user. */
  readonly isNew?: boolean;
}

/** The login page, to pick a user or enter another one. */
export function loginPage(
  action: string,
  clientName: string,
  users: readonly UserConfig[],
  submitted: SubmittedLogin = { user: '', claims: '' },
): string {
  const choices = users.map(
    (user) =>
      html`<button class="user" name="user" value="${user.id}"><b>${user.claims.name ?? user.id}</b><span>${describe(user)}</span></button>`,
  );
  return layout(
    'Sign in',
    html`<h1>Sign in</h1>
<p>to continue to <strong>${clientName}</strong></p>
<form method="post" action="${action}/login">
<fieldset><legend>Who are you today?</legend>
${choices}
</fieldset>
</form>
<details${submitted.problem === undefined && !submitted.isNew ? undefined : OPEN}><summary>Another user, or extra claims</summary>
<form method="post" action="${action}/login">
${submitted.problem === undefined ? undefined : html`<p class="problem" role="alert">${submitted.problem}</p>`}
<label for="user">User</label>
<input id="user" name="user" value="${submitted.user}" required autocomplete="off" autocapitalize="none" spellcheck="false">
<label for="claims">Extra claims, as JSON <small>optional</small></label>
<textarea id="claims" name="claims" rows="3" spellcheck="false" placeholder="{&quot;role&quot;: &quot;auditor&quot;}">${submitted.claims}</textarea>
<div class="actions"><button class="primary">Sign in</button></div>
</form></details>
${cancelForm(action)}`,
  );
}

const OPEN = html` open`;

/** Scopes that a client requests: of an API, or of OpenID Connect if there is no `resource`. */
export interface ConsentRequest {
  readonly resource?: string;
  readonly scopes: readonly string[];
}

function describeScopes(scopes: readonly string[], purpose: Html): Html {
  return html`<li><strong>${scopes.join(', ')}</strong> ${purpose}</li>`;
}

/** The consent page, with the requested scopes by API. */
export function consentPage(
  action: string,
  clientName: string,
  accountId: string,
  requests: readonly ConsentRequest[],
  authorizationDetails: readonly object[] = [],
): string {
  const details = authorizationDetails.map((detail) => html`<li><code>${JSON.stringify(detail)}</code></li>`);
  const items = requests.flatMap(({ resource, scopes }) => {
    if (resource !== undefined) return describeScopes(scopes, html`at <code>${resource}</code>`);
    const offline = scopes.filter((scope) => scope === 'offline_access');
    const aboutUser = scopes.filter((scope) => scope !== 'offline_access');
    return [
      ...(aboutUser.length > 0 ? [describeScopes(aboutUser, html`to know who you are`)] : []),
      ...(offline.length > 0 ? [describeScopes(offline, html`to stay connected while you are away`)] : []),
    ];
  });
  return layout(
    'Allow access',
    html`<h1>Allow ${clientName}?</h1>
<p>Signed in as <strong>${accountId}</strong>. The application asks for:</p>
${items.length + details.length > 0 ? html`<ul>${items}${details}</ul>` : html`<ul><li>access on your behalf</li></ul>`}
<form method="post" action="${action}/consent">
<div class="actions"><button class="primary" autofocus>Allow</button></div>
</form>
${cancelForm(action)}`,
  );
}

/** @param form oidc-provider's form with hidden fields only; its id is `op.logoutForm` */
export function logoutPage(form: string): string {
  return layout(
    'Sign out',
    html`<h1>Sign out?</h1>
<p>Signing out ends your session and revokes the tokens that were issued in it.</p>
${new Html(form)}
<div class="actions">
<button class="primary" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
<button class="plain" form="op.logoutForm">Stay signed in</button>
</div>`,
  );
}

/** Submits the form at once; without scripts, after a click. */
export function automaticLogoutPage(form: string): string {
  return layout(
    'Sign out',
    html`<h1>Signing out …</h1>
${new Html(form.replace('</form>', '<input type="hidden" name="logout" value="yes"/></form>'))}
<noscript><button class="primary" form="op.logoutForm">Sign out</button></noscript>
<script>document.forms[0].submit()</script>`,
  );
}

export function loggedOutPage(clientName: string | undefined): string {
  const outcome =
    clientName === undefined ? html`You are signed out.` : html`You are signed out of <strong>${clientName}</strong>.`;
  return layout('Signed out', html`<h1>Signed out</h1><p>${outcome} You can close this page.</p>`);
}

function cancelForm(action: string): Html {
  return html`<form method="post" action="${action}/abort"><button class="plain">Cancel and go back</button></form>`;
}

function describe({ id, claims }: UserConfig): string {
  return [id, claims.email, claims.role].filter(Boolean).join(' · ');
}
