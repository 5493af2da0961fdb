// SPDX-License-Identifier: Apache-2.0
// What happens before main: libraries are loaded, and some start a thread for each CPU they see.
#ifndef PIPELINE_MACHINE_LOADING_H
#define PIPELINE_MACHINE_LOADING_H

// The first thing that main does: the program, which loaded its libraries on one CPU, may use all
// again that it was given. Local.
void loading_end(void);

#endif
