// SPDX-License-Identifier: Apache-2.0
// What a job may use of a node, from made-up /proc and /sys folders and environments.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/machine/cores.h"
#include "pipeline/machine/memory_limit.h"

static char root[] = "/tmp/sulcus-machine-XXXXXX";

static void put(const char *path, const char *content)
{
    char *full = text_format("%s%s", root, path), *folder = file_folder(full);
    assert_int_equal(file_make_folders(folder), OK);
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    free(folder);
    free(full);
}

static int make_root(void **unused)
{
    (void)unused;
    assert_non_null(mkdtemp(root));
    setenv("SULCUS_ROOT", root, 1);
    unsetenv("SLURM_MEM_PER_NODE");
    unsetenv("SLURM_MEM_PER_CPU");
    unsetenv("SLURM_CPUS_ON_NODE");
    unsetenv("SLURM_CPUS_PER_TASK");
    unsetenv("PBS_RESC_MEM");
    put("/proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1 kB\n");
    return 0;
}

static int remove_root(void **unused)
{
    (void)unused;
    char *command = text_format("rm -rf %s", root);
    int failed = system(command);
    free(command);
    memcpy(root + strlen(root) - 6, "XXXXXX", 6);
    return failed;
}

static void limit_is(double gigabytes, const char *source)
{
    memory_limit l = memory_limit_find();
    assert_string_equal(l.source, source);
    assert_float_equal(l.bytes / 0x1p30, gigabytes, 1e-9);
}

static void test_physical(void **unused)
{
    (void)unused;
    limit_is(16, "physical memory");
}

static void test_cgroup_v2(void **unused)
{
    (void)unused;
    put("/proc/self/cgroup", "0::/system.slice/slurmstepd.scope/job_7/step_0\n");
    put("/proc/self/mountinfo",
        "24 1 0:22 / /sys rw - sysfs sysfs rw\n"
        "31 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
    const char *at = "/sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/step_0/memory.max";
    put(at, "max\n");
    limit_is(16, "physical memory");
    put("/sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/memory.max", "2147483648\n");
    limit_is(2, "cgroup /system.slice/slurmstepd.scope/job_7");
    put("/sys/fs/cgroup/system.slice/memory.high", "1073741824\n");
    limit_is(1, "cgroup /system.slice");
    put(at, "536870912\n");
    limit_is(0.5, "cgroup /system.slice/slurmstepd.scope/job_7/step_0");
    setenv("SLURM_MEM_PER_NODE", "256", 1);
    limit_is(0.25, "SLURM_MEM_PER_NODE");
}

static void test_cgroup_v1(void **unused)
{
    (void)unused;
    put("/proc/self/cgroup", "9:cpuset:/other\n4:cpu,memory:/slurm/uid_1/job_7\n0::/\n");
    put("/proc/self/mountinfo",
        "40 24 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
        "41 24 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,cpu,memory\n"
        "42 24 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    limit_is(16, "physical memory");
    put("/sys/fs/cgroup/memory/slurm/uid_1/memory.limit_in_bytes", "4294967296\n");
    limit_is(4, "cgroup /slurm/uid_1");
    put("/sys/fs/cgroup/cpuset/other/memory.limit_in_bytes", "1024\n"); // of another controller
    limit_is(4, "cgroup /slurm/uid_1");
}

// Docker without a name space of its own: the path is the host's, the mount is what is seen of it.
static void test_cgroup_of_a_container(void **unused)
{
    (void)unused;
    put("/proc/self/cgroup", "4:memory:/docker/0123/inner\n");
    put("/proc/self/mountinfo",
        "41 24 0:31 /docker/0123 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n");
    limit_is(2, "cgroup /");
    put("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "1073741824\n");
    limit_is(1, "cgroup /inner");
    put("/proc/self/cgroup", "4:memory:/elsewhere\n"); // what is mounted is not above us
    limit_is(2, "cgroup /");
    put("/proc/self/cgroup", "4:memory:/../../x\n");
    limit_is(2, "cgroup /");
}

static void test_schedulers(void **unused)
{
    (void)unused;
    setenv("SLURM_MEM_PER_NODE", "0", 1); // all of it
    limit_is(16, "physical memory");
    setenv("SLURM_MEM_PER_CPU", "1024", 1);
    limit_is(16, "physical memory"); // of how many CPUs?
    setenv("SLURM_CPUS_ON_NODE", "4", 1);
    limit_is(4, "SLURM_MEM_PER_CPU");
    setenv("PBS_RESC_MEM", "2147483648", 1);
    limit_is(2, "PBS_RESC_MEM");
}

static void share_is(const uint64_t *sets, int ranks, int mine, const int32_t *core, double cores,
                     double cpus)
{
    core_share s = cores_divide(sets, 1, ranks, mine, core);
    assert_float_equal(s.cores, cores, 1e-9);
    assert_float_equal(s.cpus, cpus, 1e-9);
}

static void own_is(const uint64_t *sets, int ranks, int mine, const int32_t *core, int n,
                   const int32_t *expected)
{
    int32_t cpu[64];
    assert_int_equal(cores_own(sets, 1, ranks, mine, core, cpu), n);
    for (int i = 0; i < n; i++)
        assert_int_equal(cpu[i], expected[i]);
}

// Sets without CPU 0, so that they are not all the machine has.
static void test_own_cores(void **unused)
{
    (void)unused;
    int32_t plain[64], paired[64];
    for (int i = 0; i < 64; i++) {
        plain[i] = i;
        paired[i] = i % 32; // CPUs 1 and 33 are one core
    }
    const uint64_t apart[] = {UINT64_C(7) << 1, UINT64_C(3) << 8};
    const uint64_t shared[] = {UINT64_C(7) << 1, UINT64_C(3) << 3};
    const uint64_t twins = UINT64_C(3) << 1 | UINT64_C(3) << 33, all = UINT64_MAX;
    own_is(apart, 2, 0, plain, 3, (int32_t[]){1, 2, 3});
    own_is(apart, 2, 1, plain, 2, (int32_t[]){8, 9});
    own_is(shared, 2, 0, plain, 0, NULL);
    own_is(shared, 2, 1, plain, 0, NULL);
    own_is(&twins, 1, 0, paired, 2, (int32_t[]){1, 2});
    own_is(&all, 1, 0, plain, 0, NULL);
}

static void test_hyperthreads_count_once(void **unused)
{
    (void)unused;
    int32_t plain[64], paired[64];
    for (int i = 0; i < 64; i++) {
        plain[i] = i;
        paired[i] = i % 4; // CPUs 0, 4, 8, … are one core
    }
    for (int i = 8; i < 64; i++)
        paired[i] = i;
    share_is((uint64_t[]){0xff}, 1, 0, plain, 8, 8);
    share_is((uint64_t[]){0xff}, 1, 0, paired, 4, 8);
    share_is((uint64_t[]){0xff, 0xff}, 2, 1, paired, 2, 4);
    share_is((uint64_t[]){0x11, 0x22}, 2, 0, paired, 1, 2);   // both CPUs of a core
    share_is((uint64_t[]){0x01, 0x10}, 2, 0, paired, 0.5, 1); // one each
    share_is((uint64_t[]){0x0f}, 1, 0, paired, 4, 4);         // bound to one CPU of each core
    share_is((uint64_t[]){0x3, 0x3, 0x3}, 3, 2, plain, 2 / 3.0, 2 / 3.0);
    share_is((uint64_t[]){0}, 1, 0, plain, 0, 0);
}

static void test_slurm_caps_cores(void **unused)
{
    (void)unused;
    core_share s = {8, 16};
    assert_float_equal(cores_cap(s, 1).cores, 8, 1e-9);
    setenv("SLURM_CPUS_PER_TASK", "4", 1);
    assert_float_equal(cores_cap(s, 1).cpus, 4, 1e-9);
    assert_float_equal(cores_cap(s, 1).cores, 2, 1e-9);
    assert_float_equal(cores_cap((core_share){1, 2}, 1).cores, 1, 1e-9);
    unsetenv("SLURM_CPUS_PER_TASK");
    setenv("SLURM_CPUS_ON_NODE", "8", 1);
    assert_float_equal(cores_cap(s, 2).cores, 2, 1e-9);
    unsetenv("SLURM_CPUS_ON_NODE");
}

static void test_siblings(void **unused)
{
    (void)unused;
    int32_t core[4];
    put("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0,2\n");
    put("/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "1,3\n");
    put("/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "0,2\n");
    cores_list(4, core);
    assert_int_equal(core[0], 0);
    assert_int_equal(core[1], 1);
    assert_int_equal(core[2], 0);
    assert_int_equal(core[3], 3); // offline, or not told
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        TEST(test_physical),
        TEST(test_cgroup_v2),
        TEST(test_cgroup_v1),
        TEST(test_cgroup_of_a_container),
        TEST(test_schedulers),
        TEST(test_own_cores),
        TEST(test_hyperthreads_count_once),
        TEST(test_siblings),
        TEST(test_slurm_caps_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
