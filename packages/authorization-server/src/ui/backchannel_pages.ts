import type { UserConfig } from '../config/config.ts';
import type { PendingRequest } from '../other_devices/backchannel_requests.ts';
import type { ProtectedForm } from './device_pages.ts';
import { html } from './html.ts';
import { layout } from './layout.ts';

/** The sign-in page of the authentication device. */
export function userChoicePage({ action, xsrf }: ProtectedForm, users: readonly UserConfig[]): string {
  const choices = users.map(
    ({ id, claims }) =>
      html`<button class="user" name="user" value="${id}"><b>${claims.name ?? id}</b><span>${id}</span></button>`,
  );
  return layout(
    'Approve requests',
    html`<h1>Approve requests</h1>
<p>This page simulates a phone that asks its owner for approval (CIBA).</p>
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrf}">
<fieldset><legend>Whose phone is it?</legend>
${choices}
</fieldset>
</form>`,
  );
}

/** The pending requests of a user, each with buttons to approve and deny it. */
export function pendingRequestsPage(
  { action, xsrf }: ProtectedForm,
  { user, endSession }: { readonly user: string; readonly endSession: string },
  requests: readonly PendingRequest[],
): string {
  const items = requests.map(
    ({
      handle,
      clientName,
      bindingMessage,
      scopes,
      resources,
      authorizationDetails,
    }) => html`<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrf}">
<input type="hidden" name="request" value="${handle}">
<fieldset><legend>${clientName}</legend>
${bindingMessage === undefined ? undefined : html`<p>Message: <strong>${bindingMessage}</strong></p>`}
<ul><li><strong>${scopes.join(', ')}</strong></li>
${resources.map((resource) => html`<li>at <code>${resource}</code></li>`)}
${authorizationDetails.map((detail) => html`<li><code>${JSON.stringify(detail)}</code></li>`)}</ul>
<div class="actions"><button class="primary" name="decision" value="approve">Approve</button>
<button class="plain" name="decision" value="deny">Deny</button></div>
</fieldset>
</form>`,
  );
  return layout(
    'Approve requests',
    html`<h1>Requests for ${user}</h1>
${items.length > 0 ? items : html`<p>There are no pending requests.</p>`}
<form method="get" action="${action}"><button class="plain">Refresh</button></form>
<form method="get" action="${endSession}"><button class="plain">Sign out</button></form>`,
  );
}
