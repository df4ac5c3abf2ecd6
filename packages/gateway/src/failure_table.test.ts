import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { renderTables } from './testing/failure_matrix/document.ts';
import { type Answer, buildMatrix, type Matrix } from './testing/failure_matrix/matrix.ts';
import { expectedBadGateway, expectedRetryAfter, expectedStatuses } from './testing/failure_matrix/rules.ts';
import { type Cell, cells } from './testing/failure_matrix/states.ts';

let matrix: Matrix;
let answers: ReadonlyMap<Cell, Answer>;
beforeAll(async () => {
  matrix = await buildMatrix();
  answers = await matrix.execute();
});
afterAll(() => matrix.stop());

const errors = { 200: undefined, 401: 'invalid_token', 503: 'temporarily_unavailable' };

describe('The failure matrix', () => {
  test.each(
    cells.map((cell) => {
      const { style, authorizationServer, store, cache } = cell;
      const name = `${style}, authorization server ${authorizationServer}, store ${store}, cache ${cache}`;
      return [name, expectedStatuses(cell).join(' or '), cell] as const;
    }),
  )('%s: %s', (_name, _expected, cell) => {
    const answer = answers.get(cell) as Answer;
    expect(expectedStatuses(cell)).toContain(answer.status);
    expect(answer).toEqual({
      status: answer.status,
      retryAfter: answer.status === 503 ? expectedRetryAfter(cell) : null,
      challenge: answer.status === 401 ? expect.stringMatching(/^Bearer .*error="invalid_token"/) : null,
      error: answer.status === 502 ? expectedBadGateway(cell) : errors[answer.status as keyof typeof errors],
      reachedApi: answer.status === 200,
    });
  });

  test('no valid token gets 401 for a failure of the infrastructure', () => {
    const blamed = cells.filter(
      (cell) => ['hot', 'cold'].includes(cell.cache) && expectedStatuses(cell).some((status) => status === 401),
    );
    expect(blamed).toEqual([]);
  });

  test('equals the documented one', () => {
    const document = readFileSync(new URL('../../../docs/reference/failure-matrix.md', import.meta.url), 'utf8');
    expect(document.slice(document.indexOf('## '))).toBe(renderTables());
  });

  const outlived = cells.filter(
    ({ authorizationServer, cache }) => authorizationServer === 'up' && cache !== 'negative',
  );
  test.each(outlived.map((cell) => [cell.style, cell.store, cell.cache, cell] as const))(
    'recovers with the store: %s, store %s, cache %s',
    async (_style, _store, _cache, cell) => {
      expect(expectedStatuses({ ...cell, store: 'up' })).toEqual([(await matrix.executeAfterwards(cell)).status]);
    },
  );
});
