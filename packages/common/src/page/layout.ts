import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';
import { STYLE } from './style.ts';

/** A tally stick, split in two. */
const MARK = html`<svg width="34" height="16" viewBox="0 0 34 16" fill="currentColor" aria-hidden="true"><path d="M0 1h34v6H27l-1.5-3L24 7h-4l-1.5-3L17 7h-4l-1.5-3L10 7H0z"/><path opacity=".5" d="M0 9h10l1.5 3L13 9h4l1.5 3L20 9h4l1.5 3L27 9h7v6H0z"/></svg>`;

/** The same mark in the page itself, so that browsers request no icon. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 34 34" fill="#b4661f"><path d="M0 9h34v7H27l-1.5-3L24 16h-4l-1.5-3L17 16h-4l-1.5-3L10 16H0z"/><path opacity=".55" d="M0 18h10l1.5 3L13 18h4l1.5 3L20 18h4l1.5 3L27 18h7v7H0z"/></svg>',
)}`;

/** Allows no scripts, frames or external resources. `form-action` is left out, because it would block the redirect to the client. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A complete page. */
export function layout(title: string, content: Html): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Tallystick</title>
<link rel="icon" href="${ICON}">
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
<p class="brand">${MARK}<span>Tallystick</span></p>
${content}
</main>
</body>
</html>
`;
  return page.markup;
}
