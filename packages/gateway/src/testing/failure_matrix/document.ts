import { expectedStatuses } from './rules.ts';
import { authorizationServers, type Cell, caches, stores, styles } from './states.ts';

const answer = (cell: Cell) => expectedStatuses(cell).join(' or ');

/** The tables of docs/reference/failure-matrix.md: one for each style, a row for each state of the authorization server. */
export function renderTables(): string {
  return styles.map(renderTable).join('\n');
}

function renderTable(style: Cell['style']): string {
  const rows = authorizationServers.map((authorizationServer) => [
    authorizationServer,
    ...stores.map((store) => {
      const answers = caches.map((cache) => answer({ style, authorizationServer, store, cache }));
      return new Set(answers).size === 1 ? String(answers[0]) : answers.join(' / ');
    }),
  ]);
  const line = (columns: readonly string[]) => `| ${columns.join(' | ')} |`;
  const head = ['authorization server', ...stores.map((store) => `store ${store}`)];
  return [`## ${style}`, '', line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}
