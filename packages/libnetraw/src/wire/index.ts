/** Pure packet codecs. Nothing here allocates per packet, throws on wire data or knows an operating system. */
export * from './arp.js';
export * from './bytes.js';
export * from './checksum.js';
export * from './ethernet.js';
export * from './fragmentIpv4.js';
export * from './icmp.js';
export * from './ipAddress.js';
export * from './ipv4.js';
export * from './pcap.js';
export * from './ipv6.js';
export * from './neighbour.js';
export * from './segmenter.js';
export * from './status.js';
export * from './tcp.js';
export * from './transportChecksum.js';
export * from './udp.js';
export * from './vnetHeader.js';
