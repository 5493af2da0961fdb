// SPDX-License-Identifier: Apache-2.0
// Quantised weights of GGUF files back to float32, value for value as the `gguf` package's
// dequantize. A block is 32 values (Q4_0 … Q8_0) or a super-block of 256 (the K types); its scales
// are float16. All take whole blocks. Local.
//
//   Q8_0  d · q                      d f16, 32 × i8
//   Q4_0  d · (q - 8)                d f16, 16 bytes: value i in the low half of byte i, i + 16 in the high
//   Q4_1  d · q + m                  d, m f16, 16 bytes
//   Q5_0  d · (q - 16)               d f16, 32 fifth bits, 16 bytes
//   Q5_1  d · q + m                  d, m f16, 32 fifth bits, 16 bytes
//   Q4_K  d · s[j] · q - dmin · m[j] d, dmin f16, 12 bytes of 6-bit s and m for 8 sub-blocks, 128 bytes
//   Q5_K  the same with fifth bits   …, 32 bytes of fifth bits (bit j for sub-block j), 128 bytes
//   Q6_K  d · s[j] · (q - 32)        128 bytes low halves, 64 bytes top pairs, 16 × i8 s, d f16
#ifndef MODEL_FILES_QUANTS_H
#define MODEL_FILES_QUANTS_H

#include <stddef.h>

void quant_q8_0(const void *from, size_t blocks, float *to);
void quant_q4_0(const void *from, size_t blocks, float *to);
void quant_q4_1(const void *from, size_t blocks, float *to);
void quant_q5_0(const void *from, size_t blocks, float *to);
void quant_q5_1(const void *from, size_t blocks, float *to);
void quant_q4_k(const void *from, size_t blocks, float *to);
void quant_q5_k(const void *from, size_t blocks, float *to);
void quant_q6_k(const void *from, size_t blocks, float *to);

#endif
