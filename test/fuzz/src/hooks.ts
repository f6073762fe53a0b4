/** Module hooks (node:module `register`): our own built modules get istanbul's counters as they are loaded. */
import type { LoadHook } from 'node:module';
import { createInstrumenter } from 'istanbul-lib-instrument';

/** The packages, and the targets with planted bugs. Everything else, targets included, is loaded as it is. */
const INSTRUMENTED = /\/packages\/[^/]+\/dist\/|\/fuzz\/dist\/targets\/planted/;

const instrumenter = createInstrumenter({ esModules: true, compact: true, produceSourceMap: false });

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  if (loaded.format !== 'module' || !INSTRUMENTED.test(url) || loaded.source === undefined) return loaded;
  const source = new TextDecoder().decode(Buffer.from(loaded.source as Uint8Array));
  return { ...loaded, source: instrumenter.instrumentSync(source, url) };
};
