import { type Refuse, refuseDuplicates } from './refuse.ts';
import type { Config } from './schema.ts';

/** What a token handler says of a client and an API must be true. */
export function checkTokenHandlers({ gateway, clients, apis }: Config, refuse: Refuse): void {
  const path = ['gateway', 'tokenHandlers'];
  refuseDuplicates(gateway.tokenHandlers, 'prefix', path, refuse);
  refuseDuplicates(gateway.tokenHandlers, 'cookie', path, refuse);
  for (const [
    index,
    {
      api,
      client: { id, secret },
      prefix,
      endpoints,
    },
  ] of gateway.tokenHandlers.entries()) {
    if (!apis.some(({ resource }) => resource === api)) {
      refuse([...path, index, 'api'], 'expected the resource of one of the apis', api);
    }
    const client = clients.find((known) => known.id === id);
    const callback = `${prefix}/${endpoints.callback}`;
    if (!client?.redirectUris.some((uri) => new URL(uri).pathname === callback)) {
      const expected = `expected one of the clients, with a redirect URI whose path is ${callback}`;
      refuse([...path, index, 'client', 'id'], expected, id);
    } else if (client.secret !== secret) {
      refuse([...path, index, 'client', 'secret'], `expected the secret of the client "${id}"`, undefined);
    }
  }
}
