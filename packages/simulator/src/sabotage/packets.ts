import type { Effect, Message } from '@ringmaster/ring';
import { decodePacket, encodePacket } from '@ringmaster/ring';

/** The messages of a packet; none when it is not one. */
export function messagesOf(packet: Uint8Array): readonly Message[] {
  const decoded = decodePacket(packet);
  return decoded.ok ? decoded.messages : [];
}

/** The effects with every message that is sent changed; `undefined` leaves it out. */
export function rewriteSent(
  effects: readonly Effect[],
  change: (message: Message) => Message | undefined,
): Effect[] {
  return effects.flatMap((effect): Effect[] => {
    if (effect.kind !== 'send' && effect.kind !== 'broadcast') return [effect];
    const messages = messagesOf(effect.packet).flatMap((message) => {
      const changed = change(message);
      return changed ? [changed] : [];
    });
    return messages.length === 0 ? [] : [{ ...effect, packet: encodePacket(messages) }];
  });
}
