import { DropReason, dropCounter, Verdict } from '@ringmaster/dispatch';
import { expect, it } from 'vitest';
import { SharedState } from '../../src/dataplane/sharedState.js';

const SENDER = {
  sent: 1,
  sentBytes: 2,
  droppedBusy: 3,
  droppedTooLarge: 4,
  droppedDown: 5,
  droppedRefused: 6,
};

it('shows in one thread what the other one counted', () => {
  const worker = new SharedState();
  const main = new SharedState(worker.buffer);
  worker.counters[Verdict.forward] = 7;
  worker.counters[dropCounter(DropReason.noServer)] = 8;
  const connections = { total: 10, halfOpen: 1, established: 7, closing: 2 };
  worker.publish(
    {
      frames: 20,
      batches: 5,
      ringDropped: 4,
      handshakesDropped: 6,
      truncated: 3,
      heldFrames: 2,
      unrouted: 1,
    },
    connections,
  );
  worker.publishSenders({ inner: SENDER, outer: undefined, loopback: { ...SENDER, sent: 99 } });

  const stats = main.read();
  expect(stats).toMatchObject({
    frames: 20,
    batches: 5,
    ringDropped: 4,
    handshakesDropped: 6,
    truncated: 3,
    heldFrames: 2,
    connections,
  });
  expect(stats.verdicts.forward).toBe(7);
  expect(stats.drops.noServer).toBe(8);
  expect(stats.wire).toEqual(SENDER);
  expect(Object.values(stats.outside)).toEqual(Array(6).fill(0));
  expect(stats.loopback).toEqual({ ...SENDER, sent: 99 });
});

it('shows what went outside and by the host', () => {
  const worker = new SharedState();
  const main = new SharedState(worker.buffer);
  const figures = {
    frames: 0,
    batches: 0,
    ringDropped: 0,
    handshakesDropped: 0,
    truncated: 0,
    heldFrames: 0,
    unrouted: 3,
  };
  worker.publish(figures, { total: 0, halfOpen: 0, established: 0, closing: 0 });
  worker.publishSenders({ inner: SENDER, outer: { ...SENDER, sent: 7 }, loopback: SENDER });
  worker.addRoutedBytesWaiting(500);
  expect(main.routedBytesWaiting).toBe(500);
  main.countRouted(true);
  main.countRouted(false);
  main.addRoutedBytesWaiting(-500);
  expect(worker.routedBytesWaiting).toBe(0);
  const stats = main.read();
  expect(stats.outside).toEqual({ ...SENDER, sent: 7 });
  expect(stats.routed).toEqual({ sent: 1, dropped: 4 });
});

it('gives no lease until one is given, and passes on times of any size', () => {
  const main = new SharedState();
  const worker = new SharedState(main.buffer);
  expect(worker.leaseUntilMs).toBe(0);
  main.leaseUntilMs = 1e12 + 0.25;
  expect(worker.leaseUntilMs).toBe(1e12 + 0.25);
});

it('announces mail and the end', () => {
  const main = new SharedState();
  const worker = new SharedState(main.buffer);
  const before = worker.mail;
  main.announceMail();
  expect(worker.mail).not.toBe(before);
  expect(worker.closeRequested).toBe(false);
  main.requestClose();
  expect(worker.closeRequested).toBe(true);
});
