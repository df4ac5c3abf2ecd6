import { X509Certificate } from 'node:crypto';
import { BlockList, isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';

/** What the registered metadata is compared with (RFC 8705 section 2.1.2), as Node.js writes alternative names. */
const ALTERNATIVE_NAMES: Record<string, string> = {
  tls_client_auth_san_dns: 'DNS:',
  tls_client_auth_san_uri: 'URI:',
  tls_client_auth_san_ip: 'IP Address:',
  tls_client_auth_san_email: 'email:',
};

/**
 * What oidc-provider asks about client certificates (RFC 8705). They come from the TLS connection; only where there is none,
 * from the trusted proxy that ended it, which must set the header on every request and pass on none that a client sent. On
 * a connection of its own a client could write any certificate into the header, without its key.
 *
 * @throws {Error} for a proxy that is neither an address nor a network
 */
export function createClientCertificates(
  enabled: boolean,
  {
    clientCertificateHeader: header,
    trustedProxies,
  }: Pick<AuthorizationServerConfig, 'clientCertificateHeader' | 'trustedProxies'>,
) {
  const trusted = networks(trustedProxies);
  const getCertificate = (ctx: Context) => {
    if (isTls(ctx)) return (ctx.socket as TLSSocket).getPeerX509Certificate();
    return comesFrom(trusted, ctx) ? certificateOfHeader(ctx.get(header)) : undefined;
  };
  return {
    enabled,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: true,
    getCertificate,
    /** A proxy vouches for what it passes on; of the connection, whether the certificate is of one of the configured CAs. */
    certificateAuthorized: (ctx: Context) => !isTls(ctx) || (ctx.socket as TLSSocket).authorized,
    certificateSubjectMatches(ctx: Context, property: string, expected: string) {
      const certificate = getCertificate(ctx);
      if (certificate === undefined) return false;
      if (property === 'tls_client_auth_subject_dn') return sameName(certificate.subject, expected);
      const names = certificate.subjectAltName?.split(', ') ?? [];
      return names.includes(`${ALTERNATIVE_NAMES[property]}${expected}`);
    },
  };
}

/** @param addresses or networks in CIDR notation */
function networks(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of addresses) {
    const [address = '', prefix] = network.split('/');
    const [type, longest] = isIPv6(address) ? (['ipv6', 128] as const) : (['ipv4', 32] as const);
    list.addSubnet(address, Number(prefix ?? longest), type);
  }
  return list;
}

/** By the address of the connection. Nothing that a request says of itself counts. */
function comesFrom(list: BlockList, { socket: { remoteAddress = '' } }: Context): boolean {
  return remoteAddress !== '' && list.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4');
}

function isTls(ctx: Context): boolean {
  return 'encrypted' in ctx.socket;
}

/** `:<base64 of DER>:` (RFC 9440 section 2.1), or PEM in percent-encoding as NGINX and others send it. */
function certificateOfHeader(value: string): X509Certificate | undefined {
  if (value === '') return undefined;
  const [, der] = /^:([A-Za-z0-9+/=]+):$/.exec(value) ?? [];
  // Node.js joins several headers with a comma, which no certificate has: which is the proxy's, nobody could tell.
  if (value.includes(',')) throw new errors.InvalidRequest('there is more than one client certificate');
  try {
    return new X509Certificate(der === undefined ? decodeURIComponent(value) : Buffer.from(der, 'base64'));
  } catch {
    throw new errors.InvalidRequest('the client certificate cannot be read');
  }
}

/** Node.js writes one attribute a line, RFC 4514 with commas and the last one first; which is meant, the whole says. */
function sameName(subject: string, expected: string): boolean {
  const attributes = (text: string) => text.split(/\n|(?<!\\),\s*/).filter(Boolean);
  const actual = attributes(subject);
  const wanted = attributes(expected);
  return actual.join() === wanted.join() || actual.join() === wanted.reverse().join();
}
