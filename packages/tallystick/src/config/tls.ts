import { isIP } from 'node:net';
import { isPem, readPattern } from '@tallystick/common';
import type { Refuse } from '@tallystick/common/config';
import { z } from 'zod';

const pem = z.string().min(1);
const hostName = z
  .string()
  .refine(
    (host) =>
      isIP(host) !== 0 ||
      (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(host) &&
        readPattern(host) !== undefined),
    {
      error: 'expected a host name or an IP address',
    },
  );

export const tls = z.strictObject({
  certificate: pem
    .optional()
    .describe('Certificate of all servers, followed by those of intermediate CAs: PEM, or the file that holds it.'),
  key: pem.optional().describe('Private key of the certificate: PEM, or the file that holds it.'),
  selfMade: z
    .boolean()
    .default(false)
    .describe('Generates and keeps a CA, and a certificate for this machine and the host names in the configuration.'),
  directory: z.string().min(1).default('.tallystick').describe('Directory of the generated certificates.'),
  hosts: z.array(hostName).default([]).describe('More names and addresses for the generated certificate.'),
  ca: pem
    .optional()
    .describe(
      'CAs that the roles trust in addition to the default ones when they call each other: PEM, or the file that holds them.',
    ),
  clientCa: pem
    .optional()
    .describe('CAs of client certificates for `tls_client_auth` (RFC 8705): PEM, or the file that holds them.'),
});

type TlsConfig = z.output<typeof tls>;

/** Whether the servers listen on HTTPS. */
export function listensWithTls({ tls: given }: { readonly tls?: TlsConfig | undefined }): boolean {
  return given !== undefined && (given.selfMade || given.certificate !== undefined);
}

interface Checked {
  readonly issuer: string;
  readonly tls?: TlsConfig | undefined;
  readonly features: { readonly mutualTls: boolean };
  readonly clients: readonly { readonly metadata?: { readonly [name: string]: unknown } | undefined }[];
}

export function checkTls(config: Checked, refuse: Refuse): void {
  const { tls: given, issuer } = config;
  if (given === undefined) return;
  const { certificate, key, selfMade, clientCa } = given;
  if (certificate !== undefined && key === undefined)
    refuse(['tls', 'key'], 'expected the key of the certificate', key);
  if (certificate === undefined && key !== undefined)
    refuse(['tls', 'certificate'], 'expected the certificate of the key', certificate);
  if (certificate !== undefined && selfMade)
    refuse(['tls', 'selfMade'], 'expected false, because a certificate is given', selfMade);
  if (!listensWithTls(config)) {
    if (clientCa !== undefined)
      refuse(['tls', 'clientCa'], 'expected this only with a certificate or selfMade', kindOf(clientCa));
    return;
  }
  if (!issuer.startsWith('https:'))
    refuse(['issuer'], 'expected https, because `tls` makes the servers listen on HTTPS', issuer);
  const usesPki = config.clients.some(({ metadata }) => metadata?.token_endpoint_auth_method === 'tls_client_auth');
  if (config.features.mutualTls && usesPki && clientCa === undefined) {
    refuse(['tls', 'clientCa'], 'expected the CAs of the clients that use tls_client_auth', clientCa);
  }
}

/** Shows the name of a file, and hides PEM, which may be a misplaced private key. */
function kindOf(given: string): string {
  return isPem(given) ? 'PEM' : given;
}
