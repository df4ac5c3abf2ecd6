import type { Refuse } from '@tallystick/common/config';
import type { Config } from '../schema.ts';

type TokenHandler = Config['gateway']['tokenHandlers'][number];

/** Checks the client and the API of each token handler. */
export function checkTokenHandlers({ gateway, clients, apis }: Config, refuse: Refuse): void {
  const path = ['gateway', 'tokenHandlers'];
  for (const [index, handler] of gateway.tokenHandlers.entries()) {
    if (!apis.some(({ resource }) => resource === handler.api)) {
      refuse([...path, index, 'api'], 'expected the resource of one of the apis', handler.api);
    }
    checkClient(handler, clients, (at, ...rest) => refuse([...path, index, ...at], ...rest));
  }
}

function checkClient(handler: TokenHandler, clients: Config['clients'], refuse: Refuse): void {
  const { client, prefix, endpoints, application } = handler;
  const known = clients.find(({ id }) => id === client.id);
  const callback = `${prefix}/${endpoints.callback}`;
  if (!known?.redirectUris.some((uri) => pathOf(uri) === callback)) {
    refuse(['client', 'id'], `expected one of the clients, with a redirect URI whose path is ${callback}`, client.id);
    return;
  }
  if (known.secret !== client.secret) {
    refuse(['client', 'secret'], `expected the secret of the client "${client.id}"`, client.secret);
  }
  if (!known.postLogoutRedirectUris.some((uri) => pathOf(uri) === pathOf(application))) {
    const expected = `expected one of the postLogoutRedirectUris of the client "${client.id}"`;
    refuse(['application'], expected, application);
  }
}

function pathOf(uri: string): string {
  const { pathname, search } = new URL(uri, 'http://gateway');
  return pathname + search;
}
