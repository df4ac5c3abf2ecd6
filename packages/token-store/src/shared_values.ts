import { createHmac } from 'node:crypto';
import type { Backend } from './backend.ts';
import type { SharedValues } from './contract.ts';
import { seal, unseal } from './seal.ts';
import { tokenKey } from './token_key.ts';

interface SharedValuesOptions {
  /** Secret of all processes that share the values. */
  readonly secret: string;
  /** Key prefix of the partition. */
  readonly part: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The expiry is sealed too: anyone who can write to the store could extend the life of the key, but not this value. */
interface Envelope {
  readonly value: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Shared values over any backend. */
export function createSharedValues(backend: Backend, { secret, part, now }: SharedValuesOptions): SharedValues {
  const keyOf = (name: string) => `{${tokenKey(name)}}:shared`;
  const sealingSecretOf = (name: string) =>
    createHmac('sha256', secret).update(`tallystick shared value ${name}`).digest('base64url');

  function sealed(name: string, value: string, expiresIn: number): string {
    const envelope: Envelope = { value, expiresAt: now() + expiresIn * 1000 };
    return seal(sealingSecretOf(name), part + keyOf(name), JSON.stringify(envelope));
  }

  return {
    async find(name) {
      const found = await backend.get(keyOf(name));
      const text = found && unseal(sealingSecretOf(name), part + keyOf(name), found);
      if (!text) return undefined;
      const { value, expiresAt } = JSON.parse(text) as Envelope;
      return expiresAt > now() ? value : undefined;
    },
    async put(name, value, expiresIn) {
      await backend.write([{ type: 'put', key: keyOf(name), value: sealed(name, value, expiresIn), expiresIn }]);
    },
    putIfAbsent: (name, value, expiresIn) =>
      backend.putIfAbsent(keyOf(name), sealed(name, value, expiresIn), expiresIn),
    async remove(name) {
      await backend.write([{ type: 'delete', key: keyOf(name) }]);
    },
  };
}
