import { z } from 'zod';
import { fileSchema } from '../schema/file.js';

/** The part of JSON Schema that the configuration's has. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
  readonly description?: string;
  /** What may be written, where the keywords say it badly; for the documentation only. */
  readonly 'x-type'?: string;
  /** What counts when the key is absent, where that is no value; for the documentation only. */
  readonly 'x-absent'?: string;
}

/** Of what is written, defaults not filled in, with what only the documentation wants. */
export function annotatedSchema(): JsonSchema {
  return z.toJSONSchema(fileSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}

const isDocumentation = (key: string): boolean => key.startsWith('x-');

/** Without what only the documentation wants; and a section with nothing in it counts as left out. */
function published(schema: JsonSchema, mayBeEmpty = false): JsonSchema {
  const entries = Object.entries(schema).filter(([key]) => !isDocumentation(key));
  const { properties, items, anyOf, required = [] } = schema;
  return {
    ...(Object.fromEntries(entries) as JsonSchema),
    ...(schema.type === 'object' && mayBeEmpty && { type: ['object', 'null'] }),
    ...(items && { items: published(items) }),
    ...(anyOf && { anyOf: anyOf.map((each) => published(each)) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, each]) => [key, published(each, !required.includes(key))]),
      ),
    }),
  };
}

const TITLE = 'Configuration of a Ringmaster node';

/**
 * The JSON Schema (2020-12) of a configuration file, for editors. It knows the shape of each key; `ringmaster check` knows as
 * well which keys go together.
 */
export function configurationSchema(): object {
  const { $schema, ...rest } = published(annotatedSchema()) as { $schema?: string };
  return { $schema, title: TITLE, ...rest };
}

/** The same as text, as it is written to files. */
export const configurationSchemaText = (): string => `${JSON.stringify(configurationSchema(), null, 2)}\n`;
