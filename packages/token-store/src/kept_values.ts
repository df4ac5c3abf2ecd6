import type { Backend } from './backend.ts';
import type { TokenStore } from './contract.ts';
import { WrongSecretError } from './errors.ts';
import { seal, unseal } from './seal.ts';

/** The key of a value that is kept permanently. */
export function keptKey(name: string): string {
  return `kept:${name}`;
}

/** Permanent values that all processes on the store share, sealed under their secret. */
export function createKeptValues(backend: Backend): Pick<TokenStore, 'keepFirst' | 'changeKept' | 'readKept'> {
  function open(name: string, secret: string, sealed: string): string {
    const value = unseal(secret, keptKey(name), sealed);
    if (value === undefined) throw new WrongSecretError(`"${name}" is kept in the store under another secret`);
    return value;
  }

  async function changeKept(name: string, secret: string, change: (value: string) => string): Promise<string> {
    const sealed = await backend.get(keptKey(name));
    if (sealed === undefined) throw new WrongSecretError(`"${name}" is not kept in the store`);
    const value = change(open(name, secret, sealed));
    const replaced = await backend.compareAndSet(keptKey(name), sealed, seal(secret, keptKey(name), value));
    return replaced ? value : changeKept(name, secret, change);
  }

  return {
    changeKept,
    async keepFirst(name, value, secret) {
      return open(name, secret, await backend.getOrPut(keptKey(name), seal(secret, keptKey(name), value)));
    },
    async readKept(name, secret) {
      const sealed = await backend.get(keptKey(name));
      return sealed === undefined ? undefined : open(name, secret, sealed);
    },
  };
}
