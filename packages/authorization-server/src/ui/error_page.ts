import { type Html, html, layout } from '@tallystick/common/page';
import type { DevelopmentHelp, ErrorHelp, ShownError } from '../error_pages/error_help.ts';

/** The number of configured values that a page lists. */
const LISTED = 10;

/** Characters of a configured value that a page shows. */
const MAX_LENGTH = 300;

/** The page of an error. @param development only at development issuers */
export function errorPage(
  { error, error_description: description }: ShownError,
  { title, explanation, sent = [], next, link }: ErrorHelp,
  development?: DevelopmentHelp,
): string {
  const facts = sent.map(({ name, value }) => html`<li><code>${name}=${value}</code></li>`);
  return layout(
    title,
    html`<h1>${title}</h1>
<p>${explanation}</p>
${facts.length > 0 ? html`<h2>The request</h2><ul class="facts">${facts}</ul>` : undefined}
${development && configuredHelp(development)}
<h2>What to do</h2>
<p>${next}</p>
${development?.configuration && html`<h2>In the configuration</h2><pre><code>${development.configuration}</code></pre>`}
${link && html`<p><a href="${link.href}">${link.label}</a></p>`}
<p class="technical"><code>${error}</code>${description ? html`<span>${description}</span>` : undefined}</p>`,
  );
}

function configuredHelp({ configured, suggestion, hint }: DevelopmentHelp): Html {
  return html`${configured && configuredValues(configured)}
${hint && html`<p class="hint">${hint}</p>`}
${suggestion && html`<p class="hint">Did you mean <strong><code>${suggestion}</code></strong>?</p>`}`;
}

function configuredValues({ label, values }: NonNullable<DevelopmentHelp['configured']>): Html {
  const listed = values.slice(0, LISTED).map((value) => html`<li><code>${value.slice(0, MAX_LENGTH)}</code></li>`);
  const more = values.length - LISTED;
  return html`<h2>${label}</h2>
<ul class="facts">${listed.length > 0 ? listed : html`<li>none</li>`}${more > 0 ? html`<li>and ${more} more</li>` : undefined}</ul>`;
}
