/** Which keys there are. */
import { z } from 'zod';
import { fileSchema } from './file.js';

/** What a schema is about, without defaults and the like around it; of several ways of writing the one that is a mapping. */
function bare(schema: unknown): unknown {
  let inner = schema;
  for (;;) {
    if (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      inner = inner.unwrap();
    } else if (inner instanceof z.ZodPipe) {
      inner = inner.in;
    } else if (inner instanceof z.ZodUnion) {
      inner = inner.options.find((option) => option instanceof z.ZodObject);
    } else return inner;
  }
}

/** The keys that may stand in the mapping at `path`, or none when no mapping may stand there. */
export function keysAt(path: readonly (string | number)[]): string[] {
  let schema: unknown = fileSchema;
  for (const step of path) {
    schema = bare(schema);
    if (schema instanceof z.ZodArray) schema = schema.element;
    else if (schema instanceof z.ZodObject) schema = schema.shape[step];
    else return [];
  }
  const mapping = bare(schema);
  return mapping instanceof z.ZodObject ? Object.keys(mapping.shape) : [];
}
