import { errors, type Provider } from 'oidc-provider';
import type { ClientConfig } from '../config/config.ts';

/** A configured client that cannot be, because of its metadata (RFC 7591 section 3.2.2). */
export class WrongClientError extends Error {
  readonly code = 'client_wrong';
  override name = 'WrongClientError';
  /** Its place in the configuration. */
  readonly index: number;

  constructor(index: number, what: string) {
    super(what);
    this.index = index;
  }
}

/** oidc-provider looks at a client when it is first used; whoever starts the server wants to know before. @throws {WrongClientError} */
export async function checkClients(provider: Provider, clients: readonly ClientConfig[]): Promise<void> {
  for (const [index, { id }] of clients.entries()) {
    try {
      await provider.Client.find(id);
    } catch (error) {
      if (!(error instanceof errors.InvalidClientMetadata)) throw error;
      throw new WrongClientError(index, error.error_description ?? error.message);
    }
  }
}
