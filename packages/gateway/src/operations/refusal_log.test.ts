import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { TOKEN_PROBLEM_HEADER, TOKEN_PROBLEMS, type TokenProblem } from '@tallystick/common';
import { until } from '@tallystick/testing/until';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

let fixture: GatewayFixture;
let start: number;
beforeAll(async () => {
  fixture = await startGatewayFixture();
  start = fixture.clock.time;
});
beforeEach(() => {
  fixture.clock.time = start;
  fixture.authorizationServer.onIntrospection = undefined;
  fixture.log.splice(0);
});
afterAll(() => fixture.stop());

/** The line of a call that the gateway refuses. */
async function refusalOf(path: string, token: string) {
  fixture.log.splice(0);
  const response = await fixture.call(path, token);
  const line = await until(() => fixture.log.find(({ message }) => message === 'request refused'));
  expect(JSON.stringify(fixture.log)).not.toContain(token);
  return { status: response.status, body: await response.text(), line };
}

/** Expects that only the log says why the token is not active. */
async function expectHiddenProblem(path: string, token: string, problem: TokenProblem): Promise<void> {
  await expectProblem(path, token, problem);
  expect((await refusalOf(path, token)).line?.reason).toBe('the access token is not active');
}

async function expectProblem(path: string, token: string, tokenProblem: TokenProblem): Promise<void> {
  const { status, body, line } = await refusalOf(path, token);
  expect(line).toMatchObject({ error: 'invalid_token', tokenProblem, detail: TOKEN_PROBLEMS[tokenProblem] });
  expect(status).toBe(401);
  // The client gets no more than the description.
  expect(JSON.parse(body)).toEqual({ error: 'invalid_token', error_description: line?.reason });
}

const minutesLater = () => {
  fixture.clock.time = start + 24 * 3_600_000;
};

test.each<[problem: TokenProblem, style: string, token: () => Promise<string>]>([
  ['expired', 'jwt', async () => issueJwt('jwt', minutesLater)],
  ['other_audience', 'jwt', () => issueJwt('phantom')],
  ['other_issuer', 'jwt', () => fixture.authorizationServer.issue({ iss: 'https://other', aud: api('jwt') })],
  ['wrong_type', 'jwt', () => fixture.authorizationServer.issue({ aud: api('jwt') }, { typ: 'JWT' })],
  ['malformed', 'jwt', async () => 'x'.repeat(43)],
  ['other_audience', 'phantom', () => fixture.issueReference(api('split'))],
  ['unknown', 'phantom', async () => 'y'.repeat(43)],
  ['other_audience', 'split', () => fixture.issueSplit(api('phantom'))],
  ['expired', 'split', () => fixture.issueSplit(api('split')).finally(minutesLater)],
  ['unknown', 'split', async () => 'A'.repeat(86)],
])('The log says of a refused token: %s (%s)', async (problem, style, token) => {
  await expectProblem(`/${style}`, await token(), problem);
});

async function issueJwt(audience: string, then = () => {}): Promise<string> {
  const token = await fixture.authorizationServer.issue({ aud: api(audience) });
  then();
  return token;
}

test.each(['phantom', 'split'] as const)('The log says that a %s token was revoked, from the feed', async (style) => {
  const token = await (style === 'split' ? fixture.issueSplit(api(style)) : fixture.issueReference(api(style)));
  expect((await fixture.call(`/${style}`, token)).status).toBe(200);
  fixture.authorizationServer.active.delete(token);
  fixture.store.revoke(token);
  await expectHiddenProblem(`/${style}`, token, 'revoked');
});

test('The log says that a phantom token has expired that the authorization server no longer knows', async () => {
  const token = await fixture.issueReference(api('phantom'));
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  fixture.authorizationServer.active.delete(token);
  minutesLater();
  await expectHiddenProblem('/phantom', token, 'expired');
});

test.each<[header: string, problem: TokenProblem]>([
  ['not_introspectable', 'not_introspectable'],
  ['constructor', 'unknown'],
  ['eyJhbGciOi', 'unknown'],
])('The log has the reason of the authorization server, if it is a known one: %s', async (header, problem) => {
  fixture.authorizationServer.onIntrospection = (response) =>
    void response.writeHead(204, { [TOKEN_PROBLEM_HEADER]: header }).end();
  await expectHiddenProblem('/phantom', `${header.slice(0, 3)}${'z'.repeat(40)}`, problem);
});

test('The log names the client of a request that lacks a scope', async () => {
  const token = await fixture.issueReference(api('phantom'), { client_id: 'shop', scope: 'other' });
  const { status, line } = await refusalOf('/phantom', token);
  expect([status, line?.client, line?.error]).toEqual([403, 'shop', 'insufficient_scope']);
});
