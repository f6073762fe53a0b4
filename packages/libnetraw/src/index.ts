/**
 * libnetraw: packet capture and authoring for Node on Linux, without a compiler. Codecs for the packets themselves are in
 * `libnetraw/wire`, which runs anywhere.
 */
export { NativeMemory } from './libc/nativeMemory.js';
export { SystemError, type SystemErrorContext } from './libc/systemError.js';
export { Ancillary, assemble, type BpfInstruction, type BpfProgram } from './capture/bpf.js';
export { clientFanout, type ClientFanoutOptions } from './capture/clientFanout.js';
export { fanoutHash4, fanoutHash6 } from './capture/clientHash.js';
export { bucketOf4, bucketOf6, BUCKETS, bucketWords, type ClientShare } from './capture/share.js';
export {
  acceptAll,
  acceptNone,
  dispatcherFilter,
  type DispatcherFilterOptions,
  type FramePart,
} from './capture/filters.js';
export {
  PacketRing,
  Ready,
  SUPER_FRAME_SLOT_BYTES,
  type FanoutOptions,
  type PacketRingOptions,
} from './capture/packetRing.js';
export { RingPoller } from './capture/ringPoller.js';
export { FrameSender, type FrameSenderOptions, type SenderCounters } from './inject/frameSender.js';
export { FrameSocket, sendFrame, type FrameSocketOptions } from './inject/frameSocket.js';
export { IpSocket } from './inject/ipSocket.js';
export { addAddress, deleteAddress, listAddresses, type InterfaceAddress } from './netlink/addresses.js';
export type { TcpConnections, TcpConnections6 } from './netlink/connectionTable.js';
export { canEndTcpConnections, endTcpConnections, endTcpConnections6 } from './netlink/endConnections.js';
export { formatIp, parseIp, type AddressFamily } from './netlink/ipText.js';
export { findLink, listLinks, setLinkUp, type Link } from './netlink/links.js';
export {
  deleteNeighbour,
  listNeighbours,
  setPermanentNeighbour,
  type Neighbour,
} from './netlink/neighbours.js';
export {
  addDefaultRoute,
  deleteDefaultRoute,
  listRoutes,
  type DefaultRoute,
  type Route,
} from './netlink/routes.js';
export { addRule, deleteRule, describeRule, listRules, type PolicyRule } from './netlink/rules.js';
export {
  listTcpConnections,
  listTcpConnections6,
  listTcpListeners,
  type TcpConnection6Filter,
  type TcpConnectionFilter,
  type TcpListener,
} from './netlink/sockDiag.js';
export { CONNECTION_STATES, TcpState, tcpStateName, type TcpStateName } from './netlink/tcpStates.js';
export { readOffloads, writeOffloads, type Offload, type Offloads } from './offloads.js';
export { readSysctl, writeSysctl } from './sysctl.js';
export { UnixDatagramSender } from './unixDatagram.js';
export { Wake } from './wake.js';
export { VNET_HEADER_BYTES } from './wire/index.js';
