export * from './ask.js';
export * from './connectionList.js';
export * from './inventoryServer.js';
