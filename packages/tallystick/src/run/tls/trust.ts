import { readFileSync } from 'node:fs';
import * as tls from 'node:tls';
import { Agent, fetch as undiciFetch } from 'undici';
import type { CertificateAndKey } from './make_certificates.ts';

/** How the servers of this process speak TLS, and whom its clients trust. */
export interface Tls {
  /** Absent where the servers listen on plain HTTP, and only the trust is configured. */
  readonly server?: CertificateAndKey & {
    /** SHA-256 of the certificate, as browsers and `openssl x509 -fingerprint` write it. */
    readonly fingerprint: string;
  };
  /** What clients of these servers have to trust, as PEM, unless they do already. */
  readonly ca?: string;
  /** The file that holds it. */
  readonly caFile?: string;
  /** CAs whose certificates clients may authenticate with, as PEM. */
  readonly clientCas: readonly string[];
  readonly trust: Trust;
}

/** Whom the calls of one role to another trust. */
export interface Trust {
  readonly fetch: typeof globalThis.fetch;
  /** For what does not go through `fetch`. */
  readonly secureContext: tls.SecureContext;
  /** All CAs that are trusted, PEM. */
  readonly cas: readonly string[];
}

/**
 * Trusts CAs of our own beside the usual ones. Node.js 20 cannot be told so for its own `fetch`, so undici's is used, of which
 * that one is a copy.
 *
 * @param cas PEM
 */
export function createTrust(cas: readonly string[]): Trust {
  const trusted = [...usualCas(), ...cas];
  const secureContext = tls.createSecureContext({ ca: trusted, minVersion: 'TLSv1.2' });
  const dispatcher = new Agent({ connect: { secureContext } });
  const trusting = undiciFetch as unknown as (url: unknown, init: object) => Promise<Response>;
  return {
    secureContext,
    cas: trusted,
    // Who brings a dispatcher has decided where the call may go, and by whose certificates.
    fetch: (url, init) =>
      init !== undefined && 'dispatcher' in init ? globalThis.fetch(url, init) : trusting(url, { ...init, dispatcher }),
  };
}

/** What Node.js trusts by default, with NODE_EXTRA_CA_CERTS, before Node.js 22.15 could say so. */
function usualCas(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] };
  if (getCACertificates) return getCACertificates('default');
  return [...tls.rootCertificates, ...extraCas(process.env.NODE_EXTRA_CA_CERTS)];
}

function extraCas(file: string | undefined): string[] {
  try {
    return file === undefined ? [] : [readFileSync(file, 'utf8')];
  } catch {
    return []; // Node.js does without it too, and has warned of that.
  }
}
