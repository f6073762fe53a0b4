/* Established TCP connections without their other ends, by the hundred thousand:
 *
 *   connections LOCAL_ADDRESS PORT FIRST_CLIENT COUNT
 *
 * Real sockets of this host's kernel, made in repair mode (TCP_REPAIR), which enters a connection without sending a packet.
 * Clients are counted up from FIRST_CLIENT, 60,000 ports each. As many processes as the limit on open files makes necessary
 * hold them until a signal ends the first one; it says `ready` when all connections are there. Wants CAP_NET_ADMIN. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORTS = 60000, FIRST_PORT = 2000, SPARE_FILES = 64 };

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void establish(struct sockaddr_in local, struct sockaddr_in client) {
  int one = 1;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &one, sizeof one) < 0) fail("TCP_REPAIR");
  if (bind(fd, (struct sockaddr *)&local, sizeof local) < 0) fail("bind");
  if (connect(fd, (struct sockaddr *)&client, sizeof client) < 0) fail("connect");
}

/* Establishes the connections `from` to `to` in a process of its own, which dies with this one. */
static void hold(struct sockaddr_in local, struct sockaddr_in client, unsigned long from, unsigned long to, int done) {
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  uint32_t first = ntohl(client.sin_addr.s_addr);
  for (unsigned long i = from; i < to; i++) {
    client.sin_addr.s_addr = htonl(first + (uint32_t)(i / PORTS));
    client.sin_port = htons((uint16_t)(FIRST_PORT + i % PORTS));
    establish(local, client);
  }
  if (write(done, "", 1) != 1) fail("write");
  for (;;) pause();
}

int main(int count, char **arguments) {
  struct sockaddr_in local = {.sin_family = AF_INET}, client = {.sin_family = AF_INET};
  if (count != 5 || inet_pton(AF_INET, arguments[1], &local.sin_addr) != 1 ||
      inet_pton(AF_INET, arguments[3], &client.sin_addr) != 1) {
    fprintf(stderr, "usage: connections LOCAL_ADDRESS PORT FIRST_CLIENT COUNT\n");
    return 2;
  }
  local.sin_port = htons((uint16_t)atoi(arguments[2]));
  unsigned long connections = strtoul(arguments[4], NULL, 10);
  struct rlimit limit;
  int done[2];
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || pipe(done) < 0) fail("limits");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fail("RLIMIT_NOFILE");
  unsigned long each = limit.rlim_max - SPARE_FILES;
  unsigned long processes = 0;
  for (unsigned long from = 0; from < connections; from += each, processes++) {
    hold(local, client, from, from + each < connections ? from + each : connections, done[1]);
  }
  close(done[1]);
  for (char byte; processes > 0; processes--) {
    if (read(done[0], &byte, 1) != 1) fail("a process that holds connections ended");
  }
  printf("ready\n");
  fflush(stdout);
  for (;;) pause();
}
