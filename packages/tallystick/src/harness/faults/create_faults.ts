import { z } from 'zod';
import { checkInput } from '../input_error.ts';
import type { Endpoint } from './endpoint.ts';
import { type activeFaultSchema, type Fault, type FaultInput, faultSchema } from './schemas.ts';

/** A fault that is in force. */
export type ActiveFault = z.output<typeof activeFaultSchema>;

/** What goes wrong at the authorization server, on purpose. */
export interface Faults {
  /** Adds all of them or none; the earlier goes before the later. @throws {InputError} */
  add(...faults: FaultInput[]): ActiveFault[];
  list(): ActiveFault[];
  /** @returns whether there was one */
  remove(id: string): boolean;
  /** Removes all of them; calls that are held back go on. */
  clear(): void;
}

/** The faults, as the server that they strike sees them. */
export interface StrikingFaults extends Faults {
  /**
   * The fault that strikes this call, if any; counts it.
   *
   * @param clientId is asked for only where a fault is for one client
   */
  strike(endpoint: Endpoint, clientId: () => string | undefined): Fault | undefined;
  /** Aborted when the faults are cleared. */
  readonly cleared: AbortSignal;
}

/** @param random a number from 0 to less than 1 */
export function createFaults({ random = Math.random }: { random?: () => number } = {}): StrikingFaults {
  const active = new Map<string, Fault & { remaining?: number }>();
  let lastId = 0;
  let clearing = new AbortController();

  const shown = (): ActiveFault[] => [...active].map(([id, fault]) => ({ id, ...fault }));

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
    list: shown,
    remove: (id) => active.delete(id),
    clear() {
      active.clear();
      clearing.abort();
      clearing = new AbortController();
    },
    get cleared() {
      return clearing.signal;
    },
    strike(endpoint, clientId) {
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
