# SPDX-License-Identifier: Apache-2.0
# The plan of the house, from the ground up: every folder of sources, what it holds, and the only folders it may use.
# A room is a static library of its folder's .c files; a room of another layer is named by its layer, and only what
# that layer shows in include/ may be used of it. tests/rules/directions.sh reads this file and holds includes and calls against it.
#
#   room(FOLDER USES FOLDER... LIBRARIES LIBRARY...)

# --- pipeline: the engine. It knows no transformer.
# What every layer builds on: errors, memory, text, files, digests, random numbers, threads, exact sums.
room(pipeline/base LIBRARIES Threads::Threads PkgConfig::xxhash PkgConfig::jansson m)
# What a job may use of its machine: memory and cores.
room(pipeline/machine USES pipeline/base)
# Ranks, nodes and teams: the only files that know MPI.
room(pipeline/comm USES pipeline/base pipeline/machine LIBRARIES MPI::MPI_C)
# YAML, and values checked against tables of parameters.
room(pipeline/config USES pipeline/base LIBRARIES PkgConfig::yaml)
# What is on disk: artefacts, checkpoints, the journal, digests of inputs.
room(pipeline/store USES pipeline/base LIBRARIES netcdf::netcdf PkgConfig::jansson ${CMAKE_DL_LIBS})
# Who runs in an output folder.
room(pipeline/lease USES pipeline/base pipeline/store)
# The contract between engine and stages, and between engine and report: headers only.
room(pipeline USES pipeline/base pipeline/config pipeline/store)
# The pipeline file, steps multiplied out into tasks, and the key of each.
room(pipeline/dag USES pipeline/base pipeline/config pipeline/store pipeline)
# Who runs which unit, and when to stop or to save: the work queue, stealing, signals, deadlines, the watchdog.
room(pipeline/schedule USES pipeline/base pipeline/comm pipeline/dag)
# A task's life: ready, opened, in a round, summed, decided, committed or failed; and its checkpoints.
room(pipeline/run USES pipeline/base pipeline/machine pipeline/comm pipeline/config pipeline/store pipeline/lease pipeline pipeline/dag pipeline/schedule)
# Artefacts as rows, for people and for programs outside.
room(pipeline/results USES pipeline/base pipeline/config pipeline/store)
# What the commands do.
room(pipeline/commands USES pipeline/base pipeline/machine pipeline/comm pipeline/config pipeline/store pipeline/lease pipeline pipeline/dag pipeline/run)
# What a user types: the command line, the manual page, a shell's completion.
room(pipeline/shell USES pipeline/base pipeline pipeline/dag pipeline/commands)

# --- data: samples, as images or tokens.
# Files as bytes: unpacked, in lines, as CSV or JSON, as lists of names.
room(data/bytes USES pipeline/base LIBRARIES PkgConfig::zlib PkgConfig::zstd PkgConfig::utf8proc PkgConfig::jansson ${SNAPPY_TARGET} ${LZ4_TARGET})
# Parquet files, as columns of values.
room(data/parquet USES pipeline/base data/bytes)
# 8-bit images: decoded, resized, prepared as a model wants them.
room(data/image USES pipeline/base LIBRARIES PkgConfig::png PkgConfig::jpeg ${WEBP_TARGET} PkgConfig::jansson)
# A text rewritten and cut into words: normalizers, patterns, pre-tokenizers.
room(data/words USES pipeline/base data/bytes LIBRARIES PkgConfig::pcre2 PkgConfig::utf8proc PkgConfig::jansson)
# Text to token ids.
room(data/tokenizer USES pipeline/base data/bytes data/words LIBRARIES PkgConfig::utf8proc PkgConfig::jansson PkgConfig::xxhash)
# The token ids of a whole dataset: documents tokenised, samples kept.
room(data/tokens USES pipeline/base data/bytes data/tokenizer)
# One file a format of datasets, and what they find.
room(data/formats USES pipeline/base data/bytes data/parquet data/image data/tokens)
# A dataset, and its samples as a model sees them.
room(data/dataset USES pipeline/base data/bytes data/image data/tokenizer data/tokens data/formats LIBRARIES PkgConfig::jansson)

# --- model: the transformer runtime.
room(model/kernels USES pipeline/base LIBRARIES blas::cblas ${ONEDNN_TARGET})
room(model/files USES pipeline/base)
room(model/config USES pipeline/base model/kernels model/files)
room(model/weights USES pipeline/base model/kernels model/files model/config)
room(model/forward USES pipeline/base model/kernels model/config model/weights)
# The table of kernels that a plug-in for a device implements.
room(model/cuda USES pipeline/base)
# Passes on a device, through that table.
room(model/device USES pipeline/base model/kernels model/config model/weights model/forward model/cuda)
# What architectures have in common: decoders like Llama, models with LayerNorm, vision transformers.
room(model/families USES pipeline/base model/kernels model/config model/weights model/forward)
# One file an architecture, and the list of them all.
room(model/arch/vision USES pipeline/base model/kernels model/config model/weights model/forward model/families)
room(model/arch USES pipeline/base model/kernels model/config model/weights model/forward model/families model/arch/vision)
room(model USES pipeline/base model/kernels model/files model/config model/weights model/forward model/device model/arch)

# --- stages: what a pipeline is made of. The only layer that sees the other three.
room(stages/common USES pipeline data model)
room(stages/collect USES pipeline data model stages/common)
room(stages/score USES pipeline data model stages/common)
# Statistics and scores once more, of a model with neurons pruned.
room(stages/recollect USES pipeline data model stages/common stages/collect stages/score)
room(stages/prune USES pipeline data model stages/common stages/recollect)
room(stages/cluster USES pipeline model stages/common LIBRARIES metis::metis ${IGRAPH_TARGET})
room(stages/intersect USES pipeline stages/common)
# Figures as gnuplot's scripts, as data, and as what the report's page makes of them.
room(stages/drawing USES pipeline)
# One file a kind of figure, and what they make of artefacts.
room(stages/figures USES pipeline stages/drawing)
room(stages/report USES pipeline stages/drawing stages/figures)
# A pruning as a model folder that other programs load.
room(stages/export USES pipeline data model stages/common)
room(stages USES pipeline data model stages/common stages/collect stages/score stages/prune stages/cluster stages/intersect stages/report stages/export)
