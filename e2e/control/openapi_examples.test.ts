import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTallystick, type Tallystick } from 'tallystick';
import { requirement } from '../requirements/index.ts';

interface Content {
  readonly content?: { readonly 'application/json': { readonly example?: object } };
}
interface Operation {
  readonly operationId: string;
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

let tally: Tallystick;
let operations: { readonly method: string; readonly path: string; readonly operation: Operation }[];
beforeAll(async () => {
  tally = await startTallystick({
    log: { level: 'silent' },
    controlApi: { enabled: true },
    clients: [
      {
        id: 'web',
        secret: 'a secret of a test',
        grants: ['authorization_code', 'refresh_token'],
        redirectUris: ['http://localhost/callback'],
      },
    ],
    apis: [
      { resource: 'https://orders.example', accessTokens: 'split', scopes: ['read'], upstream: (_, r) => void r.end() },
    ],
  });
  const { paths } = (await (await fetch(`${tally.controlUrl}/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
});
afterAll(() => tally.stop());

const exampleOf = ({ content }: Content = {}) => content?.['application/json'].example;

test(requirement('control-api-described', 'every body and every successful answer has an example'), () => {
  const without = operations.flatMap(({ operation: { operationId, requestBody, responses } }) => {
    const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'));
    const described = [requestBody, ...successes.map(([, answer]) => answer)].filter((each) => each?.content);
    return described.every((each) => exampleOf(each)) ? [] : operationId;
  });
  expect(without).toEqual([]);
});

/** Their examples name what only a client or an earlier call knows. */
const REFUSED = ['expire', 'decideBackchannelRequest'];

test(requirement('control-api-described', 'the server takes the examples, and answers as they do'), async () => {
  const withBody = operations.filter(({ operation }) => operation.requestBody);
  // The issuer changes last: `reset` does not restore it.
  withBody.sort((one, other) => Number(one.path === '/issuer') - Number(other.path === '/issuer'));
  for (const { method, path, operation } of withBody) {
    const { operationId, requestBody, responses } = operation;
    const answer = await fetch(`${tally.controlUrl}${path}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(exampleOf(requestBody)),
    });
    const text = await answer.text();
    expect([operationId, Object.keys(responses)]).toEqual([operationId, expect.arrayContaining([`${answer.status}`])]);
    expect([operationId, answer.ok, text]).toEqual([operationId, !REFUSED.includes(operationId), text]);
    const expected = exampleOf(responses[answer.status]);
    if (answer.ok && expected !== undefined)
      expect([operationId, Object.keys(JSON.parse(text) as object).sort()]).toEqual([
        operationId,
        Object.keys(expected).sort(),
      ]);
    await tally.reset();
  }
});

test(requirement('control-api-described', 'wrong calls get an answer that is described'), async () => {
  for (const { method, path, operation } of operations) {
    const url = `${tally.controlUrl}${path.replace(/\{\w+\}/, 'unknown')}`;
    const json = { 'Content-Type': 'application/json' };
    const calls: [string, RequestInit][] = [
      [`${url}?unknown=1`, {}],
      [url, { headers: { Origin: 'https://other.example' } }],
      ...(operation.requestBody
        ? ([
            [url, { body: '{"unknown":1}', headers: json }],
            [url, { body: 'text' }],
            [url, { body: `"${'x'.repeat(1024 * 1024)}"`, headers: json }],
          ] satisfies [string, RequestInit][])
        : []),
    ];
    const statuses = await Promise.all(calls.map(async ([at, init]) => (await fetch(at, { ...init, method })).status));
    expect([operation.operationId, ...statuses]).toEqual(
      [operation.operationId, 400, 403, 400, 415, 413].slice(0, statuses.length + 1),
    );
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(statuses.map(String)));
  }
});
