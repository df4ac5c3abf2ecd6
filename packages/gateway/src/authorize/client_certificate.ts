import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { certificateOfConnection, certificateOfHeader } from '@tallystick/resource-server';
import type { IsTrustedProxy } from '../http/trusted_proxies.ts';

/** The certificate of the client that sent a request, if it showed one. */
export type CertificateOf = (request: IncomingMessage) => X509Certificate | undefined;

/**
 * A certificate comes from the TLS connection. Behind a trusted proxy, which ended the client's connection, it comes from a header:
 * what the proxy shows of itself is not the client's.
 *
 * @param header in lower case
 */
export function createCertificateOf(header: string, isTrustedProxy: IsTrustedProxy): CertificateOf {
  return (request) => {
    if (!isTrustedProxy(request)) return certificateOfConnection(request.socket);
    const value = request.headers[header]?.toString();
    return value === undefined ? undefined : certificateOfHeader(value);
  };
}
