import { createRing, isDispatching } from '@ringmaster/ring';
import type { RingEvent } from '@ringmaster/transport';
import { RingDriver } from '@ringmaster/transport';
import type { NodeConfig } from '../config/index.js';
import type { ReloadAnswer } from '../control/status.js';
import { monotonicMs, type ServerInfo } from '../dataplane/index.js';
import { EventLog, type NodeEvent } from '../events/eventLog.js';
import { tellRingNews } from '../events/ringNews.js';
import type { HealthMonitor } from '../health/healthMonitor.js';
import { kernelNetwork } from '../host/index.js';
import type { Rebuild } from '../inventory/rebuild.js';
import type { Logger } from '../logging.js';
import { Balancing, balancingRules } from './balancing.js';
import { Broadcasting } from './broadcasting.js';
import { describeSelf, isBroadcast, ringConfig } from './describe.js';
import { Dispatching } from './dispatching.js';
import { FixedServers } from './fixedServers.js';
import { isNewcomer, MemberNames } from './hosts.js';
import { Operation } from './operation.js';
import { raisePriority } from './priority.js';
import { makeRebuild } from './mapRebuild.js';
import { openControl } from './openControl.js';
import { openReload } from './openReload.js';
import { LiveConfig } from './reload.js';
import { watchServices } from './serviceHealth.js';
import { openShells, type Shells } from './shells.js';
import { Unwinding } from './unwinding.js';

export interface RunningNode {
  /** Reads the configuration anew, as `POST /reload` does. */
  reload(): Promise<ReloadAnswer>;
  /**
   * Leaves the ring, handing over first, and puts the host back as it was. Takes well under a second.
   * @param asked its operator wishes it; else a part of it has failed, and a drain goes on when it is started again
   */
  stop(asked: boolean): Promise<void>;
}

export interface NodeDependencies {
  readonly logger: Logger;
  /** A part of the node has failed for good: the process should stop the node and end. */
  readonly onFatal: (message: string) => void;
  /** Told of each event, as `GET /events` tells it. */
  readonly onEvent?: (event: NodeEvent) => void;
  /** Told when a reload begins and when it ends, whoever has asked for it. */
  readonly onReload?: (isUnderWay: boolean) => void;
}

/**
 * Starts a node: the one place where ring, dispatch and the host come together. Rejects with a {@link StartProblem}, the
 * host being as it was before.
 */
export async function runNode(config: NodeConfig, dependencies: NodeDependencies): Promise<RunningNode> {
  const { logger } = dependencies;
  const unwinding = new Unwinding();
  const report = (message: string): unknown => logger.warn(message);
  try {
    const shells = await openShells({ config, unwinding, ...dependencies });
    raisePriority(logger);
    const live = new LiveConfig(config);
    const deciding = assemble(live, shells, unwinding, logger);
    const { driver, operation, health, fixedServers, balancing, events } = deciding;
    if (dependencies.onEvent !== undefined) events.subscribe(dependencies.onEvent);
    const reload = openReload(live, shells, deciding, dependencies);
    await openControl(live, shells, { ...deciding, reload }, { unwinding, logger });
    operation.drain.resume();
    if (health.isEmpty) driver.start();
    health.start();
    operation.start();
    fixedServers.start();
    balancing.start();
    const { address, name } = shells.host;
    const { transport, port } = config.ring;
    logger.info('node started', { address, interface: name, transport, port });
    events.add('start', `the node runs at ${address} on ${name}`, { address, interface: name });
    return {
      reload: () => reload.request({ dryRun: false }),
      stop: async (asked) => {
        reload.close();
        logger.info('leaving the ring', { dispatching: isDispatching(driver.state) });
        events.add('stop', asked ? 'the node is being stopped' : 'a part of the node has failed: it stops', {
          asked,
        });
        health.close();
        operation.close(asked);
        await driver.leave('stopped by its operator');
        await unwinding.run(report);
        logger.info('node stopped, host restored');
      },
    };
  } catch (error) {
    await unwinding.run(report);
    throw error;
  }
}

export interface Deciding {
  readonly driver: RingDriver;
  readonly rebuild: Rebuild;
  readonly operation: Operation;
  readonly health: HealthMonitor;
  readonly fixedServers: FixedServers;
  readonly balancing: Balancing;
  readonly events: EventLog;
  /** The dispatching goes by what is known of the servers now. */
  readonly updateServers: () => void;
  /** Broadcast dispatch: this node's part of the clients. */
  readonly sharePercent: () => number | undefined;
}

/** The ring over its socket, and what it decides turned into dispatching. */
function assemble(live: LiveConfig, shells: Shells, unwinding: Unwinding, logger: Logger): Deciding {
  const { keys, host, socket, dataPlane, announcer, inventory } = shells;
  const config = live.current;
  const events = new EventLog({ nowMs: () => Date.now() });
  const names = new MemberNames();
  const state = createRing(describeSelf(config, host), ringConfig(config));
  let handle: (event: RingEvent) => void = () => undefined;
  const driver = new RingDriver({
    state,
    socket,
    ...(keys && { cryptography: keys.packets }),
    onEvent: (event) => handle(event),
  });
  unwinding.push('closing the ring', () => driver.close());
  const rebuild = makeRebuild(live, shells, state, logger);
  const leaseMs = config.ring.communicationTimeoutMs - config.ring.heartbeatIntervalMs;
  const fixedServers = new FixedServers(config, {
    neighbours: () => kernelNetwork.neighbours().filter((each) => each.interface === host.name),
    logger,
    onChange: () => dispatching.updateServers(),
  });
  unwinding.push('stopping to watch servers outside the ring', () => fixedServers.close());
  const balancing = new Balancing({
    rules: balancingRules(config),
    loadOf: (address) => operation.loadOf(address),
    isNewcomer: (address) => isNewcomer(state, address),
    isInRing: () => state.phase === 'member' || state.phase === 'joining',
    onChange: () => dispatching.updateServers(),
    nowMs: monotonicMs,
  });
  unwinding.push('stopping to balance', () => balancing.close());
  const weigh = (servers: readonly ServerInfo[]): ServerInfo[] => balancing.weigh(servers);
  const parts = { live, driver, dataPlane, announcer, rebuild, logger, leaseMs, weigh, fixedServers, events };
  const dispatching = isBroadcast(config) ? new Broadcasting(parts) : new Dispatching(parts);
  unwinding.push('stopping to dispatch', () => dispatching.close());
  const health = watchServices(config, driver, logger, events);
  unwinding.push('stopping the health checks', () => health.close());
  const operation = new Operation({
    config,
    driver,
    inventory,
    logger,
    events,
    onChange: () => dispatching.updateServers(),
    responseMs: () => health.responseMs(),
  });
  unwinding.push('ending its operation', () => operation.close(false));
  handle = (event) => {
    tellRingNews(event, events, state, names);
    dispatching.handle(event);
    operation.handle(event);
  };
  const sharePercent = (): number | undefined => dispatching.sharePercent;
  const updateServers = (): void => dispatching.updateServers();
  return { driver, rebuild, operation, health, fixedServers, balancing, events, updateServers, sharePercent };
}
