import { readFile } from 'node:fs/promises';

/** Whether a text is PEM (RFC 7468 section 2). */
export function isPem(text: string): boolean {
  return text.includes('-----BEGIN ');
}

/**
 * Reads a key or a certificate that is configured as PEM, or as the name of the file that holds it.
 *
 * @returns the text as it is, whatever the file holds
 * @throws {Error} the file cannot be read
 */
export async function readPem(given: string): Promise<string> {
  return isPem(given) ? given : readFile(given, 'utf8');
}
