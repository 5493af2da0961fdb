// SPDX-License-Identifier: Apache-2.0
// The rows of a cluster are a doubly linked list, so that a move costs no scan, and of each pair of
// clusters only the cheapest mover is known (arc, mover): a path is found on k nodes, not on n. A
// row that moves changes the arcs of the two clusters only. Inner loops are without branches, over
// arrays that do not overlap: there compilers make vectors of them.
#include "stages/cluster/balanced_assignment.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

enum { NONE = -1 };

struct balanced_assignment {
    int64_t n, paths;
    int k;
    const int32_t *cost;    // [n, k] of the problem being solved
    int32_t *label;         // [n] likewise
    int64_t *price;         // [k]
    int32_t *size;          // [k]
    int32_t *first;         // [k] heads of the clusters' lists of rows
    int32_t *next, *before; // [n]
    int32_t *arc;           // [k, k] what the cheapest move from a to b costs
    int32_t *mover;         // [k, k] the row that moves
    int64_t *distance;      // [k] of the shortest-path search
    int64_t *open;          // [k] the distance, or the maximum once settled
    int32_t *parent;        // [k]
    int32_t *stale;         // [k]
};

int64_t balanced_assignment_size(int64_t n, int k, int j)
{
    return n / k + (j < n % k);
}

status balanced_assignment_new(int64_t n, int k, balanced_assignment **out)
{
    if (k < 1 || n < k || n > INT32_MAX)
        return status_fail(ERR_INTERNAL, NULL, "%lld rows cannot be cut into %d clusters",
                           (long long)n, k);
    size_t kk;
    balanced_assignment *a = checked_calloc(1, sizeof *a);
    if (!a || !checked_mul((size_t)k, (size_t)k, &kk))
        goto failed;
    size_t rows = (size_t)n, clusters = (size_t)k;
    *a = (balanced_assignment){
        .n = n,
        .k = k,
        .price = checked_calloc(clusters, sizeof *a->price),
        .size = checked_calloc(clusters, sizeof *a->size),
        .first = checked_calloc(clusters, sizeof *a->first),
        .next = checked_calloc(rows, sizeof *a->next),
        .before = checked_calloc(rows, sizeof *a->before),
        .arc = checked_calloc(kk, sizeof *a->arc),
        .mover = checked_calloc(kk, sizeof *a->mover),
        .distance = checked_calloc(clusters, sizeof *a->distance),
        .open = checked_calloc(clusters, sizeof *a->open),
        .parent = checked_calloc(clusters, sizeof *a->parent),
        .stale = checked_calloc(clusters, sizeof *a->stale),
    };
    if (!a->price || !a->size || !a->first || !a->next || !a->before || !a->arc || !a->mover ||
        !a->distance || !a->open || !a->parent || !a->stale)
        goto failed;
    *out = a;
    return OK;
failed:
    balanced_assignment_free(a);
    return status_no_memory("a balanced assignment");
}

void balanced_assignment_free(balanced_assignment *a)
{
    if (!a)
        return;
    free(a->price);
    free(a->size);
    free(a->first);
    free(a->next);
    free(a->before);
    free(a->arc);
    free(a->mover);
    free(a->distance);
    free(a->open);
    free(a->parent);
    free(a->stale);
    free(a);
}

void balanced_assignment_reset(balanced_assignment *a)
{
    memset(a->price, 0, (size_t)a->k * sizeof *a->price);
}

const int64_t *balanced_assignment_prices(const balanced_assignment *a)
{
    return a->price;
}

int64_t balanced_assignment_paths(const balanced_assignment *a)
{
    return a->paths;
}

static int32_t list_remove(balanced_assignment *a, int32_t row)
{
    int32_t from = a->label[row], next = a->next[row], before = a->before[row];
    if (before == NONE)
        a->first[from] = next;
    else
        a->next[before] = next;
    if (next != NONE)
        a->before[next] = before;
    a->size[from]--;
    return from;
}

static void list_add(balanced_assignment *a, int32_t row, int32_t to)
{
    a->label[row] = to;
    a->before[row] = NONE;
    a->next[row] = a->first[to];
    if (a->first[to] != NONE)
        a->before[a->first[to]] = row;
    a->first[to] = row;
    a->size[to]++;
}

// Offers a row as the mover of each arc that leaves its cluster.
static void arcs_offer(balanced_assignment *a, int32_t row)
{
    int k = a->k, from = a->label[row];
    const int32_t *restrict cost = a->cost + (int64_t)row * k;
    int32_t *restrict arc = a->arc + (int64_t)from * k, *restrict mover =
                                                            a->mover + (int64_t)from * k;
    int32_t own = cost[from];
    for (int b = 0; b < k; b++) {
        int32_t change = cost[b] - own;
        bool less = change < arc[b];
        mover[b] = less ? row : mover[b];
        arc[b] = less ? change : arc[b];
    }
    arc[from] = INT32_MAX;
}

// Looks again for the movers of the arcs that a row which has left `from` provided.
static void arcs_forget(balanced_assignment *a, int32_t from, int32_t row)
{
    int k = a->k, stale = 0;
    int32_t *arc = a->arc + (int64_t)from * k, *mover = a->mover + (int64_t)from * k;
    for (int b = 0; b < k; b++)
        if (mover[b] == row && b != from) {
            a->stale[stale++] = b;
            arc[b] = INT32_MAX;
        }
    for (int32_t i = a->first[from]; i != NONE && stale > 0; i = a->next[i]) {
        const int32_t *cost = a->cost + (int64_t)i * k;
        for (int s = 0; s < stale; s++) {
            int32_t b = a->stale[s], change = cost[b] - cost[from];
            if (change < arc[b]) {
                arc[b] = change;
                mover[b] = i;
            }
        }
    }
}

// Puts every row where cost + price is lowest, and finds all arcs.
static void assign_cheapest(balanced_assignment *a)
{
    int k = a->k;
    for (int j = 0; j < k; j++) {
        a->size[j] = 0;
        a->first[j] = NONE;
    }
    for (int64_t i = 0; i < (int64_t)k * k; i++) {
        a->arc[i] = INT32_MAX;
        a->mover[i] = NONE;
    }
    for (int64_t i = 0; i < a->n; i++) {
        const int32_t *cost = a->cost + i * k;
        int64_t best = INT64_MAX;
        for (int j = 0; j < k; j++) {
            int64_t price = cost[j] + a->price[j];
            best = price < best ? price : best;
        }
        int32_t to = a->label[i];
        if (to < 0 || to >= k || cost[to] + a->price[to] != best)
            for (to = 0; cost[to] + a->price[to] != best;)
                to++;
        list_add(a, (int32_t)i, to);
        arcs_offer(a, (int32_t)i);
    }
}

// The unsettled cluster that is nearest, settled by this; the lowest index of equals.
static int settle_nearest(balanced_assignment *a)
{
    int nearest = 0;
    for (int j = 1; j < a->k; j++)
        if (a->open[j] < a->open[nearest])
            nearest = j;
    a->open[nearest] = INT64_MAX;
    return nearest;
}

// Finds the shortest path from any overfull cluster to any underfull one, and raises the prices so
// that its arcs' reduced costs are 0 and no other's is negative. Returns its end; `parent` leads
// back.
static int find_path(balanced_assignment *a)
{
    int k = a->k;
    for (int j = 0; j < k; j++) {
        a->distance[j] = a->size[j] > balanced_assignment_size(a->n, k, j) ? 0 : INT64_MAX;
        a->open[j] = a->distance[j];
        a->parent[j] = NONE;
    }
    for (;;) {
        int from = settle_nearest(a);
        int64_t reached = a->distance[from];
        if (a->size[from] < balanced_assignment_size(a->n, k, from)) {
            for (int j = 0; j < k; j++)
                a->price[j] += a->distance[j] < reached ? reached - a->distance[j] : 0;
            return from;
        }
        const int32_t *restrict arc = a->arc + (int64_t)from * k;
        const int64_t *restrict price = a->price;
        int64_t *restrict distance = a->distance, *restrict open = a->open;
        int32_t *restrict parent = a->parent;
        int64_t base = reached - price[from];
        for (int b = 0; b < k; b++) {
            int64_t through = base + arc[b] + price[b];
            bool less =
                through < distance[b]; // never of a settled one: reduced costs are not negative
            distance[b] = less ? through : distance[b];
            open[b] = less ? through : open[b];
            parent[b] = less ? from : parent[b];
        }
    }
}

// Moves one row along each arc of the path that ends at `end`. All rows are chosen before the first
// moves, since a move changes the arcs of the cluster it enters.
static void move_rows(balanced_assignment *a, int end)
{
    int k = a->k;
    for (int to = end; a->parent[to] != NONE; to = a->parent[to])
        a->open[to] = a->mover[(int64_t)a->parent[to] * k + to];
    for (int to = end; a->parent[to] != NONE; to = a->parent[to]) {
        int32_t row = (int32_t)a->open[to];
        int32_t from = list_remove(a, row);
        arcs_forget(a, from, row);
        list_add(a, row, to);
        arcs_offer(a, row);
    }
}

void balanced_assignment_solve(balanced_assignment *a, const int32_t *cost, int32_t *label)
{
    a->cost = cost;
    a->label = label;
    int64_t lowest = a->price[0], excess = 0;
    for (int j = 1; j < a->k; j++)
        lowest = a->price[j] < lowest ? a->price[j] : lowest;
    for (int j = 0; j < a->k; j++)
        a->price[j] -= lowest; // only differences count: they must not grow from call to call
    assign_cheapest(a);
    for (int j = 0; j < a->k; j++) {
        int64_t over = a->size[j] - balanced_assignment_size(a->n, a->k, j);
        excess += over > 0 ? over : 0;
    }
    for (a->paths = 0; a->paths < excess; a->paths++)
        move_rows(a, find_path(a));
}
