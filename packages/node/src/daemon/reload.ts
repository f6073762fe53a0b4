/** Changing the configuration of a running node: the whole of it, or nothing. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  configChanges,
  examineBeside,
  formatProblem,
  reloadingOfChange,
  type ConfigChange,
  type Examined,
  type NodeConfig,
} from '../config/index.js';
import type { ReloadAnswer, ReloadRequest } from '../control/status.js';
import { obstacleToClusters } from '../dataplane/index.js';
import type { EventLog } from '../events/eventLog.js';
import type { Logger } from '../logging.js';
import { OwnServices } from '../services.js';
import type { ClusterKeys } from './clusterKeys.js';
import { fingerprintOf } from './clusterKeys.js';
import { dispatchClusters } from './describe.js';
import { OneByOne } from './oneByOne.js';

/** Readies the host for a configuration; see `PreparedHost.change`. */
export type ChangeHost = (
  config: NodeConfig,
) => Promise<
  | { readonly ok: true; readonly finish: () => readonly string[] }
  | { readonly ok: false; readonly message: string }
>;

export interface ReloadParts {
  /** What is in force, and from now on too. */
  readonly live: LiveConfig;
  readonly keys: Pick<ClusterKeys, 'current' | 'replace'> | undefined;
  readonly changeHost: ChangeHost;
  /** Tells every part of the node; must not fail. Called in one turn. */
  readonly apply: (config: NodeConfig) => void;
  /** Told of the begin and the end of each. */
  readonly onReload: (isUnderWay: boolean) => void;
  readonly events: Pick<EventLog, 'add'>;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Default: the file of the configuration that is in force. */
  readonly examine?: (file: string) => Promise<Examined>;
}

/** The configuration that is in force. */
export class LiveConfig {
  /** What it has members compared with. */
  services: OwnServices;
  private config: NodeConfig;

  constructor(config: NodeConfig) {
    this.config = config;
    this.services = new OwnServices(config.clusters);
  }

  get current(): NodeConfig {
    return this.config;
  }

  set current(config: NodeConfig) {
    this.config = config;
    this.services = new OwnServices(config.clusters);
  }
}

/** Far more than people and programs ask for at a time. */
const MOST_WAITING = 16;

/** Reloads, one after the other. */
export class Reload {
  private readonly parts: ReloadParts;
  private readonly undone = new OneByOne(MOST_WAITING);
  private isClosed = false;

  constructor(parts: ReloadParts) {
    this.parts = parts;
  }

  /** Reads the file anew, and goes by it from then on; or says why not, having changed nothing. Rejects with a bug only. */
  request(request: ReloadRequest): Promise<ReloadAnswer> {
    if (this.undone.isFull) {
      return Promise.resolve(refusal('busy', `${MOST_WAITING} reloads are waiting already: try again`));
    }
    return this.undone.add(() => this.run(request));
  }

  close(): void {
    this.isClosed = true;
  }

  private async run({ dryRun }: ReloadRequest): Promise<ReloadAnswer> {
    const { onReload, events, logger } = this.parts;
    onReload(true);
    try {
      // Whoever is told that it has begun is to hear so before anything that takes time.
      await nextTurn();
      const answer = await this.reload(dryRun);
      if (answer.ok && answer.document.outcome === 'applied') {
        const paths = answer.document.changes.map(({ path }) => path).join(', ');
        logger.info('configuration reloaded', { changes: paths });
        events.add('reload', `the configuration was reloaded: ${paths}`, { ok: true, changes: paths });
      }
      if (!answer.ok && !dryRun) {
        logger.warn('configuration not reloaded: nothing was changed', { why: answer.message });
        events.add('reload', `the configuration was not reloaded: ${answer.message}`, { ok: false });
      }
      return answer;
    } finally {
      onReload(false);
    }
  }

  private async reload(dryRun: boolean): Promise<ReloadAnswer> {
    const { live, keys: clusterKeys, examine = examineBeside, apply, changeHost } = this.parts;
    const before = live.current;
    const examined = await examine(before.file);
    if (!examined.ok) {
      const lines = examined.problems.map((problem) => formatProblem(before.file, problem));
      return refusal('invalid', lines.join('\n'));
    }
    const { config, keys, warnings } = examined;
    const changes = [...configChanges(before, config), ...this.keyChanges(config, keys)];
    const obstacle = obstacleTo(changes, before, config);
    if (obstacle !== undefined) return { ...refusal('restart-needed', obstacle), changes };
    const answer = (outcome: 'applied' | 'unchanged' | 'checked'): ReloadAnswer => ({
      ok: true,
      document: { outcome, changes, warnings },
    });
    if (changes.length === 0) return answer('unchanged');
    if (dryRun) return answer('checked');
    const host = await changeHost(config);
    if (!host.ok) return { ...refusal('refused', host.message), changes };
    if (this.isClosed) return refusal('refused', 'the node is being stopped');
    live.current = config;
    clusterKeys?.replace(keys);
    apply(config);
    for (const warning of [...host.finish(), ...warnings]) this.parts.logger.warn(warning);
    return answer('applied');
  }

  /** Keys are told by file and fingerprint: a file may have another one than it had. */
  private keyChanges(config: NodeConfig, keys: readonly Uint8Array[]): ConfigChange[] {
    const { live, keys: clusterKeys } = this.parts;
    if (clusterKeys === undefined) return [];
    const [from, to] = [
      shownKeys(live.current.ring.keyFiles, clusterKeys.current),
      shownKeys(config.ring.keyFiles, keys),
    ];
    return from.join() === to.join() ? [] : [{ path: 'ring.keys', from, to }];
  }
}

const shownKeys = (files: readonly string[], keys: readonly Uint8Array[]): string[] =>
  keys.map((key, i) => `${files[i]} (${fingerprintOf(key)})`);

function refusal(
  code: 'invalid' | 'restart-needed' | 'refused' | 'busy',
  message: string,
): ReloadAnswer & { ok: false } {
  return { ok: false, code, message, changes: [] };
}

/** Why this cannot be done while the node runs, as a message. */
function obstacleTo(
  changes: readonly ConfigChange[],
  before: NodeConfig,
  after: NodeConfig,
): string | undefined {
  const cure = 'restart the node, or take the change back; nothing was changed';
  const fixed = changes.filter((change) => reloadingOfChange(change) === 'restart').map(({ path }) => path);
  if (fixed.length > 0) return `${fixed.join(', ')}: cannot be changed while the node runs; ${cure}`;
  const why = obstacleToClusters(dispatchClusters(before), dispatchClusters(after), after.workers);
  return why === undefined
    ? undefined
    : `clusters: cannot be changed so while the node runs: ${why}; ${cure}`;
}
