import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Whether a request comes straight from a proxy that is believed what its headers say of the client. */
export type IsTrustedProxy = (request: Pick<IncomingMessage, 'socket'>) => boolean;

/**
 * Proxies are known by the address that they connect from. Nothing that a request says of itself counts.
 *
 * @param networks addresses or networks in CIDR notation, such as `10.0.0.0/8`, `192.0.2.1` or `fd00::/8`
 * @throws {TypeError} for what is neither
 */
export function createTrustedProxies(networks: readonly string[]): IsTrustedProxy {
  if (networks.length === 0) return () => false;
  const trusted = new BlockList();
  for (const network of networks) add(trusted, network);
  return ({ socket: { remoteAddress = '' } }) => {
    const version = isIP(remoteAddress);
    // IPv4 in IPv6 (`::ffff:192.0.2.1`), which is how a dual-stack listener sees it, BlockList compares as IPv4.
    return version !== 0 && trusted.check(remoteAddress, version === 4 ? 'ipv4' : 'ipv6');
  };
}

function add(trusted: BlockList, network: string): void {
  const [address = '', prefix, ...rest] = network.split('/');
  const version = isIP(address);
  const longest = version === 4 ? 32 : 128;
  const length = prefix === undefined ? longest : Number(prefix);
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && length <= longest);
  if (version === 0 || !isPrefix || rest.length > 0) {
    throw new TypeError(`trustedProxies must be addresses or networks like 10.0.0.0/8: ${JSON.stringify(network)}`);
  }
  trusted.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
}
