import type { IncomingMessage } from 'node:http';

interface CallingRequest {
  readonly headers: Pick<IncomingMessage['headers'], 'authorization'>;
  readonly url?: string | undefined;
}

/**
 * Which client says that it is calling: by HTTP Basic (RFC 6749 section 2.3.1), by `client_id` in form or query, or as the
 * subject of an assertion (RFC 7523 section 3).
 */
export function clientOf(request: CallingRequest, form: URLSearchParams | undefined): string | undefined {
  const [, credentials] = /^basic +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (credentials !== undefined) return formDecode(Buffer.from(credentials, 'base64').toString().split(':')[0] ?? '');
  const query = new URLSearchParams(request.url?.split('?')[1] ?? '');
  return form?.get('client_id') ?? query.get('client_id') ?? subjectOf(form?.get('client_assertion'));
}

function subjectOf(assertion: string | null | undefined): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(assertion?.split('.')[1] ?? '', 'base64url').toString());
    return typeof claims === 'object' && claims && 'sub' in claims ? String(claims.sub) : undefined;
  } catch {
    return undefined; // Whoever sends nonsense is nobody.
  }
}

function formDecode(text: string): string | undefined {
  return new URLSearchParams(`id=${text.replaceAll('&', '%26')}`).get('id') ?? undefined;
}
