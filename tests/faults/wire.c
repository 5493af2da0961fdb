// SPDX-License-Identifier: Apache-2.0
// The network between the hosts of tests/hosts.sh: a switch in one process, since not every kernel
// has netem. It makes the interfaces given by name, numbered from 1, and the script moves each into
// its host's name space. Its stdin takes `delay MILLISECONDS`, `cut N` and `join N`.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { PORTS = 8, FRAME = 1600 };

typedef struct frame {
    struct frame *next;
    double due; // when it leaves
    int from;
    ssize_t length;
    unsigned char bytes[FRAME];
} frame;

static struct {
    int file[PORTS];
    bool cut[PORTS];
    int ports;
    double delay; // seconds
    frame *first, **last;
} wire = {.last = &wire.first};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int open_port(const char *name)
{
    struct ifreq about = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(about.ifr_name, sizeof about.ifr_name, "%s", name);
    if (file < 0 || ioctl(file, TUNSETIFF, &about) != 0) {
        perror("wire: /dev/net/tun");
        exit(77);
    }
    return file;
}

static void take_frame(int from)
{
    frame *f = malloc(sizeof *f);
    if (!f || (f->length = read(wire.file[from], f->bytes, sizeof f->bytes)) <= 0) {
        free(f);
        return;
    }
    f->from = from;
    f->due = now() + wire.delay;
    f->next = NULL;
    *wire.last = f;
    wire.last = &f->next;
}

// Host N has the address 02:00:00:00:00:0N; anything else is for all.
static void send_due(void)
{
    while (wire.first && wire.first->due <= now()) {
        frame *f = wire.first;
        const int to = f->bytes[0] == 2 ? f->bytes[5] - 1 : -1;
        for (int port = 0; port < wire.ports; port++)
            if (port != f->from && (to < 0 || to == port) && !wire.cut[port] && !wire.cut[f->from])
                (void)!write(wire.file[port], f->bytes, (size_t)f->length);
        wire.first = f->next;
        if (!wire.first)
            wire.last = &wire.first;
        free(f);
    }
}

static void obey(const char *line)
{
    int n;
    if (sscanf(line, "delay %d", &n) == 1)
        wire.delay = n * 1e-3;
    else if (sscanf(line, "cut %d", &n) == 1 && n > 0 && n <= wire.ports)
        wire.cut[n - 1] = true;
    else if (sscanf(line, "join %d", &n) == 1 && n > 0 && n <= wire.ports)
        wire.cut[n - 1] = false;
}

int main(int argc, char **argv)
{
    struct pollfd ready[PORTS + 1] = {{0, POLLIN, 0}};
    char line[256];
    for (; wire.ports < argc - 1 && wire.ports < PORTS; wire.ports++) {
        wire.file[wire.ports] = open_port(argv[wire.ports + 1]);
        ready[wire.ports + 1] = (struct pollfd){wire.file[wire.ports], POLLIN, 0};
    }
    setvbuf(stdin, NULL, _IONBF, 0); // else lines would wait where poll does not see them
    puts("ready");
    fflush(stdout);
    for (;;) {
        double wait = wire.first ? wire.first->due - now() : 1;
        poll(ready, (nfds_t)wire.ports + 1, wait > 0 ? (int)(wait * 1e3) + 1 : 0);
        for (int port = 0; port < wire.ports; port++)
            if (ready[port + 1].revents & POLLIN)
                take_frame(port);
        if (ready[0].revents && !fgets(line, sizeof line, stdin))
            return 0;
        if (ready[0].revents)
            obey(line);
        send_due();
    }
}
