/** Numbers of the Linux ABI, as in the headers named beside them. */

// errno.h
export const ESRCH = 3;
export const EINTR = 4;
export const ENXIO = 6;
export const EAGAIN = 11;
export const ENODEV = 19;
export const EEXIST = 17;
export const EINVAL = 22;
export const ENOENT = 2;
export const EADDRNOTAVAIL = 99;
export const EMSGSIZE = 90;
export const EAFNOSUPPORT = 97;
export const ENETDOWN = 100;
export const ENOBUFS = 105;

// sys/socket.h
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
export const IPPROTO_RAW = 255;
export const MSG_DONTWAIT = 0x40;
export const MSG_TRUNC = 0x20;
export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVTIMEO = 20;
export const SO_ATTACH_FILTER = 26;
export const SO_SNDBUFFORCE = 32;

// poll.h
export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLERR = 8;

// sys/mman.h
export const PROT_READ_WRITE = 3;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_NORESERVE = 0x4000;

// linux/if_packet.h
export const SOL_PACKET = 263;
export const PACKET_ADD_MEMBERSHIP = 1;
export const PACKET_DROP_MEMBERSHIP = 2;
export const PACKET_RX_RING = 5;
export const PACKET_STATISTICS = 6;
export const PACKET_VERSION = 10;
export const PACKET_RESERVE = 12;
export const PACKET_VNET_HDR = 15;
export const PACKET_FANOUT = 18;
export const PACKET_QDISC_BYPASS = 20;
export const PACKET_FANOUT_DATA = 22;
export const PACKET_MR_MULTICAST = 0;
export const PACKET_MR_UNICAST = 3;

// linux/if_ether.h
export const ETH_P_ALL = 0x0003;

// linux/sockios.h
export const SIOCETHTOOL = 0x8946;
