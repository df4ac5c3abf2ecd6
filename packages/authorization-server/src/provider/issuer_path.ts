import type { RequestListener } from 'node:http';
import { OWN_SEGMENTS } from '../config/own_segments.ts';
import { MOCK_SEGMENTS } from '../permissive/paths.ts';
import { mountPathOf, WELL_KNOWN } from './mount.ts';

/** Whether a path with this first segment is one of an issuer. */
function isOwn(segment: string): boolean {
  return OWN_SEGMENTS.includes(segment) || MOCK_SEGMENTS.has(segment);
}

/**
 * Serves an issuer with a path behind a proxy that removes the path, and behind one that keeps it: puts the path back where it is
 * missing. An issuer at `https://host/auth` has its authorization endpoint at `/auth/auth`, which a proxy may turn into `/auth`. So a
 * path counts as complete if an endpoint, a tenant or nothing follows the path of the issuer.
 *
 * @param isTenant whether a tenant has this name and gets requests for the path below it
 */
export function restoreIssuerPath(
  issuer: string,
  isTenant: (name: string, path: string) => boolean,
  handler: RequestListener,
): RequestListener {
  const mountPath = mountPathOf(issuer);
  if (mountPath === '') return handler;
  const isAmbiguous = OWN_SEGMENTS.includes(mountPath.split('/')[1] ?? '');

  function isComplete(url: string): boolean {
    const [path = '', query = ''] = url.split('?', 2);
    const rest = restOf(path.replace(WELL_KNOWN, ''), mountPath);
    if (rest === undefined) return false;
    const first = rest.split('/')[1] ?? '';
    // The page of the issuer has no parameters, the endpoint that has the name of its path has some.
    if (first === '') return !isAmbiguous || query === '';
    return !isAmbiguous || isOwn(first) || isTenant(first, rest.slice(first.length + 1));
  }

  return (request, response) => {
    const { url = '/', method } = request;
    const isForm = isAmbiguous && method === 'POST' && url === mountPath;
    if (isForm || !isComplete(url)) request.url = mountPath + url;
    handler(request, response);
  };
}

/** @returns undefined for a path that is not below the prefix */
function restOf(path: string, prefix: string): string | undefined {
  if (!path.startsWith(prefix)) return undefined;
  const rest = path.slice(prefix.length);
  return rest === '' || rest.startsWith('/') ? rest : undefined;
}
