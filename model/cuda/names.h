// SPDX-License-Identifier: Apache-2.0
// Every name of CUDA's runtime that kernels and the plug-in use, in one place: a build for HIP gives
// these others (hipMalloc, __shfl_xor over 64 lanes, hipblasLt), and changes nothing else.
#ifndef MODEL_CUDA_NAMES_H
#define MODEL_CUDA_NAMES_H

#ifdef __CUDACC__
#include <cuda_runtime.h>

typedef cudaError_t gpu_error;
typedef cudaStream_t gpu_stream;
typedef cudaDeviceProp gpu_properties;
#define GPU_OK                cudaSuccess
#define GPU_NO_MEMORY         cudaErrorMemoryAllocation
#define GPU_NO_DEVICE         cudaErrorNoDevice
#define GPU_NO_DRIVER         cudaErrorInsufficientDriver
#define GPU_NO_IMAGE          cudaErrorNoKernelImageForDevice
#define GPU_BUSY              cudaErrorDevicesUnavailable
#define GPU_ECC               cudaErrorECCUncorrectable
#define gpu_malloc            cudaMalloc
#define gpu_free              cudaFree
#define gpu_host_malloc       cudaMallocHost
#define gpu_host_free         cudaFreeHost
#define gpu_memcpy_async      cudaMemcpyAsync
#define gpu_memset_async      cudaMemsetAsync
#define gpu_to_device         cudaMemcpyHostToDevice
#define gpu_to_host           cudaMemcpyDeviceToHost
#define gpu_within_device     cudaMemcpyDeviceToDevice
#define gpu_stream_create     cudaStreamCreate
#define gpu_stream_destroy    cudaStreamDestroy
#define gpu_stream_wait       cudaStreamSynchronize
#define gpu_last_error        cudaGetLastError
#define gpu_error_text        cudaGetErrorString
#define gpu_error_name        cudaGetErrorName
#define gpu_device_count      cudaGetDeviceCount
#define gpu_device_use        cudaSetDevice
#define gpu_device_properties cudaGetDeviceProperties
#define gpu_memory_info       cudaMemGetInfo
#define gpu_driver_version    cudaDriverGetVersion
#define gpu_runtime_version   cudaRuntimeGetVersion

// The value of the thread whose number in its warp differs in the bit `apart`.
template <typename value> static __device__ __forceinline__ value grid_from_lane(value x, int apart)
{
    return __shfl_xor_sync(0xffffffffu, x, apart);
}

// The first thread's value, which is the same in all of the warp: so the compiler knows that.
static __device__ __forceinline__ int grid_uniform(int x)
{
    return __shfl_sync(0xffffffffu, x, 0);
}

// Does the device have what follows? A build for HIP says 0, and attends in float32 (ops_attention).
// What all threads of a warp do at once is volatile, so that no compiler moves it into a branch.
#define GPU_HAS_SQUARES 1
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
#define GPU_SQUARES(...)         asm(__VA_ARGS__)
#define GPU_SQUARES_AT_ONCE(...) asm volatile(__VA_ARGS__)
#else
#define GPU_SQUARES(...)         ((void)0) // not called: see grid_has_squares
#define GPU_SQUARES_AT_ONCE(...) ((void)0)
#endif

static __device__ __forceinline__ uint32_t gpu_shared_place(const void *at)
{
    return (uint32_t)__cvta_generic_to_shared(at);
}

// Four matrices of 8 × 8 16-bit values out of shared memory: each lane has 16 aligned bytes, a row,
// eight lanes a matrix. PTX ISA, "ldmatrix": lane l gets values 2 · (l % 4) and the next of row l / 4
// of each; turned, rows and columns change places. `row`: its place in shared memory, in bytes.
static __device__ __forceinline__ void gpu_load_squares(uint32_t row, uint32_t x[4])
{
    GPU_SQUARES_AT_ONCE("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                        : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                        : "r"(row)
                        : "memory");
}
static __device__ __forceinline__ void gpu_load_turned(uint32_t row, uint32_t x[4])
{
    GPU_SQUARES_AT_ONCE("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                        : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                        : "r"(row)
                        : "memory");
}

// sum [16, 8] += a [16, 16] · b [16, 8], of bf16 with float32 sums: grid_warp.h says who has what.
static __device__ __forceinline__ void gpu_multiply_squares(const uint32_t a[4], uint32_t low,
                                                            uint32_t high, float sum[4])
{
    GPU_SQUARES_AT_ONCE("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(low), "r"(high));
}

// Two values to their nearest bf16, ties to even: `low` is in the lower half.
static __device__ __forceinline__ uint32_t gpu_pack(float low, float high)
{
    uint32_t pair = 0;
    GPU_SQUARES("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

// 2^x: 0 for -infinity, NaN for NaN.
static __device__ __forceinline__ float gpu_exp2(float x)
{
    float y = 0;
    GPU_SQUARES("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
#endif

#endif
