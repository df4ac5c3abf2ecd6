import { eventually } from './eventually.mjs';
import { expectEqual } from './expect.mjs';
import { callApi, postAsDemoService, request } from './http.mjs';
import { discoveryPath } from './services.mjs';

const styles = ['jwt', 'opaque', 'phantom', 'split'];
/** The styles whose revocation the gateways learn of; whose API validates a JWT. */
const revocable = ['phantom', 'split'];
const withIssuer = ['jwt', 'phantom', 'split'];
const revokedWithinMilliseconds = 5_000;
const namesKnownWithinMilliseconds = 30_000;

/**
 * Walks the four styles from the host, as a client would. One line per check.
 * @param {import('./services.mjs').World} world
 * @param {ReturnType<typeof import('./stack.mjs').createStack>} stack
 * @param {AbortSignal} signal
 * @throws at the first check that fails
 */
export async function walk(world, stack, signal) {
  const { issuer, gateways, services, inside } = world;
  await check('the issuer seen from the host', async () => {
    const discovery = await (await request(`${issuer}${discoveryPath}`)).json();
    expectEqual(discovery.issuer, issuer, 'issuer');
  });
  // The network may not know the names of the last services yet.
  await check('the same issuer seen from inside a container', () =>
    eventually(async () => expectEqual(await issuerSeenInside(world, stack, signal), issuer, 'issuer'), {
      within: namesKnownWithinMilliseconds,
      signal,
    }),
  );
  for (const { name } of services.filter(({ name }) => !/redis|nginx/.test(name))) {
    await check(`${name}: its own health check passes, without a shell`, () => isHealthy(name, stack, signal));
  }
  await check('the file system is read-only, and the user is not root', () => isConfined(inside, stack, signal));

  /** @type {Record<string, string>} */
  const tokens = {};
  for (const style of styles) {
    signal.throwIfAborted();
    await check(`${style}: the authorization server issues a token`, async () => {
      tokens[style] = await issueToken(issuer, style);
    });
    for (const gateway of gateways) {
      await check(`${style}: ${gateway} serves it`, () => served(world, gateway, style, tokens[style]));
    }
  }

  for (const style of revocable) {
    await check(`${style}: the token is revoked`, () => revoke(issuer, tokens[style]));
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
 * @param {string} service
 * @param {ReturnType<typeof import('./stack.mjs').createStack>} stack
 * @param {AbortSignal} signal
 */
async function isHealthy(service, stack, signal) {
  const { output } = await stack.exec(service, ['tallystick', 'health'], signal);
  expectEqual(/^healthy: (.*)$/m.exec(output)?.[1]?.trim().replaceAll(' ', '-').toLowerCase(), roleOf(service), output);
}

/** @param {string} service */
function roleOf(service) {
  return service.replace(/^cluster-|-\d$/g, '');
}

/**
 * @param {string} service
 * @param {ReturnType<typeof import('./stack.mjs').createStack>} stack
 * @param {AbortSignal} signal
 */
async function isConfined(service, stack, signal) {
  const program = `try { require('fs').writeFileSync(require('os').homedir() + '/x', '') } catch ({ code }) { console.log(code + ' ' + process.getuid()) }`;
  const { output } = await stack.exec(service, ['node', '-e', program], signal);
  expectEqual(/^(EROFS \d+)$/m.exec(output)?.[1], 'EROFS 1000', 'error of a write, and user');
}

/**
 * @param {import('./services.mjs').World} world
 * @param {ReturnType<typeof import('./stack.mjs').createStack>} stack
 * @param {AbortSignal} signal
 */
async function issuerSeenInside({ backChannel, inside }, stack, signal) {
  const url = `${backChannel}${discoveryPath}`;
  const program = `fetch('${url}').then((r) => r.json()).then((d) => console.log('issuer=' + d.issuer))`;
  const { output } = await stack.exec(inside, ['node', '-e', program], signal);
  return /^issuer=(.*)$/m.exec(output)?.[1]?.trim() ?? output;
}

/**
 * @param {string} issuer
 * @param {string} style
 * @returns {Promise<string>}
 */
async function issueToken(issuer, style) {
  const response = await postAsDemoService(`${issuer}/token`, {
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
 * @param {import('./services.mjs').World} world
 * @param {string} gateway
 * @param {string} style
 * @param {string} token
 */
async function served({ issuer }, gateway, style, token) {
  const response = await callApi(gateway, style, token);
  expectEqual(response.status, 200, `status (${response.headers.get('www-authenticate') ?? 'no challenge'})`);
  const { style: answered, claims } = await response.json();
  expectEqual(answered, style, 'style');
  expectEqual(typeof claims, 'object', 'type of claims');
  if (withIssuer.includes(style)) expectEqual(claims.iss, issuer, 'claims.iss');
}

/**
 * @param {string} issuer
 * @param {string} token
 */
async function revoke(issuer, token) {
  const response = await postAsDemoService(`${issuer}/token/revocation`, { token });
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
