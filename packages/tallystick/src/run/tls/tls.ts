import type { Config } from '../../config/schema.ts';
import type { CertificateAndKey } from './make_certificates.ts';
import type { Trust } from './trust.ts';

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

/**
 * What the configuration says about TLS, if it does. Loaded only then: most do without, and everything should start fast.
 *
 * @throws {ConfigError} a file cannot be read, or does not hold what it should
 */
export async function tlsOf(config: Config): Promise<Tls | undefined> {
  return config.tls && (await import('./open_tls.ts')).openTls(config);
}
