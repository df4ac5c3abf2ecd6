import { readFileSync } from 'node:fs';
import * as tls from 'node:tls';
import { Agent, fetch as undiciFetch } from 'undici';

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
