import { ResourceServerError } from '@tallystick/resource-server';
import { UpstreamFailedError, type UpstreamFailure, UpstreamTimeoutError } from '../http/errors.ts';

/** By the `code` of the error of Node.js. */
const failures: Readonly<Record<string, UpstreamFailure>> = {
  ENOTFOUND: 'name_unknown',
  EAI_AGAIN: 'name_unknown',
  EAI_FAIL: 'name_unknown',
  EAI_NODATA: 'name_unknown',
  EAI_NONAME: 'name_unknown',
  ECONNREFUSED: 'connection_refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'out_of_sockets',
  EMFILE: 'out_of_sockets',
  ENFILE: 'out_of_sockets',
  ENOBUFS: 'out_of_sockets',
  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  ECONNABORTED: 'connection_reset',
  EPROTO: 'tls_failed',
  HPE_HEADER_OVERFLOW: 'head_too_large',
};

/** Codes of OpenSSL for a certificate that it does not trust, and of Node.js for a certificate with another name. */
const certificateCode = /CERT|^UNABLE_TO_|^INVALID_(?:CA|PURPOSE)$|^HOSTNAME_MISMATCH$|^CRL_/;

/** Maps an error of the upstream connection to the error for the client and the log. */
export function upstreamFailure(error: Error): ResourceServerError {
  if (error instanceof ResourceServerError) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ETIMEDOUT') return new UpstreamTimeoutError('connect_timeout', { cause: error });
  return new UpstreamFailedError(failureOf(code, error.message), { cause: error });
}

function failureOf(code: string, message: string): UpstreamFailure {
  // Node.js uses ECONNRESET for a TLS handshake that the upstream closes.
  if (code.startsWith('ERR_SSL_') || message.includes('before secure TLS connection')) return 'tls_failed';
  if (certificateCode.test(code)) return 'certificate_untrusted';
  return failures[code] ?? (code.startsWith('HPE_') ? 'malformed_response' : 'connection_failed');
}
