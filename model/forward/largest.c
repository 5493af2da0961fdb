// SPDX-License-Identifier: Apache-2.0
// torch.topk leaves the choice to libstdc++: std::partial_sort where k is at most a 64th of n, and
// std::nth_element otherwise. Both move equal values about in a way that their authors never
// promised and never changed, so the same moves are made here: a heap of k, and a quickselect by
// the median of three that goes over to the heap where it does not halve.
#include "model/forward/largest.h"

#include <stdbool.h>

static bool comes_first(ranked_value a, ranked_value b)
{
    return a.value > b.value;
}

static void swap_values(ranked_value *a, ranked_value *b)
{
    const ranked_value kept = *a;
    *a = *b;
    *b = kept;
}

// Lets `value` rise from `hole` towards `top`, in a heap whose first is the last in order.
static void push_heap(ranked_value *v, int hole, int top, ranked_value value)
{
    int parent = (hole - 1) / 2;
    while (hole > top && comes_first(v[parent], value)) {
        v[hole] = v[parent];
        hole = parent;
        parent = (hole - 1) / 2;
    }
    v[hole] = value;
}

// Fills the hole from below down to a leaf, then lets `value` rise from there.
static void adjust_heap(ranked_value *v, int hole, int n, ranked_value value)
{
    const int top = hole;
    int child = hole;
    while (child < (n - 1) / 2) {
        child = 2 * (child + 1);
        if (comes_first(v[child], v[child - 1]))
            child--;
        v[hole] = v[child];
        hole = child;
    }
    if (n % 2 == 0 && child == (n - 2) / 2) {
        child = 2 * child + 1;
        v[hole] = v[child];
        hole = child;
    }
    push_heap(v, hole, top, value);
}

// The k first of n, by a heap of them.
static void select_by_heap(ranked_value *v, int n, int k)
{
    for (int parent = (k - 2) / 2; k >= 2 && parent >= 0; parent--)
        adjust_heap(v, parent, k, v[parent]);
    for (int i = k; i < n; i++)
        if (comes_first(v[i], v[0])) {
            const ranked_value value = v[i];
            v[i] = v[0];
            adjust_heap(v, 0, k, value);
        }
}

// Swaps the middle one of three with *to.
static void take_median(ranked_value *to, ranked_value *a, ranked_value *b, ranked_value *c)
{
    ranked_value *middle;
    if (comes_first(*a, *b))
        middle = comes_first(*b, *c) ? b : comes_first(*a, *c) ? c : a;
    else
        middle = comes_first(*a, *c) ? a : comes_first(*b, *c) ? c : b;
    swap_values(to, middle);
}

// Divides v [n] behind its first value, the median of three: where the second part begins.
static int divide(ranked_value *v, int n)
{
    int low = 1, high = n;
    take_median(v, v + 1, v + n / 2, v + n - 1);
    for (;; low++) {
        while (comes_first(v[low], v[0]))
            low++;
        high--;
        while (comes_first(v[0], v[high]))
            high--;
        if (low >= high)
            return low;
        swap_values(v + low, v + high);
    }
}

static void insert_sorted(ranked_value *v, int n)
{
    for (int i = 1; i < n; i++) {
        const ranked_value value = v[i];
        int at = i;
        for (; at > 0 && comes_first(value, v[at - 1]); at--)
            v[at] = v[at - 1];
        v[at] = value;
    }
}

// Brings the value that is at `nth` in order there, and what comes first before it.
static void select_nth(ranked_value *v, int n, int nth)
{
    int first = 0, end = n, depth = 0;
    for (int left = n; left > 1; left /= 2)
        depth += 2;
    for (; end - first > 3; depth--) {
        if (depth == 0) {
            select_by_heap(v + first, end - first, nth + 1 - first);
            swap_values(v + first, v + nth);
            return;
        }
        const int cut = first + divide(v + first, end - first);
        if (cut <= nth)
            first = cut;
        else
            end = cut;
    }
    insert_sorted(v + first, end - first);
}

void largest_choose(ranked_value *v, int n, int k)
{
    enum { FEW = 64 };
    if (k * FEW <= n)
        select_by_heap(v, n, k);
    else
        select_nth(v, n, k - 1);
}
