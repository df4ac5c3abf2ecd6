/** The stylesheet of all pages. Borders of controls have a contrast of 3:1 at least (WCAG 2.2, 1.4.11), texts of 4.5:1. */
export const STYLE = `
:root { color-scheme: light dark;
  --ink: #1f2430; --soft: #535d70; --line: #dfe3ea; --field: #727c8f; --paper: #ffffff; --ground: #f4f2ee; --sunken: #f6f7f9;
  --accent: #834513; --on-accent: #ffffff; --alert: #a1261b; --good: #1d6a3d; }
@media (prefers-color-scheme: dark) { :root {
  --ink: #e9ecf2; --soft: #a9b2c3; --line: #333c50; --field: #8490a8; --paper: #1a2030; --ground: #11151f; --sunken: #141a27;
  --accent: #e7ae70; --on-accent: #23170b; --alert: #ff9d8f; --good: #82d6a0; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; min-height: 100vh; display: grid; align-items: center; justify-items: center; padding: 2rem 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: break-word; }
main { width: 100%; min-width: 0; max-width: 31rem; background: var(--paper); border: 1px solid var(--line); border-radius: 16px; padding: clamp(1.25rem, 6vw, 2.25rem);
  box-shadow: 0 1px 2px rgb(0 0 0 / .05), 0 12px 32px -12px rgb(0 0 0 / .14); }
.brand { display: flex; gap: .6rem; align-items: center; margin: 0 0 1.5rem; color: var(--soft); font-size: .875rem; font-weight: 600; letter-spacing: .02em; }
.brand svg { flex: none; color: var(--accent); }
h1, h2, legend, caption { text-wrap: balance; }
h1 { margin: 0 0 .5rem; font: 600 1.75rem/1.2 "Iowan Old Style", "Palatino Linotype", "URW Palladio L", P052, Georgia, serif; letter-spacing: -.01em; }
h2, legend, caption { margin: 1.5rem 0 .5rem; padding: 0; font-size: 1rem; line-height: 1.4; font-weight: 650; text-align: left; }
p { margin: 0 0 1rem; color: var(--soft); }
p strong, li strong, p code { color: var(--ink); }
a { color: var(--accent); text-underline-offset: .15em; }
code, pre, textarea { font-family: ui-monospace, "Cascadia Code", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .875em; }
code { overflow-wrap: anywhere; }
fieldset { min-width: 0; border: 0; margin: 0; padding: 0; }
button, input { font: inherit; }
button { min-height: 2.75rem; cursor: pointer; border-radius: 10px; border: 1px solid var(--field); background: transparent; color: var(--ink); padding: .6rem 1rem; }
button:hover { border-color: var(--accent); background: var(--sunken); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.users { display: grid; gap: .6rem; }
.user { display: flex; gap: .85rem; align-items: center; width: 100%; text-align: left; padding: .65rem .85rem; }
.user .who { min-width: 0; }
.user b, .user small { display: block; overflow-wrap: anywhere; }
.user b { font-weight: 600; }
.user small { color: var(--soft); font-size: .875rem; }
.initial { flex: none; display: grid; place-items: center; width: 2.25rem; height: 2.25rem; border-radius: 50%; background: var(--accent); color: var(--on-accent); font-weight: 600; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }
.primary { flex: 1 1 9rem; background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
.primary:hover { background: var(--accent); border-color: var(--ink); }
.plain { border-color: transparent; color: var(--soft); text-decoration: underline; text-underline-offset: .15em; padding-left: 0; padding-right: 0; }
.plain:hover { background: transparent; border-color: transparent; color: var(--ink); }
.last { margin-top: 1rem; }
main > :last-child { margin-bottom: 0; }
.search { display: flex; flex-wrap: wrap; gap: .6rem; align-items: end; margin: 0 0 1rem; }
.search div { flex: 1 1 10rem; }
.list, .facts { margin: 0 0 1rem; padding: 0; list-style: none; }
.list { border: 1px solid var(--line); border-radius: 12px; }
.list li { padding: .75rem 1rem; }
.list li + li { border-top: 1px solid var(--line); }
.list strong, .list .meaning { display: block; }
.meaning { color: var(--soft); font-size: .9375rem; }
.facts li { padding: .2rem .75rem; border-left: 3px solid var(--line); }
caption { margin-top: 0; }
dl { display: grid; grid-template-columns: 8.5rem 1fr; gap: .3rem 1rem; margin: 0; }
dt { color: var(--soft); overflow-wrap: anywhere; }
dd { margin: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; margin: 0 0 1rem; font-size: .9375rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { width: 38%; font-weight: 500; color: var(--soft); }
pre { margin: 0 0 1rem; padding: .85rem 1rem; border: 1px solid var(--line); border-radius: 10px; background: var(--sunken); white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: 1rem 0; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
details form { padding-bottom: 1.25rem; }
summary { cursor: pointer; padding: .75rem 0; font-weight: 500; }
label { display: block; margin: .85rem 0 .3rem; font-weight: 600; }
.search label { margin-top: 0; }
label small { color: var(--soft); font-weight: 400; }
input, textarea { width: 100%; min-height: 2.75rem; color: var(--ink); background: var(--paper); border: 1px solid var(--field); border-radius: 10px; padding: .6rem .8rem; }
textarea { resize: vertical; }
::placeholder { color: var(--soft); opacity: 1; }
.code { font-size: 1.25rem; letter-spacing: .12em; text-transform: uppercase; }
.shown-code { display: block; margin: 1rem 0; padding: .75rem; border: 1px solid var(--line); border-radius: 12px; background: var(--sunken); text-align: center; font-size: 1.5rem; letter-spacing: .12em; }
[aria-invalid] { border-color: var(--alert); border-width: 2px; }
.note, .hint, .problem, .done { padding: .65rem .9rem; border-left: 4px solid var(--accent); border-radius: 0 8px 8px 0; background: var(--sunken); color: var(--ink); }
.problem { border-left-color: var(--alert); }
.done { border-left-color: var(--good); }
.request { margin: 0 0 1.25rem; padding: 0 1.1rem 1.1rem; border: 1px solid var(--line); border-radius: 12px; }
.approved { color: var(--good); font-weight: 600; }
.denied { color: var(--alert); font-weight: 600; }
.technical { margin: 1.5rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .875rem; }
.technical code { margin-right: .6rem; }
.permissive { margin: 0 0 1.25rem; padding: .6rem .8rem; border: 2px dashed var(--accent); border-radius: 10px; color: var(--ink); font-weight: 600; }
@media (prefers-reduced-motion: no-preference) { button { transition: border-color .12s; } }
@media (max-width: 26rem) { body { padding: 0; align-items: start; } main { border: 0; border-radius: 0; min-height: 100vh; box-shadow: none; } h1 { font-size: 1.5rem; } .user { gap: .7rem; } }
@media (forced-colors: active) { .primary, .initial { border: 1px solid; } }
`;
