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
  worker.publish({ frames: 20, batches: 5, ringDropped: 4, truncated: 3, heldFrames: 2 }, connections);
  worker.publishSenders(SENDER, { ...SENDER, sent: 99 });

  const stats = main.read();
  expect(stats).toMatchObject({
    frames: 20,
    batches: 5,
    ringDropped: 4,
    truncated: 3,
    heldFrames: 2,
    connections,
  });
  expect(stats.verdicts.forward).toBe(7);
  expect(stats.drops.noServer).toBe(8);
  expect(stats.wire).toEqual(SENDER);
  expect(stats.loopback).toEqual({ ...SENDER, sent: 99 });
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
