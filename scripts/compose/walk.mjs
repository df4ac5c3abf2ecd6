import { eventually } from './eventually.mjs';
import { expectEqual } from './expect.mjs';
import { callApi, postAsDemoService, request } from './http.mjs';
import { discoveryPath, gateways, issuer } from './services.mjs';

const styles = ['jwt', 'opaque', 'phantom', 'split'];
/** The styles whose revocation the gateways learn of; whose API validates a JWT. */
const revocable = ['phantom', 'split'];
const withIssuer = ['jwt', 'phantom', 'split'];
const revokedWithinMilliseconds = 5_000;

/**
 * Walks the four styles from the host, as a client would. One line per check.
 * @param {ReturnType<typeof import('./stack.mjs').createStack>} stack
 * @param {AbortSignal} signal
 * @throws at the first check that fails
 */
export async function walk(stack, signal) {
  await check('the issuer seen from the host', async () => {
    const discovery = await (await request(`${issuer}${discoveryPath}`)).json();
    expectEqual(discovery.issuer, issuer, 'issuer');
  });
  await check('the same issuer seen from inside a container', async () => {
    expectEqual(await issuerSeenInside(stack, signal), issuer, 'issuer');
  });

  /** @type {Record<string, string>} */
  const tokens = {};
  for (const style of styles) {
    signal.throwIfAborted();
    await check(`${style}: the authorization server issues a token`, async () => {
      tokens[style] = await issueToken(style);
    });
    for (const gateway of gateways) {
      await check(`${style}: ${gateway} serves it`, () => served(gateway, style, tokens[style]));
    }
  }

  for (const style of revocable) {
    await check(`${style}: the token is revoked`, () => revoke(tokens[style]));
    for (const gateway of gateways) {
      await check(`${style}: ${gateway} refuses it`, () =>
        eventually(() => refused(gateway, style, tokens[style]), { within: revokedWithinMilliseconds, signal }),
      );
    }
  }
}

/**
 * @param {string} sentence
 * @param {() => Promise<void>} work
 */
async function check(sentence, work) {
  try {
    await work();
    console.log(`ok      ${sentence}`);
  } catch (error) {
    console.log(`FAILED  ${sentence}: ${error.message}`);
    throw error;
  }
}

/**
 * @param {ReturnType<typeof import('./stack.mjs').createStack>} stack
 * @param {AbortSignal} signal
 */
async function issuerSeenInside(stack, signal) {
  const url = `http://authorization-server:4000${discoveryPath}`;
  const program = `fetch('${url}').then((r) => r.json()).then((d) => console.log('issuer=' + d.issuer))`;
  const { output } = await stack.exec('gateway-1', ['node', '-e', program], signal);
  return /^issuer=(.*)$/m.exec(output)?.[1]?.trim() ?? output;
}

/**
 * @param {string} style
 * @returns {Promise<string>}
 */
async function issueToken(style) {
  const response = await postAsDemoService('/token', {
    grant_type: 'client_credentials',
    resource: `https://api.example.com/${style}`,
    scope: 'read',
  });
  const answer = await response.json();
  expectEqual(response.status, 200, `token endpoint (${answer.error ?? 'no error'})`);
  expectEqual(typeof answer.access_token, 'string', 'type of access_token');
  return answer.access_token;
}

/**
 * @param {string} gateway
 * @param {string} style
 * @param {string} token
 */
async function served(gateway, style, token) {
  const response = await callApi(gateway, style, token);
  expectEqual(response.status, 200, `status (${response.headers.get('www-authenticate') ?? 'no challenge'})`);
  const { style: answered, claims } = await response.json();
  expectEqual(answered, style, 'style');
  expectEqual(typeof claims, 'object', 'type of claims');
  if (withIssuer.includes(style)) expectEqual(claims.iss, issuer, 'claims.iss');
}

/** @param {string} token */
async function revoke(token) {
  const response = await postAsDemoService('/token/revocation', { token });
  expectEqual(response.status, 200, 'revocation endpoint');
}

/**
 * @param {string} gateway
 * @param {string} style
 * @param {string} token
 */
async function refused(gateway, style, token) {
  const response = await callApi(gateway, style, token);
  await response.body?.cancel();
  expectEqual(response.status, 401, 'status');
}
