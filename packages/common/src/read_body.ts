/**
 * Reads the body of a request or a response, up to a limit.
 *
 * @returns undefined if the body is longer than `maximumBytes`; the rest is not read
 * @throws errors of the connection
 */
export async function readBody(
  body: AsyncIterable<Uint8Array> | null,
  maximumBytes: number,
): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (bytes > maximumBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
