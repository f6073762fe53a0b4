import { type IpAddress, ipv6Equals, readI32 } from 'libnetraw/wire';

/** Things by their IP address, of either family; looked up without an allocation. */
export class AddressBook<T extends { readonly address: IpAddress }> {
  /** By the address as signed 32 bits: a number that the engine need not put on its heap. */
  private readonly entries4 = new Map<number, T>();
  /** By the last 32 bits of the address. */
  private readonly entries6 = new Map<number, T[]>();

  /** Takes something in whose address nobody has yet. */
  add(entry: T): void {
    const { address } = entry;
    if (typeof address === 'number') {
      this.entries4.set(address | 0, entry);
      return;
    }
    const key = readI32(address, 12);
    this.entries6.set(key, [...(this.entries6.get(key) ?? []), entry]);
  }

  /** What has this address. */
  at(address: IpAddress): T | undefined {
    return typeof address === 'number' ? this.at4(address) : this.at6(address, 0);
  }

  /** What has this IPv4 address, signed or not. */
  at4(address: number): T | undefined {
    return this.entries4.get(address | 0);
  }

  /** What has the IPv6 address at `offset`. */
  at6(memory: Uint8Array, offset: number): T | undefined {
    const sharing = this.entries6.get(readI32(memory, offset + 12));
    if (sharing === undefined) return undefined;
    for (let i = 0; i < sharing.length; i++) {
      if (ipv6Equals(memory, offset, sharing[i].address as Uint8Array, 0)) return sharing[i];
    }
    return undefined;
  }
}
