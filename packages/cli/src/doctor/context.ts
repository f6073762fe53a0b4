import type { LanContext } from './lan.js';
import type { AddressConflict, HostNetwork, NodeConfig, UsableLink } from '@ringmaster/node';

/** What the checks need; tests bring their own. */
export interface NetworkContext {
  readonly network: HostNetwork;
  readonly config: NodeConfig;
  /** Whether the node of this configuration runs at the moment. */
  readonly running: boolean;
  /** Whether a kernel setting may be changed by this process. */
  readonly mayWriteSysctl: (path: string) => boolean;
  /** Asks the LAN for other owners of the addresses. */
  readonly probe: (link: UsableLink, addresses: readonly string[]) => Promise<AddressConflict | undefined>;
  /** How to look at the LAN beyond that; absent: it is left alone. */
  readonly lan?: Omit<LanContext, 'network' | 'config'>;
}
