import { loadKeys } from './key.js';
import { loadConfig } from './load.js';
import type { ConfigProblem } from './problem.js';
import type { NodeConfig } from './types.js';
import { unsupportedProblems } from './unsupported.js';

/** A configuration that a node can run, with its keys, and what should be mended all the same; or every problem. */
export type Examined =
  | {
      readonly ok: true;
      readonly config: NodeConfig;
      readonly keys: readonly Uint8Array[];
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Whether the configuration at `file` is right, this version can run it, and its keys are there. */
export function examineConfig(file: string): Examined {
  const loaded = loadConfig(file);
  if (!loaded.ok) return loaded;
  const config = loaded.value;
  const keys = loadKeys(config.ring.keyFiles);
  const problems = [...unsupportedProblems(config), ...(keys.ok ? [] : keys.problems)];
  if (problems.length > 0 || !keys.ok) return { ok: false, problems };
  return { ok: true, config, ...keys.value };
}
