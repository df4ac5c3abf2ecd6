import { aptInstall } from '../process/apt_install.mjs';
import { StepFailed } from '../process/step_failed.mjs';
import { findRedisServer } from './find_redis_server.mjs';
import { ping } from './ping.mjs';
import { startRedis } from './start_redis.mjs';

const howToGetOne = [
  'The tests need a real Redis, and there is no redis-server or valkey-server on the PATH.',
  'Get one with `brew install redis` or `sudo apt-get install redis-server`, or set REDIS_URL to one that is running.',
].join('\n');

/**
 * @typedef {object} Redis
 * @property {string} url
 * @property {() => Promise<void>} stop
 */

/**
 * The Redis of REDIS_URL; else one started here, from the PATH or from Debian's packages.
 * @param {AbortSignal} signal
 * @returns {Promise<Redis>}
 * @throws {StepFailed} saying how to get one
 */
export async function obtainRedis(signal) {
  const given = process.env.REDIS_URL;
  if (given) return await useRunning(given);

  // Oldest first: a Debian or Ubuntu without the one has the other. Debian's own service is not the one used.
  if (findRedisServer() === undefined)
    await aptInstall('a Redis server', [['redis-server'], ['valkey-server']], signal);
  const server = findRedisServer();
  if (server === undefined) throw new StepFailed(howToGetOne);
  const { url, stop } = await startRedis(server, signal);
  console.log(`Redis: ${server} on ${url}`);
  return { url, stop };
}

/**
 * @param {string} given
 * @returns {Promise<Redis>}
 */
async function useRunning(given) {
  if (!URL.canParse(given)) throw new StepFailed('REDIS_URL is not a URL; expected redis://host:port');
  const url = new URL(given);
  const address = `${url.protocol}//${url.host}`; // without the password
  try {
    await ping(url);
  } catch (error) {
    throw new StepFailed(`No Redis at ${address} (REDIS_URL): ${error.message}`);
  }
  console.log(`Redis: ${address} (REDIS_URL)`);
  return { url: given, stop: async () => {} };
}
