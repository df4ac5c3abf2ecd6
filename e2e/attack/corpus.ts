import { chunks } from './chunks.ts';
import { codings } from './codings.ts';
import { connections } from './connections.ts';
import { credentials } from './credentials.ts';
import { heads } from './heads.ts';
import { identities } from './identities.ts';
import { lengths } from './lengths.ts';
import type { RawCase } from './raw_case.ts';
import { targets } from './targets.ts';

/** Malformed and ambiguous requests as bytes, grouped by the attacked part. */
export const corpus: Readonly<Record<string, readonly RawCase[]>> = {
  'the length': lengths,
  'the transfer coding': codings,
  'the chunks': chunks,
  'the head': heads,
  'the target': targets,
  'the credentials': credentials,
  'the identity': identities,
  'the connection': connections,
};
