import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { certificateOfHeader, createNetworks } from '@tallystick/common';
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
 * @throws {TypeError} for a proxy that is neither an address nor a network
 */
export function createClientCertificates(
  enabled: boolean,
  {
    clientCertificateHeader: header,
    trustedProxies,
  }: Pick<AuthorizationServerConfig, 'clientCertificateHeader' | 'trustedProxies'>,
) {
  const trusted = createNetworks(trustedProxies, 'trustedProxies');
  const getCertificate = (ctx: Context) => {
    if (isTls(ctx)) return (ctx.socket as TLSSocket).getPeerX509Certificate();
    // By the address of the connection. Nothing that a request says of itself counts.
    return trusted.contain(ctx.socket.remoteAddress ?? '') ? readHeader(ctx.get(header)) : undefined;
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

function isTls(ctx: Context): boolean {
  return 'encrypted' in ctx.socket;
}

function readHeader(value: string): X509Certificate | undefined {
  if (value === '') return undefined;
  if (value.includes(',')) throw new errors.InvalidRequest('there is more than one client certificate');
  const certificate = certificateOfHeader(value);
  if (certificate === undefined) throw new errors.InvalidRequest('the client certificate cannot be read');
  return certificate;
}

/** Node.js writes one attribute a line, RFC 4514 with commas and the last one first; which is meant, the whole says. */
function sameName(subject: string, expected: string): boolean {
  const attributes = (text: string) => text.split(/\n|(?<!\\),\s*/).filter(Boolean);
  const actual = attributes(subject);
  const wanted = attributes(expected);
  return actual.join() === wanted.join() || actual.join() === wanted.reverse().join();
}
