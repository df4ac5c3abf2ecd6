import type { z } from 'zod';
import { apiSchema, type Config, clientSchema, userSchema } from './config/schema.ts';
import { checkInput } from './input_error.ts';

/** Entries of the configuration that can change while everything runs. */
export interface Collection<Entry, Input> {
  list(): readonly Entry[];
  /**
   * Adds an entry, or takes the place of the one of the same name.
   *
   * @throws {InputError} it cannot be used; nothing changed
   */
  put(entry: Input): Promise<{ readonly entry: Entry; readonly replaced: boolean }>;
  /** @returns whether there was one of that name */
  remove(name: string): Promise<boolean>;
}

type Entries = Pick<Config, 'apis' | 'clients' | 'users'>;
type Changeable<Schema extends z.ZodType> = Collection<z.output<Schema>, z.input<Schema>>;

export interface Collections {
  readonly clients: Changeable<typeof clientSchema>;
  readonly users: Changeable<typeof userSchema>;
  /** The APIs of the authorization server. The gateway's routes stay as they are configured. */
  readonly apis: Changeable<typeof apiSchema>;
  /** Back to what was configured. */
  reset(): Promise<void>;
}

/** @param replace lets the authorization server use other entries; throws an InputError when it cannot */
export function createCollections(configured: Entries, replace: (entries: Entries) => Promise<void>): Collections {
  let current: Entries = configured;

  async function change(entries: Partial<Entries>): Promise<void> {
    const changed = { ...current, ...entries };
    await replace(changed);
    current = changed;
  }

  function collection<Kind extends keyof Entries, Schema extends z.ZodType<Entries[Kind][number]>>(
    kind: Kind,
    schema: Schema,
    nameOf: (entry: Entries[Kind][number]) => string,
  ): Collection<Entries[Kind][number], z.input<Schema>> {
    const entries = () => current[kind] as readonly Entries[Kind][number][];
    return {
      list: entries,
      async put(given) {
        const entry = checkInput(schema, given);
        const at = entries().findIndex((known) => nameOf(known) === nameOf(entry));
        await change({ [kind]: at < 0 ? [...entries(), entry] : entries().with(at, entry) });
        return { entry, replaced: at >= 0 };
      },
      async remove(name) {
        const kept = entries().filter((known) => nameOf(known) !== name);
        if (kept.length === entries().length) return false;
        await change({ [kind]: kept });
        return true;
      },
    };
  }

  return {
    clients: collection('clients', clientSchema, (client) => client.id),
    users: collection('users', userSchema, (user) => user.id),
    apis: collection('apis', apiSchema, (api) => api.resource),
    reset: () => change(configured),
  };
}
