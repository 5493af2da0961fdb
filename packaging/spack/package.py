# SPDX-License-Identifier: Apache-2.0
# A Spack recipe: spack repo create REPO; copy this to REPO/packages/sulcus/; spack repo add REPO; spack install sulcus
from spack_repo.builtin.build_systems.cmake import CMakePackage

from spack.package import *


class Sulcus(CMakePackage):
    """Which neurons of a transformer serve which task: scores neurons against subsets of data, prunes, clusters and intersects
    them. One MPI job, killed and resumed at will, with the same bits on any number of ranks."""

    homepage = "https://example.org/sulcus"
    git = "https://example.org/sulcus.git"  # set to where your clone is: spack develop, or file:///path

    maintainers("sulcus")
    license("Apache-2.0", checked_by="sulcus")

    version("main", branch="main")
    version("0.2.0", tag="v0.2.0")

    variant("onednn", default=True, description="products held against oneDNN in the tests")
    variant("parquet", default=True, description="Parquet files packed with Snappy and LZ4; those packed otherwise are read anyhow")
    variant("webp", default=True, description="WebP images")
    variant("igraph", default=True, description="communities of neurons")
    variant("gnuplot", default=True, description="figures of the report")

    depends_on("c", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi@3:")
    depends_on("netcdf-c@4.7:")  # any: a serial one is enough
    depends_on("blas")
    depends_on("onednn@2.5:3", when="+onednn")
    depends_on("metis@5.1: ~int64~real64")
    depends_on("igraph@0.10", when="+igraph")
    depends_on("libyaml@0.2:")
    depends_on("jansson@2.10:")
    depends_on("pcre2@10.30:")
    depends_on("utf8proc@2.4:")
    depends_on("xxhash@0.8:")
    depends_on("zlib-api")
    depends_on("zstd@1.4:")
    depends_on("snappy", when="+parquet")
    depends_on("lz4", when="+parquet")
    depends_on("libwebp", when="+webp")
    depends_on("jpeg")
    depends_on("libpng@1.6:")
    depends_on("gnuplot", type="run", when="+gnuplot")

    conflicts("%gcc@:11")
    conflicts("%clang@:13")

    def cmake_args(self):
        args = [self.define_from_variant("SULCUS_ONEDNN", "onednn"), self.define("BUILD_TESTING", False)]
        args += [self.define_from_variant("SULCUS_" + codec, "parquet") for codec in ("SNAPPY", "LZ4")]
        args += [self.define_from_variant("SULCUS_WEBP", "webp"), self.define_from_variant("SULCUS_IGRAPH", "igraph")]
        if not self.spec.satisfies("^[virtuals=blas] openblas"):
            args.append(self.define("BLAS_LIBRARIES", self.spec["blas"].libs.joined(";")))
        return args

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def smoke(self):
        Executable(self.prefix.bin.sulcus)("--smoke")

    def test_smoke(self):
        """A pipeline of seconds against known numbers."""
        Executable(self.prefix.bin.sulcus)("--smoke")
