import type { z } from 'zod';
import { pathText } from '../config/config_error.ts';
import { apiSchema, type Config, clientSchema, userSchema } from '../config/schema.ts';
import { checkInput, InputError } from './input_error.ts';

/** Entries of the configuration that can change while everything runs. */
export interface Collection<Entry, Input> {
  list(): readonly Entry[];
  /**
   * Adds an entry, or takes the place of the one of the same name.
   *
   * @throws {InputError} it cannot be used; nothing changed
   */
  put(entry: Input): Promise<{ readonly entry: Entry; readonly replaced: boolean }>;
  /**
   * @returns whether there was one of that name
   * @throws {InputError} the gateway has a route to it; nothing changed
   */
  remove(name: string): Promise<boolean>;
}

/** What of an issuer's configuration can change. */
export type Entries = Pick<Config, 'apis' | 'clients' | 'users'>;
type Changeable<Schema extends z.ZodType> = Collection<z.output<Schema>, z.input<Schema>>;

export interface Collections {
  readonly clients: Changeable<typeof clientSchema>;
  readonly users: Changeable<typeof userSchema>;
  /** The gateway and the sample API of the same process follow; which routes there are stays as configured. */
  readonly apis: Changeable<typeof apiSchema>;
  /** Takes others in place of what was configured. @throws {InputError} they cannot be used; nothing changed */
  configure(entries: Entries): Promise<void>;
  /** Back to what was configured. */
  reset(): Promise<void>;
}

export interface CollectionsOptions {
  /** What the rest of the configuration must bear of the entries: the same rules as at the start. */
  readonly check: (entries: Entries) => z.ZodError | undefined;
  /** Lets everything use other entries. @throws {InputError} it cannot */
  readonly replace: (entries: Entries) => Promise<void>;
}

export function createCollections(given: Entries, { check, replace }: CollectionsOptions): Collections {
  let configured = given;
  let current = configured;

  let lastChange: Promise<unknown> = Promise.resolve();

  /** One change after the other: each begins from what the one before it left. */
  function change<T>(
    make: () => { readonly entries: Entries; readonly result: T } | undefined,
  ): Promise<T | undefined> {
    const made = lastChange.then(async () => {
      const wanted = make();
      if (wanted === undefined) return undefined;
      await replace(wanted.entries);
      current = wanted.entries;
      return wanted.result;
    });
    lastChange = made.catch(() => {}); // Whoever asked for it is told; the next one begins from what was before.
    return made;
  }

  /**
   * All entries, with those of one kind changed.
   *
   * @param index of the entry that is new
   * @throws {InputError} it does not go together with the others, or a route of the gateway names an API that is gone
   */
  function checked(kind: keyof Entries, ofKind: readonly unknown[], index?: number): Entries {
    const changed = { ...current, [kind]: ofKind };
    for (const { path, message } of check(changed)?.issues ?? []) {
      if (path[0] === kind && path[1] === index) throw new InputError(pathText(path.slice(2)), message);
      if (kind === 'clients' && path[0] === 'users') throw new InputError('id', 'expected an id that no user has');
      if (kind === 'apis' && path.at(-1) === 'api')
        throw new InputError('resource', `${pathText(path)} names this API`);
    }
    return changed;
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
        const replaced = await change(() => {
          const at = entries().findIndex((known) => nameOf(known) === nameOf(entry));
          const changed = at < 0 ? [...entries(), entry] : entries().with(at, entry);
          return { entries: checked(kind, changed, at < 0 ? changed.length - 1 : at), result: at >= 0 };
        });
        return { entry, replaced: replaced === true };
      },
      async remove(name) {
        const removed = await change(() => {
          const kept = entries().filter((known) => nameOf(known) !== name);
          if (kept.length === entries().length) return undefined;
          return { entries: checked(kind, kept), result: true };
        });
        return removed === true;
      },
    };
  }

  return {
    clients: collection('clients', clientSchema, (client) => client.id),
    users: collection('users', userSchema, (user) => user.id),
    apis: collection('apis', apiSchema, (api) => api.resource),
    async configure({ clients, users, apis }) {
      const entries = { clients, users, apis };
      await change(() => ({ entries, result: true }));
      configured = entries;
    },
    reset: async () =>
      void (await change(() => (current === configured ? undefined : { entries: configured, result: true }))),
  };
}
