/* base/resident.c - see resident.h. SPDX-License-Identifier: Apache-2.0 */
#include "base/resident.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define TRIM_MAX (64u << 20)

/* The C library's heap sets itself up when it is first asked, on the thread that asks: two threads that do
 * so at once are too many for it, and with sanitizers nobody has asked before. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_HEAP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define OWN_HEAP 0
#endif
#endif
#ifndef OWN_HEAP
#define OWN_HEAP 1
#endif

/* Whether a debugger looks at this process; also where that can't be known. */
static bool
is_traced(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    if (f == NULL)
        return true;
    char line[256];
    long tracer = -1;
    while (tracer < 0 && fgets(line, sizeof(line), f) != NULL)
        (void)sscanf(line, "TracerPid: %ld", &tracer);
    fclose(f);
    return tracer != 0;
}

/* Whether relocations were written into the code of an object: it is not in its file then. */
static bool
has_text_relocations(const struct dl_phdr_info *object)
{
    const ElfW(Dyn) *d = NULL;
    for (unsigned i = 0; i < object->dlpi_phnum; i++)
        if (object->dlpi_phdr[i].p_type == PT_DYNAMIC)
            d = (const ElfW(Dyn) *)(uintptr_t)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
    for (; d != NULL && d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_TEXTREL || (d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_TEXTREL) != 0))
            return true;
    return false;
}

/* Lets go of the segments of OBJECT that were never writable; all others have what the linker put
 * into them, and would lose it. The kernel's own object is not in a file. */
static int
release_object(struct dl_phdr_info *object, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (object->dlpi_addr == getauxval(AT_SYSINFO_EHDR) || has_text_relocations(object))
        return 0;
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &object->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || (p->p_flags & PF_W) != 0 || p->p_align < page)
            continue;
        uintptr_t from = (object->dlpi_addr + p->p_vaddr) & ~(page - 1);
        uintptr_t to = (object->dlpi_addr + p->p_vaddr + p->p_memsz + page - 1) & ~(page - 1);
        (void)madvise((void *)from, to - from, MADV_DONTNEED); /* what is locked stays */
    }
    return 0;
}

/* Whether a look through the heap is short; not where that can't be known. */
static bool
is_small(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL)
        return false;
    size_t pages = SIZE_MAX;
    if (fscanf(f, "%*u %zu", &pages) != 1)
        pages = SIZE_MAX;
    fclose(f);
    return pages <= TRIM_MAX / (size_t)sysconf(_SC_PAGESIZE);
}

void
resident_begin(void)
{
    if (OWN_HEAP)
        (void)mallopt(M_MXFAST, 0);
}

void
resident_trim(void)
{
    if (OWN_HEAP)
        (void)malloc_trim(0);
}

size_t
resident_free_heap(void)
{
    return OWN_HEAP ? mallinfo2().fordblks : 0;
}

void
resident_release(void)
{
    if (is_small())
        resident_trim();
    if (!is_traced())
        (void)dl_iterate_phdr(release_object, NULL);
}
