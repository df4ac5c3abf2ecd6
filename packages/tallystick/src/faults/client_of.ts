import type { IncomingMessage } from 'node:http';

/** Which client says that it is calling: by HTTP Basic (RFC 6749 section 2.3.1), or by `client_id` in form or query. */
export function clientOf(request: IncomingMessage, form: URLSearchParams | undefined): string | undefined {
  const [, credentials] = /^basic +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (credentials !== undefined) return formDecode(Buffer.from(credentials, 'base64').toString().split(':')[0] ?? '');
  const query = new URLSearchParams(request.url?.split('?')[1] ?? '');
  return form?.get('client_id') ?? query.get('client_id') ?? undefined;
}

function formDecode(text: string): string | undefined {
  return new URLSearchParams(`id=${text.replaceAll('&', '%26')}`).get('id') ?? undefined;
}
