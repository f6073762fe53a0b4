export * from './cryptography.js';
export * from './ringSocket.js';
export * from './udpSocket.js';
export * from './ringDriver.js';
export * from './bulk.js';
