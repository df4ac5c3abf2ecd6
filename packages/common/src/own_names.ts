import { isLoopbackName, readHost } from './host.ts';

/** Whether a name or address is one of a server's own. @param name as {@link readHost} reads it */
export type IsOwnName = (name: string) => boolean;

/**
 * The names that a server has: those of this machine (`localhost` and every name below, loopback addresses), and others.
 *
 * @param patterns names and addresses; `*.example.com` stands for every name below that one
 * @throws {TypeError} for what is neither
 */
export function createOwnNames(patterns: readonly string[]): IsOwnName {
  const names = new Set<string>();
  const endings: string[] = [];
  for (const pattern of patterns) {
    const name = readPattern(pattern);
    if (name === undefined) throw new TypeError(`not the name or address of a server: ${JSON.stringify(pattern)}`);
    if (name.startsWith('*')) endings.push(name.slice(1));
    else names.add(name);
  }
  return (name) => isLoopbackName(name) || names.has(name) || endings.some((ending) => isBelow(name, ending));
}

/** @returns in lower case, an IPv6 address in brackets; undefined for what is no name and no address */
export function readPattern(pattern: string): string | undefined {
  if (pattern.startsWith('*.')) {
    const name = readPattern(pattern.slice(2));
    return name === undefined || !/^[a-z_]/.test(name) ? undefined : `*.${name}`;
  }
  const isBareIPv6 = pattern.includes(':') && !pattern.startsWith('[');
  const host = /\]?:\d*$/.test(pattern) && !isBareIPv6 ? undefined : readHost(isBareIPv6 ? `[${pattern}]` : pattern);
  return host?.name;
}

function isBelow(name: string, ending: string): boolean {
  return name.length > ending.length && name.endsWith(ending);
}
