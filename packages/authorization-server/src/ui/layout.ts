import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2433; --soft: #5a6478; --line: #d9dee8; --paper: #ffffff; --ground: #f3f5f9; --accent: #8a4b16; --on-accent: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf2; --soft: #a3adc0; --line: #38415a; --paper: #1b2132; --ground: #121726; --accent: #e3a567; --on-accent: #22160a; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 30rem; background: var(--paper); border: 1px solid var(--line); border-radius: 14px; padding: 2rem; }
.brand { display: flex; gap: .6rem; align-items: center; margin: 0 0 1.25rem; color: var(--soft); font-size: .9rem; letter-spacing: .02em; }
.brand svg { flex: none; color: var(--accent); }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 .4rem; }
p { margin: 0 0 1rem; color: var(--soft); }
p strong, li strong { color: var(--ink); }
fieldset { border: 0; margin: 0; padding: 0; }
legend { padding: 0; margin: 0 0 .6rem; font-weight: 600; }
button { font: inherit; cursor: pointer; border-radius: 10px; border: 1px solid var(--line); background: transparent; color: var(--ink); padding: .7rem 1rem; }
button:hover { border-color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.user { display: block; width: 100%; text-align: left; margin: 0 0 .6rem; }
.user b, .user span { display: block; }
.user span { color: var(--soft); font-size: .875rem; }
.actions { display: flex; gap: .75rem; margin-top: 1.25rem; }
.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; flex: 1; }
.plain { border-color: transparent; color: var(--soft); text-decoration: underline; padding-left: 0; }
ul { margin: 0 0 1rem; padding: .8rem 1rem .8rem 2rem; border: 1px solid var(--line); border-radius: 10px; }
li { margin: .15rem 0; }
details { margin: .4rem 0 1rem; }
summary { cursor: pointer; color: var(--soft); padding: .3rem 0; }
label { display: block; margin: .8rem 0 .25rem; font-weight: 600; }
label small { color: var(--soft); font-weight: 400; }
input, textarea { width: 100%; font: inherit; color: var(--ink); background: transparent; border: 1px solid var(--line); border-radius: 10px; padding: .6rem .8rem; }
textarea { font-family: ui-monospace, monospace; font-size: .9rem; resize: vertical; }
.permissive { margin: 0 0 1.25rem; padding: .6rem .8rem; border: 2px dashed var(--accent); border-radius: 10px; color: var(--ink); font-weight: 600; }
.problem { margin: .8rem 0 0; padding: .6rem .8rem; border-left: 4px solid var(--accent); background: var(--ground); color: var(--ink); }
code { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
`;

/** A tally stick, split in two. */
const MARK = html`<svg width="34" height="16" viewBox="0 0 34 16" fill="currentColor" aria-hidden="true"><path d="M0 1h34v6H27l-1.5-3L24 7h-4l-1.5-3L17 7h-4l-1.5-3L10 7H0z"/><path opacity=".5" d="M0 9h10l1.5 3L13 9h4l1.5 3L20 9h4l1.5 3L27 9h7v6H0z"/></svg>`;

/** Allows no scripts, frames or external resources. `form-action` is left out, because it would block the redirect to the client. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
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
