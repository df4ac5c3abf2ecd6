import type { z } from 'zod';
import { pathText } from '../config/config_error.ts';
import { apiSchema, type Config, clientSchema, routeSchema, userSchema } from '../config/schema.ts';
import type { WithUpstream } from '../run/upstreams/open_upstreams.ts';
import { checkInput, InputError } from './input_error.ts';

/** Configuration entries that can change at run time. */
export interface Collection<Entry, Input> {
  list(): readonly Entry[];
  /**
   * Adds an entry, or replaces the one with the same name.
   *
   * @throws {InputError} the entry is not valid; nothing was changed
   */
  put(entry: Input): Promise<{ readonly entry: Entry; readonly replaced: boolean }>;
  /**
   * @returns whether there was an entry with this name
   * @throws {InputError} a gateway route uses the entry; nothing was changed
   */
  remove(name: string): Promise<boolean>;
}

/** The part of an issuer's configuration that can change. */
export interface Entries extends Pick<Config, 'apis' | 'clients' | 'users'> {
  /** Where the gateway serves the APIs. */
  readonly routes: Config['gateway']['routes'];
}

type Changeable<Schema extends z.ZodType> = Collection<z.output<Schema>, WithUpstream<z.input<Schema>>>;

export interface Collections {
  readonly clients: Changeable<typeof clientSchema>;
  readonly users: Changeable<typeof userSchema>;
  /** The gateway and the sample API of the same process use the changed APIs. The routes stay as they are. */
  readonly apis: Changeable<typeof apiSchema>;
  /** The routes of the gateway. The name of a route is its host and its prefix, such as `/orders` or `api.example.com/orders`. */
  readonly routes: Changeable<typeof routeSchema>;
  /** Replaces the configured entries. @throws {InputError} they are not valid; nothing was changed */
  configure(entries: Entries): Promise<void>;
  /** Restores the configured entries. */
  reset(): Promise<void>;
}

export interface CollectionsOptions {
  /** Checks the entries against the rest of the configuration, with the same rules as at the start. */
  readonly check: (entries: Entries) => z.ZodError | undefined;
  /** Makes everything use other entries. @throws {InputError} they are not valid */
  readonly replace: (entries: Entries) => Promise<void>;
  /** Replaces an application as upstream with its address. Default: upstreams are addresses. */
  readonly locate?: ((entry: unknown) => Promise<unknown>) | undefined;
}

export function createCollections(configured: Entries, options: CollectionsOptions): Collections {
  const state = new EntriesState(configured, options);
  return {
    clients: collection(state, 'clients', clientSchema, (client) => client.id),
    users: collection(state, 'users', userSchema, (user) => user.id),
    apis: collection(state, 'apis', apiSchema, (api) => api.resource),
    routes: collection(state, 'routes', routeSchema, ({ host = '', prefix }) => host + prefix),
    configure: ({ clients, users, apis, routes }) => state.configure({ clients, users, apis, routes }),
    reset: () => state.reset(),
  };
}

function collection<Kind extends keyof Entries, Schema extends z.ZodType<Entries[Kind][number]>>(
  state: EntriesState,
  kind: Kind,
  schema: Schema,
  nameOf: (entry: Entries[Kind][number]) => string,
): Collection<Entries[Kind][number], WithUpstream<z.input<Schema>>> {
  const entries = () => state.current[kind] as readonly Entries[Kind][number][];
  return {
    list: entries,
    async put(given) {
      const entry = checkInput(schema, await state.locate(given));
      const replaced = await state.change(() => {
        const at = entries().findIndex((known) => nameOf(known) === nameOf(entry));
        const changed = at < 0 ? [...entries(), entry] : entries().with(at, entry);
        return { entries: state.with(kind, changed, at < 0 ? changed.length - 1 : at), result: at >= 0 };
      });
      return { entry, replaced: replaced === true };
    },
    async remove(name) {
      const removed = await state.change(() => {
        const kept = entries().filter((known) => nameOf(known) !== name);
        if (kept.length === entries().length) return undefined;
        return { entries: state.with(kind, kept), result: true };
      });
      return removed === true;
    },
  };
}

/** The configured and the current entries. */
class EntriesState {
  readonly #options: CollectionsOptions;
  #configured: Entries;
  #current: Entries;
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(configured: Entries, options: CollectionsOptions) {
    this.#configured = configured;
    this.#current = configured;
    this.#options = options;
  }

  get locate(): (entry: unknown) => Promise<unknown> {
    return this.#options.locate ?? (async (entry) => entry);
  }

  get current(): Entries {
    return this.#current;
  }

  /** Makes changes one after another: each starts from the result of the one before it. */
  change<T>(make: () => { readonly entries: Entries; readonly result: T } | undefined): Promise<T | undefined> {
    const made = this.#lastChange.then(async () => {
      const wanted = make();
      if (wanted === undefined) return undefined;
      await this.#options.replace(wanted.entries);
      this.#current = wanted.entries;
      return wanted.result;
    });
    this.#lastChange = made.catch(() => {}); // The caller gets the error. The next change starts from the state before this one.
    return made;
  }

  async configure(entries: Entries): Promise<void> {
    await this.change(() => ({ entries, result: true }));
    this.#configured = entries;
  }

  async reset(): Promise<void> {
    await this.change(() =>
      this.#current === this.#configured ? undefined : { entries: this.#configured, result: true },
    );
  }

  /**
   * All entries, with those of one kind replaced.
   *
   * @param index index of the new entry
   * @throws {InputError} the new entry conflicts with the others, or a gateway route names an API that was removed
   */
  with(kind: keyof Entries, ofKind: readonly unknown[], index?: number): Entries {
    const changed = { ...this.#current, [kind]: ofKind };
    for (const issue of this.#options.check(changed)?.issues ?? []) {
      const { message } = issue;
      const path = issue.path[0] === 'gateway' ? issue.path.slice(1) : issue.path;
      if (path[0] === kind && path[1] === index) throw new InputError(pathText(path.slice(2)), message);
      if (kind === 'clients' && path[0] === 'users')
        throw new InputError('id', 'expected another id: a user has this one');
      if (kind === 'apis' && path.at(-1) === 'api')
        throw new InputError('resource', `${pathText(issue.path)} names this API`);
      if (kind === 'routes') throw new InputError('', `${pathText(issue.path)}: ${message}`);
    }
    return changed;
  }
}
