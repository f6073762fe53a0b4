import { createRing, type Announce, type RingState } from '@ringmaster/ring';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Abdication } from '../../src/daemon/abdication.js';
import { MOST_WAITING, OrderRefused, Orders, OrdersBusy } from '../../src/daemon/orders.js';
import { decodeNodeMessage, type OrderOutcome } from '../../src/messages/nodeMessage.js';
import { encodeServices } from '../../src/services.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const announce = (last: number): Announce => ({
  address: 0x0a000000 + last,
  createdAt: 1,
  joining: false,
  dispatching: false,
  canDispatch: true,
  canServe: true,
  leaving: false,
  newcomer: false,
  id: last,
  highestId: last,
  weight: 1,
  mac: Uint8Array.of(2, 0, 0, 0, 0, last),
  incarnation: 1,
  services: encodeServices({ address: `10.0.0.${last}` }, []),
});

/** The state of a member that knows these others. */
function stateOf(last: number, ...others: number[]): RingState {
  const state = createRing(announce(last));
  state.id = last;
  for (const other of others) state.roster.note(announce(other), 0);
  return state;
}

interface Node {
  readonly orders: Orders;
  readonly state: RingState;
  readonly obeyed: string[];
  outcome: OrderOutcome;
}

/** Nodes 11, 12, ... whose messages reach each other at once, unless `lose` says otherwise. */
function nodes(count: number, lose: (from: number, to: number) => boolean = () => false): Node[] {
  const all = Array.from({ length: count }, (_, i) => 11 + i);
  const made = new Map<number, Node>();
  for (const last of all) {
    const state = stateOf(last, ...all.filter((other) => other !== last));
    const obeyed: string[] = [];
    const orders = new Orders({
      state,
      send: (to, body) => {
        const message = decodeNodeMessage(body);
        if (message !== undefined && !lose(last, to)) made.get(to)?.orders.hear(last, message);
      },
      obey: (action, durationMs) => {
        obeyed.push(`${action} ${durationMs}`);
        return made.get(last)!.outcome;
      },
    });
    made.set(last, { orders, state, obeyed, outcome: 'done' });
  }
  return [...made.values()];
}

const drain = (...addresses: string[]) => ({ action: 'drain', addresses, durationMs: 5000 }) as const;

describe('orders', () => {
  it('are carried out where they belong, this node included, and answered', async () => {
    const [n11, n12, n13] = nodes(3);
    n12.outcome = 'already';
    const { servers } = await n11.orders.execute(drain('10.0.0.11', '10.0.0.12', '10.0.0.11'));
    expect(servers).toEqual([
      { address: '10.0.0.11', outcome: 'done' },
      { address: '10.0.0.12', outcome: 'already' },
    ]);
    expect([n11.obeyed, n12.obeyed, n13.obeyed]).toEqual([['drain 5000'], ['drain 5000'], []]);
  });

  it('are repeated when a message is lost, and carried out once', async () => {
    let answers = 0;
    const [n11, n12] = nodes(2, (from) => from === 12 && answers++ < 2);
    const result = n11.orders.execute(drain('10.0.0.12'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await result).toEqual({ servers: [{ address: '10.0.0.12', outcome: 'done' }] });
    expect([n12.obeyed.length, answers]).toEqual([1, 3]);
  });

  it('end without an answer after two seconds', async () => {
    const [n11] = nodes(2, () => true);
    const result = n11.orders.execute(drain('10.0.0.12'));
    await vi.advanceTimersByTimeAsync(2000);
    expect(await result).toEqual({ servers: [{ address: '10.0.0.12', outcome: 'unanswered' }] });
  });

  it('follow one another, also after one that is refused', async () => {
    let isLost = true;
    const [n11, n12] = nodes(2, () => isLost);
    const first = n11.orders.execute(drain('10.0.0.12'));
    const refused = n11.orders.execute(drain('10.0.0.99'));
    const last = n11.orders.execute({ action: 'undrain', addresses: ['10.0.0.12'], durationMs: undefined });
    const why = expect(refused).rejects.toThrow(OrderRefused);
    await vi.advanceTimersByTimeAsync(500);
    expect(n12.obeyed).toEqual([]);
    isLost = false;
    await vi.advanceTimersByTimeAsync(1000);
    await why;
    await Promise.all([first, last]);
    expect(n12.obeyed).toEqual(['drain 5000', 'undrain undefined']);
  });

  it('wait up to a number, another one is refused at once, and there is room again after one', async () => {
    let isLost = true;
    const [n11, n12] = nodes(2, () => isLost);
    const taken = Array.from({ length: 1 + MOST_WAITING }, () => n11.orders.execute(drain('10.0.0.12')));
    await expect(n11.orders.execute(drain('10.0.0.11'))).rejects.toThrow(OrdersBusy);
    expect([n11.obeyed, n12.obeyed]).toEqual([[], []]);
    // The first one is not answered, and its time is over.
    await vi.advanceTimersByTimeAsync(new OrdersBusy().retryAfterMs);
    taken.push(n11.orders.execute(drain('10.0.0.12')));
    await expect(n11.orders.execute(drain('10.0.0.12'))).rejects.toThrow(
      /16 orders wait at this node already/,
    );
    isLost = false;
    await vi.advanceTimersByTimeAsync(1000);
    await Promise.all(taken);
    expect([n11.obeyed.length, n12.obeyed.length]).toEqual([0, MOST_WAITING + 1]);
    expect(await n11.orders.execute(drain('10.0.0.11'))).toMatchObject({ servers: [{ outcome: 'done' }] });
  });

  it.each([
    ['10.0.0.99', /no member of this ring; its members are 10.0.0.11, 10.0.0.12$/],
    ['10.0.0.12', /not in the ring at present/],
  ])('for %s are refused when it is not there, and nobody else does anything', async (address, message) => {
    const [n11, n12] = nodes(2);
    n11.state.roster.deactivate(0x0a00000c);
    await expect(n11.orders.execute(drain('10.0.0.11', address))).rejects.toThrow(message);
    expect([n11.obeyed, n12.obeyed]).toEqual([[], []]);
  });

  it('are refused while ids are not given yet', async () => {
    const [n11] = nodes(2);
    n11.state.id = 0;
    await expect(n11.orders.execute(drain('10.0.0.12'))).rejects.toThrow(/try again$/);
  });
});

describe('abdication', () => {
  const silent = { info: () => 0, warn: () => 0, error: () => 0, debug: () => 0 };

  function dispatcher(...others: number[]) {
    const state = stateOf(11, ...others);
    state.role = 'dispatcher';
    const told: boolean[] = [];
    const describe = ({ canDispatch }: { canDispatch: boolean }): unknown => told.push(canDispatch);
    return { state, told, abdication: new Abdication({ state, describe, logger: silent }) };
  }

  it('lasts for its time', async () => {
    const { abdication, told } = dispatcher(12);
    expect(abdication.abdicate(5000)).toBe('done');
    await vi.advanceTimersByTimeAsync(4999);
    expect(told).toEqual([false]);
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toEqual([false, true]);
  });

  it('ends when nobody else can dispatch, but not for the moment of a purge', async () => {
    const { abdication, told, state } = dispatcher(12);
    abdication.abdicate();
    state.roster.deactivate(0x0a00000c);
    abdication.review();
    state.roster.note(announce(12), 1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(told).toEqual([false]);
    state.roster.deactivate(0x0a00000c);
    abdication.review();
    await vi.advanceTimersByTimeAsync(2000);
    expect(told).toEqual([false, true]);
  });

  it('is for dispatchers that have a successor', () => {
    const alone = dispatcher();
    expect(alone.abdication.abdicate()).toBe('noSuccessor');
    const server = dispatcher(12);
    server.state.role = 'server';
    expect(server.abdication.abdicate()).toBe('notDispatching');
    expect([...alone.told, ...server.told]).toEqual([]);
  });
});
