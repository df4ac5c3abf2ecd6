export { Html, html, textOfHtml, unescapeHtml } from './html.ts';
export { CONTENT_SECURITY_POLICY, layout } from './layout.ts';
export { isReading, type ServerFact, type ServerPage, serverPageAnswer } from './server_page.ts';
