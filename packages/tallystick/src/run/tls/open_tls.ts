import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isPem, readPem } from '@tallystick/common';
import { ConfigError } from '../../config/config_error.ts';
import type { Config } from '../../config/schema.ts';
import { createTrust, type Tls } from './trust.ts';

/**
 * Reads, or makes, what the configuration says about TLS.
 *
 * @throws {ConfigError} a file cannot be read, or does not hold what it should
 */
export async function openTls(config: Config): Promise<Tls> {
  const { tls } = config;
  if (tls === undefined) throw new TypeError('the configuration has no tls');
  const { certificate, key, ca, clientCa } = await readGiven(tls);
  const clientCas = clientCa === undefined ? [] : [clientCa];
  const given = ca === undefined ? [] : [ca];
  if (tls.selfMade) {
    const { selfMadeCertificate } = await import('./self_made.ts');
    const made = await selfMadeCertificate(tls.directory, hostsOf(config)).catch((error: Error) => {
      throw wrong(
        'directory',
        `expected a directory that can be written; found ${JSON.stringify(tls.directory)} (${error.message})`,
      );
    });
    const server = { cert: made.cert, key: made.key, fingerprint: new X509Certificate(made.cert).fingerprint256 };
    return { server, ca: made.ca, caFile: made.caFile, clientCas, trust: createTrust([...given, made.ca]) };
  }
  if (certificate === undefined || key === undefined) return { clientCas, trust: createTrust(given) };
  const own = new X509Certificate(certificate);
  // Nothing else than itself can vouch for a self-signed certificate, and the roles must trust one another.
  const isSelfSigned = own.checkIssued(own);
  const ofClients = isSelfSigned ? certificate : ca;
  const caFile = fileOf(isSelfSigned ? tls.certificate : tls.ca);
  return {
    server: { cert: certificate, key, fingerprint: own.fingerprint256 },
    ...(ofClients !== undefined && { ca: ofClients }),
    ...(caFile !== undefined && { caFile }),
    clientCas,
    trust: createTrust(isSelfSigned ? [...given, certificate] : given),
  };
}

/** @throws {ConfigError} */
export async function checkTlsFiles({ tls }: Config): Promise<void> {
  if (tls !== undefined) await readGiven(tls);
}

async function readGiven(tls: NonNullable<Config['tls']>) {
  const [certificate, key, ca, clientCa] = await Promise.all([
    readGivenPem(tls, 'certificate'),
    readGivenPem(tls, 'key'),
    readGivenPem(tls, 'ca'),
    readGivenPem(tls, 'clientCa'),
  ]);
  for (const [name, text] of Object.entries({ certificate, ca, clientCa })) {
    if (text !== undefined && !isCertificate(text)) {
      throw wrong(name, `expected a certificate in PEM; found ${kindOf(tls[name as keyof Given])}`);
    }
  }
  if (certificate !== undefined && key !== undefined && !isKeyOf(key, new X509Certificate(certificate))) {
    const expected = 'expected the private key of `tls.certificate`, in PEM, without a passphrase';
    throw wrong('key', `${expected}; found ${kindOf(tls.key)}`);
  }
  return { certificate, key, ca, clientCa };
}

type Given = Pick<NonNullable<Config['tls']>, 'certificate' | 'key' | 'ca' | 'clientCa'>;

async function readGivenPem(tls: Given, name: keyof Given): Promise<string | undefined> {
  const given = tls[name];
  try {
    return given === undefined ? undefined : await readPem(given);
  } catch {
    throw wrong(name, `expected PEM, or a file that can be read; found ${kindOf(given)}`);
  }
}

/** @returns undefined for what is PEM itself */
function fileOf(given: string | undefined): string | undefined {
  return given !== undefined && isPem(given) ? undefined : given;
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

/** The name of a file, or that it was PEM: what that says may be a key. */
function kindOf(given: string | undefined): string {
  const file = fileOf(given);
  return file === undefined ? 'other PEM' : JSON.stringify(file);
}

function wrong(name: string, what: string): ConfigError {
  return new ConfigError('the configuration', [`tls.${name}: ${what}`]);
}

/** Every name under which the configuration has the servers called, and those of this machine. */
function hostsOf({ tls, host, issuer, authorizationServer, gateway, sampleApi }: Config): string[] {
  const urls = [issuer, authorizationServer.backChannelUrl, gateway.publicUrl, sampleApi.url];
  const named = urls.flatMap((url) => (url === undefined ? [] : new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')));
  const local = ['localhost', '127.0.0.1', '::1'];
  const listening = host === '0.0.0.0' || host === '::' ? [] : [host];
  return [...new Set([...local, ...listening, ...named, ...(tls?.hosts ?? [])].map((name) => name.toLowerCase()))];
}
