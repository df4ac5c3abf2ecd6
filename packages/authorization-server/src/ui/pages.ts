import { Html, html, layout } from '@tallystick/common/page';
import type { UserConfig } from '../config/config.ts';
import { userButtons, userSearch } from './user_choice.ts';

/** The submitted login form, to show it again with its problem. */
export interface SubmittedLogin {
  readonly user: string;
  readonly claims: string;
  readonly problem?: string;
  /** Opens the form for another user. */
  readonly isNew?: boolean;
  /** What the user looks for. */
  readonly search?: string;
}

/** The login page, to choose a user or enter another one. */
export function loginPage(
  action: string,
  clientName: string,
  users: readonly UserConfig[],
  { user, claims, problem, isNew, search = '' }: SubmittedLogin = { user: '', claims: '' },
): string {
  return layout(
    problem === undefined ? 'Sign in' : 'Sign in again',
    html`<h1>Sign in</h1>
<p>to continue to <strong>${clientName}</strong>. This is a development sign-in: no password is needed.</p>
${userSearch(users, search)}
<form method="post" action="${action}/login">
<fieldset><legend>Choose a user</legend>
${userButtons(users, search)}
</fieldset>
</form>
<details${problem === undefined && !isNew ? undefined : OPEN}><summary>Another user, or more claims</summary>
<form method="post" action="${action}/login">
${problem === undefined ? undefined : html`<p class="problem" id="problem" role="alert">${problem}</p>`}
<label for="user">User</label>
<input id="user" name="user" value="${user}" required autocomplete="off" autocapitalize="none" spellcheck="false"${problem === undefined ? undefined : html` aria-describedby="problem" autofocus`}>
<label for="claims">More claims, as JSON <small>optional</small></label>
<textarea id="claims" name="claims" rows="3" spellcheck="false" placeholder="{&quot;role&quot;: &quot;auditor&quot;}">${claims}</textarea>
<div class="actions"><button class="primary">Sign in</button></div>
</form></details>
${cancelForm(action)}`,
  );
}

const OPEN = html` open`;

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

/** Sends the user back to the application. */
export function cancelForm(action: string): Html {
  return html`<form method="post" action="${action}/abort"><button class="plain">Cancel and go back</button></form>`;
}
