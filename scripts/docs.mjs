// Writes what is made from code: docs/ringmaster.schema.json and the tables of docs/configuration.md from the schema of the
// configuration, docs/openapi.json from the control API. Needs a build.
import { readFileSync, writeFileSync } from 'node:fs';
import { configurationSchemaText, openApiText, withKeyTables } from '../packages/node/dist/index.js';

const docs = new URL('../docs/', import.meta.url);
const page = new URL('configuration.md', docs);
writeFileSync(new URL('ringmaster.schema.json', docs), configurationSchemaText());
writeFileSync(new URL('openapi.json', docs), openApiText());
writeFileSync(page, withKeyTables(readFileSync(page, 'utf8')));
