export * from './cryptography.js';
export * from './ringSocket.js';
export * from './udpSocket.js';
export { addressOfMac, macOfAddress } from './ethernet/hardwareAddress.js';
export { EthernetSocket, type EthernetSocketOptions } from './ethernet/ethernetSocket.js';
export { decodeRingFrame, encodeRingFrame, RingEtherType } from './ethernet/ringFrame.js';
export * from './ringDriver.js';
export * from './bulk.js';
