// Writes what is made from the schema of the configuration: docs/ringmaster.schema.json and the tables of
// docs/configuration.md. Needs a build.
import { readFileSync, writeFileSync } from 'node:fs';
import { configurationSchemaText, withKeyTables } from '../packages/node/dist/index.js';

const docs = new URL('../docs/', import.meta.url);
const page = new URL('configuration.md', docs);
writeFileSync(new URL('ringmaster.schema.json', docs), configurationSchemaText());
writeFileSync(page, withKeyTables(readFileSync(page, 'utf8')));
