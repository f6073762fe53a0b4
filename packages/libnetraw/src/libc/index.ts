export { lastErrno, libc, WORD_BYTES, type Libc, type Pointer } from './bindings.js';
export { NativeMemory } from './nativeMemory.js';
export {
  bindSocket,
  int32,
  openSocket,
  retryInterrupted,
  setIntOption,
  setOption,
  takeSocketError,
} from './socket.js';
export { errnoName, SystemError, type SystemErrorContext } from './systemError.js';
