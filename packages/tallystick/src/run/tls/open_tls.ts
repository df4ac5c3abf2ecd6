import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isPem, readPem } from '@tallystick/common';
import { ConfigError } from '../../config/config_error.ts';
import type { Config } from '../../config/schema.ts';
import { hostOf, listeningHost } from '../addresses.ts';
import type { CertificateAndKey } from './make_certificates.ts';
import { createTrust, type Trust } from './trust.ts';

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

type TlsConfig = NonNullable<Config['tls']>;
type Material = 'certificate' | 'key' | 'ca' | 'clientCa';
type MaterialText = Readonly<Record<Material, string | undefined>>;

/**
 * Reads the configured certificates and keys, or generates them.
 *
 * @throws {ConfigError} a file cannot be read, or does not contain what is expected
 */
export async function openTls(config: Config): Promise<Tls> {
  const { tls } = config;
  if (tls === undefined) throw new TypeError('the configuration has no tls');
  const text = await readMaterial(tls);
  if (tls.selfMade) return openGenerated(tls, serverNames(config), text);
  const { certificate, key, ca, clientCa } = text;
  const [cas, clientCas] = [asList(ca), asList(clientCa)];
  if (certificate === undefined || key === undefined) return { clientCas, trust: createTrust(cas) };
  const own = new X509Certificate(certificate);
  // A self-signed certificate is its own CA. The roles must trust it too, because they call each other.
  const isSelfSigned = own.checkIssued(own);
  return {
    server: { cert: certificate, key, fingerprint: own.fingerprint256 },
    ca: isSelfSigned ? certificate : ca,
    caFile: fileName(isSelfSigned ? tls.certificate : tls.ca),
    clientCas,
    trust: createTrust(isSelfSigned ? [...cas, certificate] : cas),
  };
}

async function openGenerated({ directory }: TlsConfig, hosts: string[], { ca, clientCa }: MaterialText): Promise<Tls> {
  const { readOrGenerateCertificate } = await import('./generated_certificate.ts');
  const generated = await readOrGenerateCertificate(directory, hosts).catch((error: Error) => {
    throw wrong('directory', `expected a writable directory; found ${JSON.stringify(directory)} (${error.message})`);
  });
  const { cert, key } = generated;
  return {
    server: { cert, key, fingerprint: new X509Certificate(cert).fingerprint256 },
    ca: generated.ca,
    caFile: generated.caFile,
    clientCas: asList(clientCa),
    trust: createTrust([...asList(ca), generated.ca]),
  };
}

/** Checks the configured files without generating a certificate. @throws {ConfigError} */
export async function checkTlsFiles({ tls }: Config): Promise<void> {
  if (tls !== undefined) await readMaterial(tls);
}

async function readMaterial(tls: TlsConfig): Promise<MaterialText> {
  const [certificate, key, ca, clientCa] = await Promise.all([
    readConfiguredPem(tls, 'certificate'),
    readConfiguredPem(tls, 'key'),
    readConfiguredPem(tls, 'ca'),
    readConfiguredPem(tls, 'clientCa'),
  ]);
  for (const [name, text] of Object.entries({ certificate, ca, clientCa })) {
    if (text !== undefined && !isCertificate(text)) {
      throw wrong(name, `expected a certificate in PEM; found ${describeSource(tls[name as Material])}`);
    }
  }
  if (certificate !== undefined && key !== undefined && !isKeyOf(key, new X509Certificate(certificate))) {
    const expected = 'expected the private key of `tls.certificate`, in PEM, without a passphrase';
    throw wrong('key', `${expected}; found ${describeSource(tls.key)}`);
  }
  return { certificate, key, ca, clientCa };
}

async function readConfiguredPem(tls: TlsConfig, name: Material): Promise<string | undefined> {
  const configured = tls[name];
  try {
    return configured === undefined ? undefined : await readPem(configured);
  } catch {
    throw wrong(name, `expected PEM, or a file that can be read; found ${describeSource(configured)}`);
  }
}

function asList(text: string | undefined): string[] {
  return text === undefined ? [] : [text];
}

/** @returns undefined for a value that is PEM itself */
function fileName(configured: string | undefined): string | undefined {
  return configured !== undefined && isPem(configured) ? undefined : configured;
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0;
  } catch {
    return false;
  }
}

function isKeyOf(key: string, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** Names the file, but does not quote PEM: it may be a key. */
function describeSource(configured: string | undefined): string {
  const file = fileName(configured);
  return file === undefined ? 'other PEM' : JSON.stringify(file);
}

function wrong(name: string, problem: string): ConfigError {
  return new ConfigError('the configuration', [`tls.${name}: ${problem}`]);
}

/** The names of all servers in the configuration, and those of this machine. */
function serverNames(config: Config): string[] {
  const { tls, host, issuer, authorizationServer, gateway, sampleApi } = config;
  const urls = [issuer, authorizationServer.backChannelUrl, gateway.publicUrl, sampleApi.url];
  const named = urls.flatMap(hostOf).map((name) => name.replace(/^\[(.*)\]$/, '$1'));
  const names = ['localhost', '127.0.0.1', '::1', ...listeningHost(host), ...named, ...(tls?.hosts ?? [])];
  return [...new Set(names.map((name) => name.toLowerCase()))];
}
