import { type Html, html, layout } from '@tallystick/common/page';
import type { UserConfig } from '../config/config.ts';
import type { DecidedRequest, PendingRequest } from '../other_devices/backchannel_requests.ts';
import { authorizationDetailTables } from './authorization_details.ts';
import type { ProtectedForm } from './device_pages.ts';
import { userButtons, userSearch } from './user_choice.ts';

/** The sign-in page of the authentication device. */
export function userChoicePage({ action, xsrf }: ProtectedForm, users: readonly UserConfig[], search = ''): string {
  return layout(
    'Approve requests',
    html`<h1>Approve requests</h1>
<p>This page simulates a phone that asks its owner for approval (CIBA).</p>
${userSearch(users, search)}
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrf}">
<fieldset><legend>Whose phone is it?</legend>
${userButtons(users, search)}
</fieldset>
</form>`,
  );
}

/** What the page of a user shows. */
export interface RequestsOfUser {
  readonly user: string;
  /** Address that ends the session. */
  readonly endSession: string;
  readonly pending: readonly PendingRequest[];
  readonly decided: readonly DecidedRequest[];
  /** The handle of the request that the user has just decided. */
  readonly justDecided?: string | undefined;
  readonly problem?: string;
}

/** The requests of a user: the pending ones with buttons to approve and deny them, and what was decided. */
export function requestsPage(form: ProtectedForm, { user, endSession, ...requests }: RequestsOfUser): string {
  const { pending, decided, justDecided, problem } = requests;
  const last = decided.find(({ handle }) => handle === justDecided);
  return layout(
    'Approve requests',
    html`<h1>Requests for ${user}</h1>
${problem && html`<p class="problem" role="alert">${problem}</p>`}
${last && html`<p class="done" role="status">You ${last.decision} the request of ${last.clientName}.</p>`}
${pending.length > 0 ? pending.map((request) => pendingRequest(form, request)) : html`<p>There are no pending requests.</p>`}
${decided.length > 0 ? html`<h2>Decided</h2><ul class="list">${decided.map(decidedRequest)}</ul>` : undefined}
<div class="actions"><form method="get" action="${form.action}"><button>Refresh</button></form>
<form method="get" action="${endSession}"><button class="plain">Sign out</button></form></div>`,
  );
}

function pendingRequest({ action, xsrf }: ProtectedForm, request: PendingRequest): Html {
  const { handle, clientName, bindingMessage, scopes, resources, authorizationDetails } = request;
  return html`<form class="request" method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrf}">
<input type="hidden" name="request" value="${handle}">
<h2>${clientName}</h2>
${bindingMessage === undefined ? undefined : html`<p>Message: <strong>${bindingMessage}</strong></p>`}
<ul class="facts"><li><strong>${scopes.join(', ')}</strong></li>
${resources.map((resource) => html`<li>at <code>${resource}</code></li>`)}</ul>
${authorizationDetailTables(authorizationDetails)}
<div class="actions"><button class="primary" name="decision" value="approve" aria-label="Approve the request of ${clientName}">Approve</button>
<button name="decision" value="deny" aria-label="Deny the request of ${clientName}">Deny</button></div>
</form>`;
}

function decidedRequest({ clientName, bindingMessage, decision }: DecidedRequest): Html {
  return html`<li><strong>${clientName}</strong> <span class="${decision}">${decision}</span>${
    bindingMessage === undefined ? undefined : html` <span class="meaning">${bindingMessage}</span>`
  }</li>`;
}
