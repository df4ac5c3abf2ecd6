import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { certificateOfHeader, createNetworks } from '@tallystick/common';
import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';

/** Client metadata (RFC 8705 section 2.1.2), and the prefix with which Node.js writes the alternative name to compare it with. */
const ALTERNATIVE_NAMES: Record<string, string> = {
  tls_client_auth_san_dns: 'DNS:',
  tls_client_auth_san_uri: 'URI:',
  tls_client_auth_san_ip: 'IP Address:',
  tls_client_auth_san_email: 'email:',
};

/**
 * Creates oidc-provider's `mTLS` feature (RFC 8705). The certificate comes from the TLS connection. On a plain connection it
 * comes from the header of a trusted proxy that terminated TLS; the proxy must set the header on every request and remove
 * one that a client sent. Without this rule a client could put any certificate into the header, without having its key.
 *
 * @throws {TypeError} a trusted proxy is neither an address nor a network
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
    // The address of the connection decides, not a header of the request.
    return trusted.contain(ctx.socket.remoteAddress ?? '') ? readHeader(ctx.get(header)) : undefined;
  };
  return {
    enabled,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: true,
    getCertificate,
    /** A trusted proxy has verified the certificate. On a TLS connection, one of the configured CAs must have issued it. */
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
  if (value.includes(',')) throw new errors.InvalidRequest('the request has more than one client certificate');
  const certificate = certificateOfHeader(value);
  if (certificate === undefined) throw new errors.InvalidRequest('the client certificate is malformed');
  return certificate;
}

/** Node.js writes one attribute per line; RFC 4514 separates them with commas and reverses their order. Accepts both orders. */
function sameName(subject: string, expected: string): boolean {
  const attributes = (text: string) => text.split(/\n|(?<!\\),\s*/).filter(Boolean);
  const actual = attributes(subject);
  const wanted = attributes(expected);
  return actual.join() === wanted.join() || actual.join() === wanted.reverse().join();
}
