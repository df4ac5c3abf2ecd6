import type { IncomingMessage } from 'node:http';
import type { PlainAnswer } from '../unreadable_requests.ts';
import { type Html, html } from './html.ts';
import { CONTENT_SECURITY_POLICY, layout } from './layout.ts';

/** A fact about a server: a text, or a link that a browser may open. */
export interface ServerFact {
  readonly name: string;
  readonly text?: string;
  /** An absolute URL, or a path of this server. */
  readonly url?: string;
}

/** The page at `/` of a server: what it is, and where to go on. */
export interface ServerPage {
  /** `Authorization server` */
  readonly name: string;
  /** One sentence. */
  readonly description: string;
  /** By title. */
  readonly sections: Readonly<Record<string, readonly ServerFact[]>>;
}

/** Whether a request only reads, as one for a page does. */
export function isReading({ method }: Pick<IncomingMessage, 'method'>): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** The page as HTML for browsers, and as JSON for programs. */
export function serverPageAnswer(page: ServerPage, { headers }: Pick<IncomingMessage, 'headers'>): PlainAnswer {
  const isBrowser = /\btext\/html\b/i.test(headers.accept ?? '');
  return {
    status: 200,
    headers: {
      'Content-Type': isBrowser ? 'text/html; charset=utf-8' : 'application/json',
      'Cache-Control': 'no-store',
      Vary: 'Accept',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      ...(isBrowser && { 'Content-Security-Policy': CONTENT_SECURITY_POLICY }),
    },
    body: isBrowser ? toHtml(page) : toJson(page),
  };
}

function toJson({ name, description, sections }: ServerPage): string {
  return JSON.stringify({ name: `Tallystick: ${name}`, description, sections });
}

function toHtml({ name, description, sections }: ServerPage): string {
  const shown = Object.entries(sections).filter(([, facts]) => facts.length > 0);
  return layout(
    name,
    html`<h1>${name}</h1>
<p>${description}</p>
${shown.map(([title, facts]) => html`<h2>${title}</h2>\n<dl>${facts.map(factHtml)}</dl>\n`)}`,
  );
}

function factHtml({ name, text, url }: ServerFact): Html {
  const shown = text ?? url;
  return html`<dt>${name}</dt><dd>${url === undefined ? shown : html`<a href="${url}">${shown}</a>`}</dd>`;
}
