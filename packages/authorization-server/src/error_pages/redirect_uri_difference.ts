import { isLoopbackName } from '@tallystick/common';

/**
 * Says how a redirect URI differs from the registered one that is most like it.
 *
 * @param isNative the port of a loopback address is free (RFC 8252 section 7.3)
 * @returns undefined if none is like it
 */
export function explainDifference(
  sent: string,
  registered: readonly string[],
  { isNative }: { readonly isNative: boolean },
): string | undefined {
  const [nearest] = registered
    .map((uri) => ({
      uri,
      parts: differingParts(sent, uri).filter((part) => part !== 'port' || !isFree(uri, isNative)),
    }))
    .filter(({ parts }) => parts.length > 0 && parts.length <= 2)
    .sort((a, b) => a.parts.length - b.parts.length);
  if (nearest === undefined) return undefined;
  return `It differs from ${nearest.uri.slice(0, 300)} in the ${nearest.parts.join(' and the ')}. Redirect URIs must match exactly.`;
}

function differingParts(sent: string, uri: string): string[] {
  const [a, b] = [URL.parse(sent), URL.parse(uri)];
  if (a === null || b === null) return [];
  const parts: [string, boolean][] = [
    ['scheme', a.protocol !== b.protocol],
    ['host', a.hostname !== b.hostname],
    ['port', a.port !== b.port],
    [differInSlash(a, b) ? 'slash at the end' : 'path', a.pathname !== b.pathname],
    ['query', a.search !== b.search],
    ['fragment', a.hash !== b.hash],
  ];
  return parts.flatMap(([name, differs]) => (differs ? [name] : []));
}

function isFree(uri: string, isNative: boolean): boolean {
  return isNative && isLoopbackName(URL.parse(uri)?.hostname ?? '');
}

function differInSlash(a: URL, b: URL): boolean {
  return a.pathname === `${b.pathname}/` || b.pathname === `${a.pathname}/`;
}
