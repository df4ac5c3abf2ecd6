import { expect, test } from '@jest/globals';
import { createLog } from './dependencies.ts';

/** @returns what a log writes to a terminal, or to another output */
function written(isTTY: boolean, write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  const output = { isTTY, hasColors: false, write: (chunk: string) => void lines.push(chunk) };
  write(createLog('info', output));
  return lines.join('');
}

const refusal = {
  method: 'POST',
  route: 'token',
  status: 401,
  milliseconds: 3,
  client: 'demo-service',
  error: 'invalid_client',
  reason: 'client authentication failed',
  detail: 'invalid secret provided',
};

test('writes one readable line for a refused request to a terminal', () => {
  const text = written(true, (log) => log.info(refusal, 'request refused'));
  expect(text).toMatch(
    /^\d\d:\d\d:\d\d refused 401 POST token invalid_client: client authentication failed \(invalid secret provided\) milliseconds=3 client=demo-service → compare the client's secret with `secret` of this client\n$/,
  );
});

test('writes a JSON line to any other output', () => {
  const text = written(false, (log) => log.info(refusal, 'request refused'));
  expect(JSON.parse(text)).toMatchObject({ ...refusal, level: 30, msg: 'request refused' });
});

test('writes other lines readably, without the level that is not configured', () => {
  const text = written(true, (log) => {
    log.debug({}, 'unseen');
    log.warn({ issuer: 'https://a.example' }, 'authorization server is down');
  });
  expect(text).toMatch(/^\d\d:\d\d:\d\d warn authorization server is down issuer=https:\/\/a\.example\n$/);
});

test('shows control characters of a client as text', () => {
  const text = written(true, (log) => log.info({ ...refusal, client: 'a\n\u001b[2Jb\u202e' }, 'request refused'));
  expect(text).toContain('client=a\\u{a}\\u{1b}[2Jb\\u{202e} ');
  expect(text.match(/\n/g)).toHaveLength(1);
});

test.each([
  ['invalid_request', 'client not found', 'compare client_id'],
  ['invalid_target', undefined, 'send resource='],
  ['invalid_scope', undefined, 'compare scope'],
  ['invalid_token', undefined, 'get a new access token'],
  ['invalid_request', 'this client must use PKCE: send code_challenge and code_challenge_method=S256', 'turn on PKCE'],
  ['invalid_request', 'not supported value of code_challenge_method', 'turn on PKCE'],
  ['invalid_grant', 'code_verifier does not match code_challenge', 'send the code_verifier of the same sign-in'],
  ['invalid_grant', 'code_verifier must be provided', 'send the code_verifier of the same sign-in'],
  [
    'invalid_request',
    'this sign-in has ended: go back to the application and start again',
    'go back to the application',
  ],
  ['invalid_request', 'interaction session id cookie not found', 'go back to the application'],
  ['misdirected_request', undefined, 'add the host to `allowedHosts`'],
])('says what to do about %s (%s)', (error, detail, advice) => {
  expect(written(true, (log) => log.info({ ...refusal, error, reason: 'x', detail }, 'request refused'))).toContain(
    `→ ${advice}`,
  );
});
