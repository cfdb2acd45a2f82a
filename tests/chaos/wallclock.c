/* The calendar of a process under test, set forward or back while it runs.
 *
 * Loaded before the C library (LD_PRELOAD), it adds the seconds that the mapped file CHAOS_CALENDAR
 * holds to what CLOCK_REALTIME says, and touches no other clock: the kernel's monotonic and boot
 * clocks go on, as they do when an administrator or ntpd steps the calendar. What it cannot show is
 * what the kernel does with absolute timers on CLOCK_REALTIME; nothing under test uses any.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *step;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CHAOS_CALENDAR");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *found = mmap(NULL, sizeof *step, PROT_READ, MAP_SHARED, file, 0);
        step = found == MAP_FAILED ? NULL : found;
        close(file);
    }
}

int clock_gettime(clockid_t id, struct timespec *now) {
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(id, now);
    if (!status && step && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        now->tv_sec += *step;
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec found;
    int status = clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return status;
}

time_t time(time_t *to) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (to)
        *to = found.tv_sec;
    return found.tv_sec;
}
