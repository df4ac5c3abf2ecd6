import type { Certificate } from '@tallystick/testing/certificates';
import { Agent, fetch as undiciFetch } from 'undici';

export interface TlsClient {
  readonly fetch: typeof globalThis.fetch;
  close(): Promise<void>;
}

/** Calls servers with a certificate of a private CA, and presents a client certificate if there is one. */
export function tlsClient(ca: string, own: Partial<Certificate> = {}): TlsClient {
  const dispatcher = new Agent({ connect: { ca, ...own } });
  const fetch = undiciFetch as unknown as (url: unknown, init: object) => Promise<Response>;
  return {
    fetch: (url, init) => fetch(url, { ...init, dispatcher }),
    close: () => dispatcher.close(),
  };
}
