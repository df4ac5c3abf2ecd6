import { readFileSync } from 'node:fs';
import * as tls from 'node:tls';
import { Agent, fetch as undiciFetch } from 'undici';
import type { CertificateAndKey } from './make_certificates.ts';

/** Certificates of the servers of this process, and the CAs that their clients and this process trust. */
export interface Tls {
  /** Absent if the servers listen on plain HTTP and only CAs are configured. */
  readonly server?: CertificateAndKey & {
    /** SHA-256 of the certificate, as browsers and `openssl x509 -fingerprint` write it. */
    readonly fingerprint: string;
  };
  /** CA that clients of these servers have to trust, as PEM. Absent if it is a public one. */
  readonly ca?: string | undefined;
  /** The file that holds `ca`. */
  readonly caFile?: string | undefined;
  /** CAs of client certificates, as PEM. */
  readonly clientCas: readonly string[];
  readonly trust: Trust;
}

/** The CAs that this process trusts when it calls other servers. */
export interface Trust {
  readonly fetch: typeof globalThis.fetch;
  /** For calls that do not use `fetch`. */
  readonly secureContext: tls.SecureContext;
  /** All trusted CAs, as PEM. */
  readonly cas: readonly string[];
}

/**
 * Trusts CAs in addition to the default ones of Node.js. It uses the `fetch` of undici, because that of Node.js 20 cannot be given
 * CAs.
 *
 * @param cas additional CAs, as PEM
 */
export function createTrust(cas: readonly string[]): Trust {
  const trusted = [...defaultCas(), ...cas];
  const secureContext = tls.createSecureContext({ ca: trusted, minVersion: 'TLSv1.2' });
  const dispatcher = new Agent({ connect: { secureContext } });
  const trusting = undiciFetch as unknown as (url: unknown, init: object) => Promise<Response>;
  return {
    secureContext,
    cas: trusted,
    // A caller that passes a dispatcher has its own rules for addresses and certificates.
    fetch: (url, init) =>
      init !== undefined && 'dispatcher' in init ? globalThis.fetch(url, init) : trusting(url, { ...init, dispatcher }),
  };
}

/** The CAs that Node.js trusts by default, including NODE_EXTRA_CA_CERTS. Node.js before 22.15 does not list them. */
function defaultCas(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] };
  if (getCACertificates) return getCACertificates('default');
  return [...tls.rootCertificates, ...extraCas(process.env.NODE_EXTRA_CA_CERTS)];
}

function extraCas(file: string | undefined): string[] {
  try {
    return file === undefined ? [] : [readFileSync(file, 'utf8')];
  } catch {
    return []; // Node.js ignores an unreadable file too, with a warning.
  }
}
