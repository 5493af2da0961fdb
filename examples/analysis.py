# SPDX-License-Identifier: Apache-2.0
"""Figures 1 and 3 of a run, from its artefacts with xarray and matplotlib: a beginning for analyses of your own.

    pip install xarray netCDF4 matplotlib
    python analysis.py runs/quickstart FOLDER [unlearn [overlap]]     (the output folder, where to write, the steps)
"""
import pathlib
import sys

import matplotlib
import xarray

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def tasks(run, step, axis):
    """A step's artefacts as one dataset along a swept parameter, which every artefact knows under its name."""
    opened = [xarray.open_dataset(path) for path in sorted((run / step).glob("*.nc"))]
    return xarray.concat([x.assign_coords({axis: x.coords.get(axis, "all")}) for x in opened], axis, join="outer")


def figure1(run, out, step="unlearn"):
    """What is left of the accuracy on each subset (rows) without the neurons of another (columns), beside random prunings."""
    x = tasks(run, step, "drop").transpose("drop", "subset", "forget", ...)
    figure, axes = plt.subplots(2, x.sizes["drop"], squeeze=False, figsize=(5 * x.sizes["drop"], 9), layout="constrained")
    for row, name in zip(axes, ["ratio", "ratio_random"]):
        for axis, drop in zip(row, x["drop"].values):
            image = axis.imshow(x[name].sel({"drop": drop}), vmin=0, vmax=1, cmap="viridis")
            axis.set_title(f"{name}, drop {drop}")
            axis.set_xticks(range(x.sizes["forget"]), x.forget.values, rotation=90)
            axis.set_yticks(range(x.sizes["subset"]), x.subset.values)
    figure.colorbar(image, ax=axes, shrink=0.5, label="share of the accuracy that is left")
    figure.savefig(out / "figure1.png", dpi=150)
    return x


def figure3(run, out, step="overlap", fraction=0.1):
    """How many of the top neurons two subsets share, in every model."""
    x = tasks(run, step, "model").sel(fraction=fraction, method="nearest")
    figure, axes = plt.subplots(1, x.sizes["model"], squeeze=False, figsize=(6 * x.sizes["model"], 5), layout="constrained")
    pairs = x.overlap.where(x.subset_a != x.subset_b)  # the diagonal is 1 by definition
    for axis, model in zip(axes[0], x.model.values):
        image = axis.imshow(pairs.sel(model=model), vmin=0, vmax=float(pairs.max()), cmap="magma")
        axis.set_title(f"{model}: top {float(x.fraction):.0%} of neurons, by chance {float(x.chance.sel(model=model)):.0%}")
        axis.set_xticks(range(x.sizes["subset_b"]), x.subset_b.values, rotation=90)
        axis.set_yticks(range(x.sizes["subset_a"]), x.subset_a.values)
    figure.colorbar(image, ax=axes, shrink=0.8, label="shared neurons")
    figure.savefig(out / "figure3.png", dpi=150)
    return x


if __name__ == "__main__":
    run, out, *steps = map(pathlib.Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    pruned, shared = figure1(run, out, *map(str, steps[:1])), figure3(run, out, *map(str, steps[1:2]))
    print(pruned.ratio.to_dataframe().groupby("drop").ratio.mean())
    print(shared.overlap_mean.to_series())
