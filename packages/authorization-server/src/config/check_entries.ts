import { type Refuse, refuseDuplicates } from '@tallystick/common/config';
import type { z } from 'zod';
import type { api } from './api.ts';
import type { client } from './client.ts';
import type { user } from './user.ts';

interface Entries {
  readonly apis: readonly z.output<typeof api>[];
  readonly clients: readonly z.output<typeof client>[];
  readonly users: readonly z.output<typeof user>[];
}

/** Checks the references between the APIs, clients and users of one issuer. */
export function checkEntries(entries: Entries, refuse: Refuse): void {
  refuseDuplicates(entries.apis, 'resource', ['apis'], refuse);
  refuseDuplicates(entries.clients, 'id', ['clients'], refuse);
  refuseDuplicates(entries.users, 'id', ['users'], refuse);
  checkDefaultApis(entries, refuse);
  checkTokenExchange(entries, refuse);
  checkSubjects(entries, refuse);
  checkIntrospection(entries, refuse);
}

function checkIntrospection({ apis, clients }: Entries, refuse: Refuse): void {
  for (const [index, { introspects }] of clients.entries()) {
    if (typeof introspects === 'boolean') continue;
    for (const [position, named] of introspects.entries()) {
      if (!apis.some((known) => known.resource === named))
        refuse(['clients', index, 'introspects', position], 'expected the resource of one of the apis', named);
    }
  }
}

function checkDefaultApis({ apis, clients }: Entries, refuse: Refuse): void {
  for (const [index, { defaultApi }] of clients.entries()) {
    if (defaultApi !== undefined && !apis.some(({ resource }) => resource === defaultApi))
      refuse(['clients', index, 'defaultApi'], 'expected the resource of one of the apis', defaultApi);
  }
}

function checkTokenExchange({ apis, clients }: Entries, refuse: Refuse): void {
  for (const [index, { tokenExchange: rules }] of clients.entries()) {
    for (const list of ['from', 'to'] as const) {
      for (const [position, named] of (rules?.[list] ?? []).entries()) {
        if (!apis.some((known) => known.resource === named)) {
          refuse(
            ['clients', index, 'tokenExchange', list, position],
            'expected the resource of one of the apis',
            named,
          );
        }
      }
    }
  }
}

/** The subject of a token is a user or a client. RFC 9068 section 5 warns of names that could be both. */
function checkSubjects({ clients, users }: Entries, refuse: Refuse): void {
  const clientIds = new Set(clients.map(({ id }) => id));
  for (const [index, { id }] of users.entries()) {
    if (clientIds.has(id)) refuse(['users', index, 'id'], 'expected an id that no client has', id);
  }
}
