/** Whether this kernel, for this process, can do what a node asks of it: found out by asking. */
import { acceptNone, canEndTcpConnections, listTcpListeners, PacketRing } from 'libnetraw';
import { errorCode } from './problem.js';

/** What a node needs of a kernel beside plain sockets. */
export type KernelFeature = 'packet-ring' | 'packet-fanout' | 'sock-diag' | 'sock-destroy';

export interface FeatureTrial {
  readonly feature: KernelFeature;
  /** Absent: it works. Otherwise an errno name such as `EPERM`, or a message. */
  readonly failure?: string;
}

const RING = { slots: 1, slotBytes: 2048 } as const;

function openRing(interfaceName: string, withFanout: boolean): void {
  const fanout = withFanout ? { fanout: { by: 'hash' } as const } : {};
  PacketRing.open({ interface: interfaceName, filter: acceptNone(), ...RING, ...fanout }).close();
}

/** Tries each feature for a moment and puts everything back. Never throws. */
export function tryKernel(interfaceName: string): FeatureTrial[] {
  const trials: Readonly<Record<KernelFeature, () => void>> = {
    'packet-ring': () => openRing(interfaceName, false),
    'packet-fanout': () => openRing(interfaceName, true),
    'sock-diag': () => void listTcpListeners([]),
    'sock-destroy': () => {
      if (!canEndTcpConnections()) throw Object.assign(new Error('not supported'), { code: 'EOPNOTSUPP' });
    },
  };
  return (Object.keys(trials) as KernelFeature[]).map((feature) => {
    try {
      trials[feature]();
      return { feature };
    } catch (error) {
      return { feature, failure: errorCode(error) ?? String(error) };
    }
  });
}
