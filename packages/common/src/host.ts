import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** A server, from the `Host` header. */
export interface Host {
  /** In lower case, without a trailing dot. An IPv6 address is in brackets, in its shortest form. */
  readonly name: string;
  /** Undefined if the header has no port. */
  readonly port: number | undefined;
}

/** Labels of letters, digits and hyphens (IDNs as A-labels), and `_`, which is common in container networks. */
const HOST_HEADER = /^((?:[\w-]{1,63}\.)*[\w-]{1,63}|\[[0-9a-fA-F:.]{2,45}\])\.?(?::(\d{0,5}))?$/;

const MAX_NAME_LENGTH = 253;
/** With a trailing dot and a port. */
const MAX_HEADER_LENGTH = MAX_NAME_LENGTH + ':65535'.length + 1;

/**
 * Reads `Host` (RFC 9110 section 7.2), or the authority of a URL without a user.
 *
 * A name that ends in a number is refused unless it is an IPv4 address in its usual form: some servers read `127.1` and `0x7f.1` as
 * addresses, others as names.
 *
 * @returns undefined for any other value, because two servers could interpret it differently
 */
export function readHost(header: string): Host | undefined {
  const match = header.length > MAX_HEADER_LENGTH ? null : HOST_HEADER.exec(header);
  if (match === null) return undefined;
  const [, written = '', digits = ''] = match;
  const port = digits === '' ? undefined : Number(digits);
  if (port !== undefined && (port === 0 || port > 65_535)) return undefined;
  const name = written.startsWith('[') ? shortestIPv6(written) : checkedName(written.toLowerCase());
  return name === undefined ? undefined : { name, port };
}

function shortestIPv6(literal: string): string | undefined {
  return isIPv6(literal.slice(1, -1)) ? new URL(`http://${literal}`).hostname : undefined;
}

function checkedName(name: string): string | undefined {
  if (name.length > MAX_NAME_LENGTH) return undefined;
  return /(?:^|\.)(?:\d+|0x[\da-f]*)$/.test(name) && !isIPv4(name) ? undefined : name;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether a name is a loopback name (RFC 6761 section 6.3) or a loopback address. @param name of a {@link Host} */
export function isLoopbackName(name: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (isIPv4(name)) return LOOPBACK.check(name, 'ipv4');
  return name.startsWith('[') && LOOPBACK.check(name.slice(1, -1), 'ipv6');
}
