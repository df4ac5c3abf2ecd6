import { z } from 'zod';
import { checkInput } from '../input_error.ts';
import { type Endpoint, endpointSchema } from '../requests/identify_request.ts';

/** Status codes that a fault or a scripted answer can have. */
export const statusSchema = z.int().min(200).max(599);
export const headerValueSchema = z.string().regex(/^[ -~]*$/, { error: 'expected printable ASCII' });

const faultFields = z.strictObject({
  endpoint: endpointSchema,
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

export const faultSchema = faultFields
  .refine((fault) => fault.status ?? fault.delay ?? fault.drop ?? fault.body ?? fault.contentType, {
    error: 'expected at least one of status, delay, drop, body, contentType',
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

export type FaultInput = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema>;

/** A fault that affects calls. */
export type ActiveFault = z.output<typeof activeFaultSchema>;

/** Faults that tests inject into the authorization server. */
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
  /**
   * Takes the fault that applies to a call, and counts the call.
   *
   * @param clientId called only if a fault is limited to one client
   */
  take(endpoint: Endpoint, clientId: () => string | undefined): Fault | undefined;
  /** Aborted by `clear`. */
  readonly cleared: AbortSignal;
}

/** @param options.random returns a number from 0 to less than 1 */
export function createFaults({ random = Math.random }: { random?: () => number } = {}): FaultInjector {
  const active = new Map<string, Fault & { remaining?: number }>();
  let lastId = 0;
  let clearing = new AbortController();

  const list = (): ActiveFault[] => [...active].map(([id, fault]) => ({ id, ...fault }));

  return {
    add(...given) {
      const { faults } = checkInput(z.object({ faults: z.array(faultSchema) }), { faults: given });
      return faults.map((fault) => {
        const id = String(++lastId);
        const added = fault.calls === undefined ? fault : { ...fault, remaining: fault.calls };
        active.set(id, added);
        return { id, ...added };
      });
    },
    list,
    remove: (id) => active.delete(id),
    clear() {
      active.clear();
      clearing.abort();
      clearing = new AbortController();
    },
    get cleared() {
      return clearing.signal;
    },
    take(endpoint, clientId) {
      let caller: { readonly id: string | undefined } | undefined;
      const isCaller = (id: string) => {
        caller ??= { id: clientId() };
        return caller.id === id;
      };
      for (const [id, fault] of active) {
        if (fault.endpoint !== endpoint) continue;
        if (fault.clientId !== undefined && !isCaller(fault.clientId)) continue;
        if (fault.fraction !== undefined && random() >= fault.fraction) continue;
        if (fault.remaining === 1) active.delete(id);
        else if (fault.remaining !== undefined) fault.remaining -= 1;
        return fault;
      }
      return undefined;
    },
  };
}
