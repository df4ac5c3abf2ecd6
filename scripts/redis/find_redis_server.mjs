import { findOnPath } from '../process/find_on_path.mjs';

/** @returns {string | undefined} path of a server binary that is installed here */
export function findRedisServer() {
  return findOnPath(['redis-server', 'valkey-server']);
}
