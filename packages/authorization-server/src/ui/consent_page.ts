import { type Html, html, layout } from '@tallystick/common/page';
import type { AccessTokenStyle } from '../config/config.ts';
import { authorizationDetailTables } from './authorization_details.ts';
import { cancelForm } from './pages.ts';

/** What a client asks for. */
export interface ConsentRequest {
  /** Scopes and claims about the user, for the application. */
  readonly aboutUser: readonly RequestedScope[];
  readonly apis: readonly RequestedApi[];
  /** Whether the application gets a refresh token for the time without the user. */
  readonly offlineAccess: boolean;
  readonly authorizationDetails: readonly object[];
}

/** A scope, or a claim that was requested by itself (OpenID Connect Core section 5.5). */
export interface RequestedScope {
  readonly name: string;
  /** Claims of this user that it brings. */
  readonly claims: readonly string[];
}

export interface RequestedApi {
  readonly resource: string;
  readonly scopes: readonly string[];
  /** Claims about the user in its access tokens. */
  readonly claims: readonly string[];
  readonly accessTokens: AccessTokenStyle;
}

/** The consent page, with what the application and each API learn. */
export function consentPage(action: string, clientName: string, accountId: string, request: ConsentRequest): string {
  const { aboutUser, apis, offlineAccess, authorizationDetails } = request;
  return layout(
    'Allow access',
    html`<h1>Allow ${clientName}?</h1>
<p>You are signed in as <strong>${accountId}</strong>. The application asks for:</p>
${section('About you', aboutUser.map(scopeItem))}
${apis.map((api) => html`<h2>At <code>${api.resource}</code></h2>${apiItems(api)}`)}
${authorizationDetails.length > 0 ? html`<h2>In detail</h2>${authorizationDetailTables(authorizationDetails)}` : undefined}
${section('While you are away', offlineAccess ? [OFFLINE] : [])}
${isEmpty(request) ? section('Access', [html`<li>access on your behalf</li>`]) : undefined}
<form method="post" action="${action}/consent">
<div class="actions"><button class="primary" autofocus>Allow</button></div>
</form>
${cancelForm(action)}`,
  );
}

const OFFLINE = html`<li><strong>offline_access</strong> <span class="meaning">stays connected without you, until you or the application end it</span></li>`;

function isEmpty({ aboutUser, apis, offlineAccess, authorizationDetails }: ConsentRequest): boolean {
  return aboutUser.length + apis.length + authorizationDetails.length === 0 && !offlineAccess;
}

function section(title: string, items: readonly Html[]): Html | undefined {
  return items.length > 0 ? html`<h2>${title}</h2><ul class="list">${items}</ul>` : undefined;
}

function scopeItem({ name, claims }: RequestedScope): Html {
  return html`<li><strong>${name}</strong> <span class="meaning">${meaningOf(name, claims)}</span></li>`;
}

function meaningOf(scope: string, claims: readonly string[]): string {
  if (scope === 'openid') return 'who you are: your identifier';
  return claims.length > 0 ? claims.join(', ') : 'nothing that is known about you';
}

function apiItems({ scopes, claims, accessTokens }: RequestedApi): Html {
  const learned = ['your identifier', ...claims].join(', ');
  return html`<ul class="list">
${scopes.length > 0 ? html`<li><strong>${scopes.join(', ')}</strong> <span class="meaning">what the application may do there</span></li>` : undefined}
<li><span class="meaning">The API learns ${learned}. ${STYLES[accessTokens]}</span></li></ul>`;
}

/** Who can read the claims in an access token of each style. */
const STYLES: Readonly<Record<AccessTokenStyle, string>> = {
  jwt: 'The application holds the same token (a JWT) and can read it.',
  opaque: 'The application holds a random reference, and the API asks this server what it means.',
  phantom: 'The application holds a random reference and cannot read this. The API gets a JWT from the gateway.',
  split:
    'The application holds only the signature of the token and cannot read this. The API gets the whole JWT from the gateway.',
};
