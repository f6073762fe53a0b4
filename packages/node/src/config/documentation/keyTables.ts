/** The tables of docs/configuration.md, made from the schema. */
import { reloadingOf } from '../reloadable.js';
import { annotatedSchema, type JsonSchema } from './jsonSchema.js';

const HEAD = '| key | type | default | change | meaning |\n| --- | --- | --- | --- | --- |';
const number = (value: number): string => value.toLocaleString('en');

/** The mapping that a schema is of, or a list of, or one way of writing of. */
function mappingOf(schema: JsonSchema): JsonSchema | undefined {
  if (schema.properties !== undefined) return schema;
  if (schema.items !== undefined) return mappingOf(schema.items);
  return schema.anyOf?.map(mappingOf).find((each) => each !== undefined);
}

/** The mapping at a path without positions; '' is the file. */
function mappingAt(path: string): JsonSchema | undefined {
  let mapping = mappingOf(annotatedSchema());
  for (const step of path === '' ? [] : path.split('.')) {
    const inner = mapping?.properties?.[step];
    mapping = inner && mappingOf(inner);
  }
  return mapping;
}

/** Every key that has keys of its own, by path; the file itself is ''. Such that one of their values is a number are no sections. */
export function sections(path = '', schema: JsonSchema = annotatedSchema()): string[] {
  const mapping = mappingOf(schema);
  if (mapping?.properties === undefined || schema['x-type'] !== undefined) return [];
  const inner = Object.entries(mapping.properties).flatMap(([key, each]) =>
    sections(path === '' ? key : `${path}.${key}`, each),
  );
  return [path, ...inner];
}

function typeOf(schema: JsonSchema): string {
  const { enum: words, minimum, maximum, minItems, maxItems, items } = schema;
  const written = schema['x-type'];
  if (written !== undefined) return written;
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(', ');
  if (minimum !== undefined && maximum !== undefined) return `${number(minimum)} to ${number(maximum)}`;
  if (items !== undefined) {
    const what = mappingOf(items) === undefined ? 'texts' : 'mappings';
    return `list of ${number(minItems ?? 0)} to ${number(maxItems ?? Infinity)} ${what}`;
  }
  if (schema.type === 'object') return 'mapping';
  return schema.type === 'boolean' ? '`true`, `false`' : 'text';
}

function defaultOf(schema: JsonSchema, isRequired: boolean): string {
  if (isRequired) return 'required';
  if (schema['x-absent'] !== undefined) return schema['x-absent'];
  const value = schema.default;
  if (value === undefined || schema.type === 'object') return '';
  return Array.isArray(value) ? `\`[${value.join(', ')}]\`` : `\`${String(value)}\``;
}

/** Whether what is below a key can be changed by a reload, or only some of it. */
function changeOf(path: string, schema: JsonSchema): string {
  const inner = mappingOf(schema)?.properties;
  const own = reloadingOf(path);
  if (inner === undefined || schema['x-type'] !== undefined) return own;
  const below = Object.entries(inner).map(([key, each]) => changeOf(`${path}.${key}`, each));
  return below.every((each) => each === own) ? own : 'see there';
}

/** The table of the keys of one section. Throws when there is none at `path`. */
export function keyTable(path: string): string {
  const mapping = mappingAt(path);
  if (mapping?.properties === undefined) throw new RangeError(`the configuration has no section ${path}`);
  const rows = Object.entries(mapping.properties).map(([key, schema]) => {
    const place = path === '' ? key : `${path}.${key}`;
    const cells = [
      `\`${key}\``,
      typeOf(schema),
      defaultOf(schema, mapping.required?.includes(key) === true),
      changeOf(place, schema),
      schema.description ?? '',
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [HEAD, ...rows].join('\n');
}

const MARKED = /<!-- keys: ?([\w.]*) -->\n.*?<!-- end of keys -->/gs;

/** The sections whose tables a text has. */
export const markedSections = (text: string): string[] => [...text.matchAll(MARKED)].map(([, path]) => path);

/** A text with the tables between its markers made anew. */
export function withKeyTables(text: string): string {
  return text.replaceAll(MARKED, (_, path: string) => {
    const name = path === '' ? '' : ` ${path}`;
    return `<!-- keys:${name} -->\n\n${keyTable(path)}\n\n<!-- end of keys -->`;
  });
}
