import { BlockList, isIP } from 'node:net';

/** A set of addresses and networks. */
export interface Networks {
  /** @param address an IP address; any other text is in no network */
  contain(address: string): boolean;
}

/**
 * @param networks addresses, and networks in CIDR notation, such as `10.0.0.0/8`, `192.0.2.1` or `fd00::/8`
 * @param name name of the list in the configuration
 * @throws {TypeError} an entry is not an address or a network
 */
export function createNetworks(networks: readonly string[], name: string): Networks {
  const list = new BlockList();
  for (const network of networks) {
    const range = readNetwork(network);
    if (range === undefined) {
      throw new TypeError(
        `${name}: expected an address or a network, such as 10.0.0.0/8; found ${JSON.stringify(network)}`,
      );
    }
    list.addSubnet(range.address, range.prefix, range.family);
  }
  return {
    contain(address) {
      const family = familyOf(address);
      // A dual-stack listener reports IPv4 addresses as `::ffff:192.0.2.1`. BlockList compares them as IPv4.
      return family !== undefined && list.check(address, family);
    },
  };
}

/** Whether a text is an IP address, or a network in CIDR notation (RFC 4632 section 3.1, RFC 4291 section 2.3). */
export function isNetwork(text: string): boolean {
  return readNetwork(text) !== undefined;
}

function readNetwork(text: string) {
  const [address = '', length, ...rest] = text.split('/');
  const family = familyOf(address);
  const longest = family === 'ipv4' ? 32 : 128;
  const prefix = length === undefined ? longest : Number(length);
  const isPrefix = length === undefined || (/^\d{1,3}$/.test(length) && prefix <= longest);
  return family === undefined || !isPrefix || rest.length > 0 ? undefined : { address, prefix, family };
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  return version === 0 ? undefined : `ipv${version as 4 | 6}`;
}
