/* base/resident.h - giving back memory that only the start needed.
 *
 * A start touches far more of its files than what follows: the tables of symbols and relocations
 * of each library, and the code that reads settings and pipelines. All of it stays mapped until
 * memory runs short, and counts as this process's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_RESIDENT_H
#define BASE_RESIDENT_H

#include <stddef.h>

/* Has the heap put what is freed together at once. The C library leaves small blocks as they are until a large one is
 * asked for, and joins all of them then: what a script of many small tables left behind took milliseconds, in which
 * nobody else on that thread has a turn. Before there are other threads. */
void resident_begin(void);

/* Lets go of all pages of code and constants, and of the heap's free ones: what is used again comes
 * back when it is touched, from the page cache, a few microseconds each. The heap of a process
 * with more than 64 MiB stays as it is, since other threads would wait for it too long. Code stays
 * below a debugger, whose breakpoints are in it. Any thread. */
void resident_release(void);

/* Gives the free memory of the heap back to the system; takes its time. Nothing where the heap is not
 * the C library's, as with sanitizers. Any thread. */
void resident_trim(void);

/* How many bytes of the heap are free; 0 where that is not known. Any thread. */
size_t resident_free_heap(void);

#endif
