import { readFile } from 'node:fs/promises';

/** Whether a text is PEM (RFC 7468 section 2). */
export function isPem(text: string): boolean {
  return text.includes('-----BEGIN ');
}

/**
 * Reads a key or a certificate that is configured as PEM or as the path of a PEM file.
 *
 * @returns the text; the content of a file is not checked
 * @throws {Error} the file cannot be read
 */
export async function readPem(given: string): Promise<string> {
  return isPem(given) ? given : readFile(given, 'utf8');
}
