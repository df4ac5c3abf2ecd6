import { isLoopbackName } from '@tallystick/common';

/** Whether only this machine can reach the servers. Names are not resolved: only those of RFC 6761 section 6.3 are loopback. */
export function listensOnLoopback({ host }: { readonly host: string }): boolean {
  return isLoopbackName(host.includes(':') ? `[${host}]` : host.toLowerCase());
}
