import { z } from 'zod';
import { checkInput } from '../input_error.ts';
import { type Endpoint, endpointSchema } from '../requests/identify_request.ts';

/** Status codes that a fault or a scripted answer can have. */
export const statusSchema = z.int().min(200).max(599);
export const headerValueSchema = z.string().regex(/^[ -~]*$/, { error: 'expected printable ASCII' });

/** Where a fault can be. */
const PLACES = ['authorization-server', 'gateway', 'upstream', 'store', 'revocation-feed'] as const;

/**
 * Failures of the store and of the revocation feed:
 * - `refused`: the store refuses every operation; nothing is done
 * - `cut`: the store does it, but its answer is lost; the feed is disconnected
 * - `read-only`: the store refuses writes
 * - `lost`: a read finds nothing, as if the store had lost the entry; the feed drops messages
 */
const FAILURES = ['refused', 'cut', 'read-only', 'lost'] as const;

const faultFields = z.strictObject({
  at: z
    .enum(PLACES)
    .default('authorization-server')
    .describe('The server that fails. `upstream` is the API behind the gateway.'),
  endpoint: endpointSchema.optional().describe('Endpoint of the authorization server, which needs one.'),
  api: z.string().min(1).optional().describe('At `upstream`: only calls of the API with this resource indicator.'),
  path: z
    .string()
    .regex(/^\//, { error: 'expected a path that begins with /' })
    .optional()
    .describe('At `gateway` or `upstream`: only this path, and those below it.'),
  failure: z
    .enum(FAILURES)
    .optional()
    .describe(
      'At `store` or `revocation-feed`: `refused` (nothing is done), `cut` (the answer is lost, or the feed is disconnected), `read-only`, or `lost` (a read finds nothing, or the feed drops a message).',
    ),
  status: statusSchema.optional().describe('Answer with this status, without carrying out the request.'),
  delay: z.int().min(1).max(600_000).optional().describe('Milliseconds to wait before the answer.'),
  drop: z.literal(true).optional().describe('Close the connection without an answer.'),
  body: z.literal('malformed').optional().describe('`malformed` sends the first half of the body only.'),
  contentType: headerValueSchema.min(1).optional().describe('Value of Content-Type, instead of the correct one.'),
  calls: z.int().positive().optional().describe('Number of calls that the fault affects. Default: all.'),
  fraction: z.number().gt(0).max(1).optional().describe('Fraction of the calls that the fault affects, at random.'),
  clientId: z
    .string()
    .min(1)
    .optional()
    .describe('Only calls of this client (HTTP Basic, `client_id` or a client assertion).'),
});

/** Values that each place can have, beside `at`, `delay`, `calls` and `fraction`. */
const VALUES_AT: Record<Place, readonly string[]> = {
  'authorization-server': ['endpoint', 'status', 'drop', 'body', 'contentType', 'clientId'],
  gateway: ['path', 'status', 'drop', 'body', 'contentType'],
  upstream: ['api', 'path', 'status', 'drop', 'body', 'contentType'],
  store: ['failure'],
  'revocation-feed': ['failure'],
};
const EVERYWHERE = ['at', 'delay', 'calls', 'fraction'];

export const faultSchema = faultFields
  .superRefine((fault, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: path === '' ? [] : [path], message, input: Reflect.get(fault, path) });
    const known = [...EVERYWHERE, ...VALUES_AT[fault.at]];
    const foreign = Object.keys(fault).find((name) => Reflect.get(fault, name) !== undefined && !known.includes(name));
    if (foreign !== undefined) refuse(foreign, `expected nothing: a fault at ${fault.at} has no ${foreign}`);
    if (fault.at === 'authorization-server' && fault.endpoint === undefined)
      refuse('endpoint', `expected one of ${endpointSchema.options.join(', ')}`);
    if (fault.at === 'revocation-feed' && fault.failure && !['cut', 'lost'].includes(fault.failure))
      refuse('failure', 'expected cut or lost');
    const effects = ['failure', 'status', 'delay', 'drop', 'body', 'contentType'].filter(
      (name) => name === 'delay' || known.includes(name),
    );
    if (!effects.some((name) => Reflect.get(fault, name) !== undefined))
      refuse('', `expected at least one of ${effects.join(', ')}`);
  })
  .refine((fault) => !fault.drop || !(fault.status || fault.body || fault.contentType), {
    path: ['drop'],
    error: 'expected no status, body or contentType together with drop, which sends no answer',
  })
  .refine((fault) => fault.fraction === undefined || fault.calls === undefined, {
    path: ['fraction'],
    error: 'expected either fraction or calls',
  });

export const activeFaultSchema = faultFields.extend({
  id: z.string(),
  remaining: z.int().optional().describe('Number of calls that the fault will still affect. Absent if unlimited.'),
});

type Place = (typeof PLACES)[number];
export type FaultInput = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema>;

/** A fault that affects calls. */
export type ActiveFault = z.output<typeof activeFaultSchema>;

/** Faults that tests inject. */
export interface Faults {
  /** Adds all faults or none. If several match a call, the first added applies. @throws {InputError} */
  add(...faults: FaultInput[]): ActiveFault[];
  list(): ActiveFault[];
  /** @returns whether there was a fault with this id */
  remove(id: string): boolean;
  /** Removes all faults. Delayed calls continue at once. */
  clear(): void;
}

/** The faults, with the methods that the intercepting server needs. */
export interface FaultInjector extends Faults {
  /** Takes the fault that applies to a call, and counts the call. */
  take(call: FaultyCall): Fault | undefined;
  /** Calls back after every change. @returns a function that ends it */
  onChange(changed: () => void): () => void;
  /** Aborted by `clear`. */
  readonly cleared: AbortSignal;
}

/** A call that a fault may affect. */
export interface FaultyCall {
  readonly at: Place;
  readonly endpoint?: Endpoint;
  readonly api?: string | undefined;
  readonly path?: string;
  /** Called only if a fault is limited to one client. */
  readonly clientId?: () => string | undefined;
  /** Only faults with one of these failures. Default: all. */
  readonly failures?: readonly (Fault['failure'] | undefined)[];
}

/** @param options.random returns a number from 0 to less than 1 */
export function createFaults({ random = Math.random }: { random?: () => number } = {}): FaultInjector {
  const active = new Map<string, Fault & { remaining?: number }>();
  let lastId = 0;
  let clearing = new AbortController();

  const listeners = new Set<() => void>();
  const notify = () => {
    for (const changed of listeners) changed();
  };

  const list = (): ActiveFault[] => [...active].map(([id, fault]) => ({ id, ...fault }));

  return {
    add(...given) {
      const { faults } = checkInput(z.object({ faults: z.array(faultSchema) }), { faults: given });
      const added = faults.map((fault) => {
        const id = String(++lastId);
        const counted = fault.calls === undefined ? fault : { ...fault, remaining: fault.calls };
        active.set(id, counted);
        return { id, ...counted };
      });
      notify();
      return added;
    },
    list,
    remove(id) {
      const removed = active.delete(id);
      notify();
      return removed;
    },
    clear() {
      active.clear();
      clearing.abort();
      clearing = new AbortController();
      notify();
    },
    get cleared() {
      return clearing.signal;
    },
    take(call) {
      if (active.size === 0) return undefined;
      let caller: { readonly id: string | undefined } | undefined;
      const isCaller = (id: string) => {
        caller ??= { id: call.clientId?.() };
        return caller.id === id;
      };
      for (const [id, fault] of active) {
        if (!concerns(fault, call)) continue;
        if (fault.clientId !== undefined && !isCaller(fault.clientId)) continue;
        if (fault.fraction !== undefined && random() >= fault.fraction) continue;
        if (fault.remaining === 1) active.delete(id);
        else if (fault.remaining !== undefined) fault.remaining -= 1;
        return fault;
      }
      return undefined;
    },
    onChange(changed) {
      listeners.add(changed);
      return () => void listeners.delete(changed);
    },
  };
}

function concerns(fault: Fault, { at, endpoint, api, path = '', failures }: FaultyCall): boolean {
  if (fault.at !== at || fault.endpoint !== endpoint) return false;
  if (fault.api !== undefined && fault.api !== api) return false;
  if (failures !== undefined && !failures.includes(fault.failure)) return false;
  return fault.path === undefined || path === fault.path || path.startsWith(`${fault.path.replace(/\/$/, '')}/`);
}
