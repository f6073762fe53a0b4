/* The data plane of Ringmaster's L4/2 in C, as a yardstick: what the same design costs in the language it competes with.
 *
 *   dispatcher INTERFACE ADDRESS VIRTUAL_MAC PORT SERVER...     SERVER: a MAC, or `local`
 *
 * One thread. A TPACKET_V2 ring with the offload header, frames rewritten where they lie, a connection map, one sendmmsg a
 * batch and way, ARP for the address. No ring, no failover, no lease, no hold: a yardstick, not a product. Says `ready` when it
 * dispatches and its counters when SIGTERM ends it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "map.h"

enum { BATCH = 64, SLOT = 69696, BLOCK = 1 << 20, PER_BLOCK = BLOCK / SLOT, BLOCKS = 35, SLOTS = BLOCKS * PER_BLOCK };
enum { VNET = 10, CAPACITY = 1 << 20, MAX_SERVERS = 16, UPKEEP_MS = 20, UPKEEP_SLOTS = 8192, IDLE_MS = 200 };

struct sender {
  int fd, queued;
  unsigned long sent, failed;
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
};

static struct map map;
static struct sender wire, loopback;
static uint8_t *ring;
static uint8_t virtual_mac[6], servers[MAX_SERVERS][6], arp_reply[64];
static int is_local[MAX_SERVERS], server_count, next_server;
static uint32_t cluster;
static uint16_t service;
static unsigned long frames, batches, dropped;
static volatile sig_atomic_t stopped;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void stop(int signal) { stopped = signal; }

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void set_option(int fd, int level, int option, const void *value, socklen_t length, const char *name) {
  if (setsockopt(fd, level, option, value, length) < 0) fail(name);
}

static void set_int(int fd, int level, int option, int value, const char *name) {
  set_option(fd, level, option, &value, sizeof value, name);
}

static int open_packet(void) {
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) fail("socket");
  set_int(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2, "PACKET_VERSION");
  return fd;
}

static void bind_packet(int fd, int index, int protocol) {
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = index};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
}

/* Untagged frames to the virtual MAC, and ARP of others about the address. */
static void attach_filter(int fd) {
  uint32_t mac_high, mac_low = virtual_mac[4] << 8 | virtual_mac[5];
  memcpy(&mac_high, virtual_mac, 4);
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 11),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(mac_high), 0, 2),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mac_low, 6, 0),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 3, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 38),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, cluster, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0x40000),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  set_option(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program, "SO_ATTACH_FILTER");
}

static int open_ring(int index) {
  int fd = open_packet();
  set_int(fd, SOL_PACKET, PACKET_RESERVE, 6, "PACKET_RESERVE");
  set_int(fd, SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
  struct tpacket_req request = {BLOCK, BLOCKS, SLOT, SLOTS};
  set_option(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request, "PACKET_RX_RING");
  attach_filter(fd);
  ring = mmap(NULL, (size_t)BLOCK * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (ring == MAP_FAILED) fail("mmap");
  bind_packet(fd, index, ETH_P_ALL);
  struct packet_mreq member = {.mr_ifindex = index, .mr_type = PACKET_MR_UNICAST, .mr_alen = 6};
  memcpy(member.mr_address, virtual_mac, 6);
  set_option(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &member, sizeof member, "PACKET_ADD_MEMBERSHIP");
  return fd;
}

static void open_sender(struct sender *sender, int index) {
  sender->fd = open_packet();
  set_int(sender->fd, SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
  set_int(sender->fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1, "PACKET_QDISC_BYPASS");
  int bytes = 8 << 20;
  if (setsockopt(sender->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
    set_int(sender->fd, SOL_SOCKET, SO_SNDBUF, bytes, "SO_SNDBUF");
  bind_packet(sender->fd, index, 0);
  for (int i = 0; i < BATCH; i++) {
    sender->messages[i].msg_hdr.msg_iov = &sender->vectors[i];
    sender->messages[i].msg_hdr.msg_iovlen = 1;
  }
}

static void flush(struct sender *sender) {
  int retries = 8;
  for (int first = 0; first < sender->queued;) {
    int sent = sendmmsg(sender->fd, sender->messages + first, (unsigned)(sender->queued - first), MSG_DONTWAIT);
    if (sent > 0) {
      first += sent, sender->sent += (unsigned long)sent;
      continue;
    }
    if (retries > 0 && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)) {
      struct pollfd writable = {sender->fd, POLLOUT, 0};
      retries--;
      if (errno == EAGAIN) poll(&writable, 1, 1);
      continue;
    }
    first++, sender->failed++;
  }
  sender->queued = 0;
}

static void queue(struct sender *sender, uint8_t *frame, uint32_t length) {
  if (sender->queued == BATCH) flush(sender);
  sender->vectors[sender->queued++] = (struct iovec){frame - VNET, length + VNET};
}

static uint16_t read16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static uint32_t read32(const uint8_t *at) { return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3]; }

static void answer_arp(const uint8_t *frame, uint32_t length) {
  if (length < 42 || read16(frame + 20) != 1 || read32(frame + 38) != cluster) return;
  uint8_t *reply = arp_reply + VNET;
  memcpy(reply, frame + 6, 6), memcpy(reply + 6, virtual_mac, 6), memcpy(reply + 12, frame + 12, 8);
  reply[20] = 0, reply[21] = 2;
  memcpy(reply + 22, virtual_mac, 6), memcpy(reply + 28, frame + 38, 4), memcpy(reply + 32, frame + 22, 10);
  queue(&wire, reply, 42);
}

/* Goes on with a known connection; -1 if the frame begins it anew. */
static int go_on(int32_t slot, int opens, uint8_t flags) {
  const struct record *record = &map.records[slot];
  int state = state_of(record);
  if (opens && state == CLOSING) return -1;
  if (!opens && (flags & 5) != 0) {
    if (state != CLOSING) set_state(&map, slot, CLOSING);
  } else if (!opens && state == HALF_OPEN && (flags & 2) == 0) {
    set_state(&map, slot, ESTABLISHED);
  }
  return server_of(record);
}

static int choose(uint32_t client, const uint8_t *transport, uint32_t length, uint8_t protocol, int32_t now) {
  uint32_t ports = (uint32_t)read16(transport) << 16 | read16(transport + 2);
  uint8_t flags = protocol == IPPROTO_TCP ? transport[13] : 0;
  int opens = protocol == IPPROTO_UDP || (flags & 0x12) == 2;
  int32_t slot = map_find(&map, client, ports, protocol);
  int server = slot < 0 ? -1 : go_on(slot, opens, flags);
  if (server < 0) {
    if (!opens || (ports & 0xffff) != service) return -1;
    if (slot >= 0) map_remove(&map, slot);
    server = next_server++ % server_count;
    slot = map_insert(&map, client, ports, protocol, server, protocol == IPPROTO_UDP ? ESTABLISHED : HALF_OPEN);
    if (slot < 0) return -1;
  }
  map_touch(&map, slot, length, now);
  return server;
}

static int dispatch(uint8_t *frame, uint32_t length, int32_t now) {
  const uint8_t *ip = frame + 14;
  if (length < 14 + 20 + 8) return 0;
  if (read16(frame + 12) == ETH_P_ARP) return answer_arp(frame, length), 1;
  if (read16(frame + 12) != ETH_P_IP || memcmp(frame, virtual_mac, 6) != 0) return 0;
  uint32_t header = (ip[0] & 15u) * 4, total = read16(ip + 2);
  uint32_t transport = ip[9] == IPPROTO_TCP ? 20 : 8;
  if (ip[0] >> 4 != 4 || header < 20 || total > length - 14 || total < header + transport) return 0;
  if (read32(ip + 16) != cluster || (read16(ip + 6) & 0x3fff) != 0) return 0;
  if (ip[9] != IPPROTO_TCP && ip[9] != IPPROTO_UDP) return 0;
  int server = choose(read32(ip + 12), ip + header, length, ip[9], now);
  if (server < 0) return 0;
  memcpy(frame + 6, frame, 6);
  memcpy(frame, servers[server], 6);
  queue(is_local[server] ? &loopback : &wire, frame, length);
  return 1;
}

/* One batch, from the ring and back to it. */
static int turn(int32_t now) {
  static int head;
  struct tpacket2_hdr *taken[BATCH];
  int count = 0;
  while (count < BATCH) {
    struct tpacket2_hdr *slot = (void *)(ring + (size_t)(head / PER_BLOCK) * BLOCK + (size_t)(head % PER_BLOCK) * SLOT);
    if ((__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0) break;
    head = head + 1 == SLOTS ? 0 : head + 1;
    taken[count++] = slot;
    if (slot->tp_snaplen < slot->tp_len || !dispatch((uint8_t *)slot + slot->tp_mac, slot->tp_snaplen, now)) dropped++;
  }
  flush(&wire);
  flush(&loopback);
  for (int i = 0; i < count; i++) __atomic_store_n(&taken[i]->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  frames += (unsigned long)count;
  batches += count > 0;
  return count;
}

static void parse_mac(const char *text, uint8_t *mac) {
  if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6) {
    fprintf(stderr, "%s is no MAC\n", text);
    exit(2);
  }
}

static void read_arguments(int count, char **arguments) {
  struct in_addr address;
  if (count < 6 || count > 5 + MAX_SERVERS || inet_pton(AF_INET, arguments[2], &address) != 1) {
    fprintf(stderr, "usage: dispatcher INTERFACE ADDRESS VIRTUAL_MAC PORT SERVER...\n");
    exit(2);
  }
  cluster = ntohl(address.s_addr);
  parse_mac(arguments[3], virtual_mac);
  service = (uint16_t)atoi(arguments[4]);
  for (int i = 5; i < count; i++, server_count++) {
    is_local[server_count] = strcmp(arguments[i], "local") == 0;
    if (!is_local[server_count]) parse_mac(arguments[i], servers[server_count]);
  }
}

int main(int count, char **arguments) {
  read_arguments(count, arguments);
  int index = (int)if_nametoindex(arguments[1]);
  if (index == 0) fail(arguments[1]);
  map_open(&map, CAPACITY, (uint32_t)now_ms(), (uint32_t)getpid());
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  open_sender(&wire, index);
  open_sender(&loopback, (int)if_nametoindex("lo"));
  struct pollfd readable = {open_ring(index), POLLIN, 0};
  printf("ready\n");
  fflush(stdout);
  int64_t upkeep = 0;
  while (!stopped) {
    int64_t now = now_ms();
    int taken = turn((int32_t)now);
    if (now - upkeep >= UPKEEP_MS) upkeep = now, map_collect(&map, (int32_t)now, UPKEEP_SLOTS);
    if (taken == 0) poll(&readable, 1, IDLE_MS);
  }
  struct tpacket_stats lost = {0};
  socklen_t length = sizeof lost;
  getsockopt(readable.fd, SOL_PACKET, PACKET_STATISTICS, &lost, &length);
  printf("{\"frames\":%lu,\"batches\":%lu,\"dropped\":%lu,\"ringDropped\":%u,\"wire\":%lu,\"local\":%lu,\"failed\":%lu,"
         "\"connections\":%d}\n",
         frames, batches, dropped, lost.tp_drops, wire.sent, loopback.sent, wire.failed + loopback.failed, map.count);
  return 0;
}
