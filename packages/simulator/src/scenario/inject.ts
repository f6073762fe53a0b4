import { formRing } from '../cluster/formed.js';
import type { World } from '../cluster/world.js';
import type { Fault } from './scenario.js';

/** Puts the scenario into the world: the starts, the faults with their ends, the calm. */
export function inject(world: World): void {
  const { scenario, lan, stations } = world;
  lan.setBase(scenario.base);
  if (scenario.formed) formRing(world);
  for (const station of stations) {
    if (!station.running) world.at(station.traits.startsAtMs, () => station.start());
  }
  for (const fault of scenario.faults) world.at(fault.atMs, () => begin(world, fault));
  world.at(scenario.stormEndMs, () => endStorm(world));
  chat(world);
  world.clients.start(scenario.clients, scenario.settledMs + scenario.calmMs);
}

/** From now on nothing may change, whatever loss and pauses of the stated size there are. */
export function beginCalm(world: World): void {
  const { scenario, lan } = world;
  world.note('the calm begins');
  lan.setBase({ ...scenario.base, ...CALM, loss: scenario.calm.loss });
  schedulePauses(world);
  if (scenario.rotatesKey) rotateKey(world);
}

const CHAT_INTERVAL_MS = 300;
const PAUSE_SPACING_MS = 700;
const CALM = { loss: 0, duplicate: 0, reorder: 0, corrupt: 0, delayMs: 0 };

/** The faults end; what is dead for good stays dead, what is apart for good stays apart. */
function endStorm(world: World): void {
  const { scenario, lan } = world;
  world.note('the storm is over');
  lan.setBase({ ...scenario.base, ...CALM });
  const side = scenario.lastingSides;
  if (!side) return;
  world.note('some stay apart for good');
  separate(world, (a, b) => sideOf(side, a) !== sideOf(side, b));
}

/** A process is held up for a moment, here and there; never two within the communication timeout (invariant 4). */
function schedulePauses(world: World): void {
  const { scenario, stations } = world;
  const { pauseMs, pausedNodes } = scenario.calm;
  pausedNodes.forEach((node, i) => {
    world.at(world.nowMs + i * PAUSE_SPACING_MS, () => stations[node]?.pause(pauseMs));
  });
}

/**
 * The cluster key is replaced the way an operator does it (R20): every member learns the new key, then every member seals
 * with it, then every member forgets the old one; within a stage in any order and at any time.
 */
function rotateKey(world: World): void {
  const { scenario, stations } = world;
  const { nowMs } = world;
  const stageMs = scenario.calmMs / 4;
  for (const station of stations) {
    const lagMs = world.anyLagMs(stageMs * 0.8);
    const at = (stage: number, run: () => void): void => world.at(nowMs + stage * stageMs + lagMs, run);
    at(0, () => {
      world.note(`${station.name} learns the new key`);
      station.cryptography.accept(1, 4711);
    });
    at(1, () => (station.cryptography.sealingKeyId = 1));
    at(2, () => station.cryptography.forget(0));
  }
}

/** Somebody says something to everybody, now and then: messages that go round the ring. */
function chat(world: World): void {
  const next = (): void => {
    if (world.calm) return;
    world.anyoneSpeaks();
    world.at(world.nowMs + CHAT_INTERVAL_MS, next);
  };
  world.at(CHAT_INTERVAL_MS, next);
}

function begin(world: World, fault: Fault): void {
  world.faultBegins(fault);
  const end = act(world, fault);
  if (end) world.at(fault.atMs + fault.forMs, end);
}

/** Makes the fault happen; returns how it ends, if it does. */
function act(world: World, fault: Fault): (() => void) | undefined {
  const { lan, stations } = world;
  switch (fault.kind) {
    case 'crash': {
      const station = stations[fault.node];
      station?.kill(fault.silent);
      return fault.forGood ? undefined : () => station?.start();
    }
    case 'pause':
    case 'stall':
      stations[fault.node]?.pause(fault.forMs, fault.kind === 'stall');
      return undefined;
    case 'leave': {
      const station = stations[fault.node];
      station?.command('leave');
      return fault.forGood ? undefined : () => station?.command('start');
    }
    case 'partition':
      return separate(world, (a, b) => sideOf(fault.side, a) !== sideOf(fault.side, b));
    case 'deaf':
      return separate(world, (a, b) => fault.from.includes(a) && fault.to.includes(b));
    case 'unplug':
      return separate(world, (a, b) => a === fault.node || b === fault.node);
    case 'flap':
      return flap(world, fault.node, fault.periodMs, fault.atMs + fault.forMs);
    case 'weather':
      return lan.addStorm(fault.weather);
    case 'forget':
      world.forgetMacs();
      return undefined;
    case 'noise':
      world.makeNoise(fault.count);
      return undefined;
    case 'replay':
      world.replay(fault.count);
      return undefined;
    case 'lastWords': {
      const station = stations[fault.node];
      if (station) world.lastWords(station);
      return () => station?.start();
    }
  }
}

/** The clients are on the side of number 0. */
function sideOf(side: readonly number[], host: number): number {
  return side[host] ?? 0;
}

function separate(world: World, cut: (from: number, to: number) => boolean): () => void {
  const { lan, stations } = world;
  const ends: (() => void)[] = [];
  for (let a = 0; a <= stations.length; a++) {
    for (let b = 0; b <= stations.length; b++) if (a !== b && cut(a, b)) ends.push(lan.block(a, b));
  }
  return () => ends.forEach((end) => end());
}

function flap(world: World, node: number, periodMs: number, untilMs: number): undefined {
  const down = (): void => {
    if (world.nowMs >= untilMs) return;
    const up = separate(world, (a, b) => a === node || b === node);
    world.at(Math.min(untilMs, world.nowMs + periodMs / 2), () => {
      up();
      world.at(world.nowMs + periodMs / 2, down);
    });
  };
  down();
  return undefined;
}
