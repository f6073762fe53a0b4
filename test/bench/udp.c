/* Floods of small UDP datagrams, and where they end.
 *
 *   udp send ADDRESS PORT FLOWS SECONDS    datagrams of 18 bytes (frames of 60), FLOWS sockets in turn, 64 a system call
 *   udp sink PORT                          a socket that takes none: the kernel counts them in /proc/net/snmp (InErrors)
 *
 * `send` prints how many it sent; `sink` says `ready` and stays until a signal ends it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, PAYLOAD = 18, MAX_FLOWS = 1024 };

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int open_flow(const char *address, const char *port) {
  struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || inet_pton(AF_INET, address, &target.sin_addr) != 1) fail(address);
  if (connect(fd, (struct sockaddr *)&target, sizeof target) < 0) fail("connect");
  return fd;
}

static int send_flood(const char *address, const char *port, int flows, double seconds) {
  static int fds[MAX_FLOWS];
  static char payload[PAYLOAD];
  struct iovec vector = {payload, PAYLOAD};
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++) messages[i].msg_hdr.msg_iov = &vector, messages[i].msg_hdr.msg_iovlen = 1;
  for (int i = 0; i < flows; i++) fds[i] = open_flow(address, port);
  unsigned long sent = 0;
  double start = now_s();
  while (now_s() < start + seconds) {
    for (int i = 0; i < flows; i++) {
      int count = sendmmsg(fds[i], messages, BATCH, 0);
      if (count > 0) sent += (unsigned long)count;
    }
  }
  printf("%lu\n", sent);
  return 0;
}

static void sink(const char *port) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  struct sock_filter reject = BPF_STMT(BPF_RET | BPF_K, 0);
  struct sock_fprog program = {1, &reject};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0) fail("sink");
  if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0) fail("bind");
  printf("ready\n");
  fflush(stdout);
  for (;;) pause();
}

int main(int count, char **arguments) {
  if (count == 6 && strcmp(arguments[1], "send") == 0) {
    int flows = atoi(arguments[4]);
    if (flows < 1 || flows > MAX_FLOWS) return 2;
    return send_flood(arguments[2], arguments[3], flows, atof(arguments[5]));
  }
  if (count == 3 && strcmp(arguments[1], "sink") == 0) sink(arguments[2]);
  fprintf(stderr, "usage: udp send ADDRESS PORT FLOWS SECONDS | udp sink PORT\n");
  return 2;
}
