#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Makes the seeds of tests/fuzz/corpus that have no author: one small input of each kind that its reader takes.
#   tests/fuzz/seeds.py     writes them anew; what found a fault, and what was written by hand, stays
import base64
import gzip
import json
import pathlib
import struct
import subprocess
import zlib

tree = pathlib.Path(__file__).resolve().parents[2]
corpus = tree / "tests/fuzz/corpus"


def put(harness, name, content):
    path = corpus / harness / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# --- safetensors: header, data

def safetensors(tensors, data, metadata=None):
    header = {"__metadata__": metadata} if metadata else {}
    header.update({n: {"dtype": d, "shape": s, "data_offsets": o} for n, d, s, o in tensors})
    text = compact(header).encode()
    return struct.pack("<Q", len(text)) + text + data


put("safetensors", "kinds", safetensors(
    [("f", "F32", [2, 2], [0, 16]), ("h", "F16", [3], [16, 22]), ("b", "BF16", [1, 1, 1], [22, 24]), ("d", "F64", [], [24, 32]),
     ("i", "I64", [0], [32, 32]), ("u", "U8", [4], [32, 36])], bytes(range(36)), {"format": "pt"}))
put("safetensors", "index", compact(
    {"metadata": {"total_size": 16}, "weight_map": {"a.weight": "a.safetensors", "b.weight": "b.safetensors"}}))


# --- GGUF

def gguf_text(text):
    bytes_ = text.encode()
    return struct.pack("<Q", len(bytes_)) + bytes_


def gguf_value(value):
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + gguf_text(value)
    kind, pack = (8, gguf_text) if isinstance(value[0], str) else \
        (6, lambda x: struct.pack("<f", x)) if isinstance(value[0], float) else (5, lambda x: struct.pack("<i", x))
    return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(map(pack, value))


def gguf(keys, tensors=(), version=3):
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    head += b"".join(gguf_text(k) + gguf_value(v) for k, v in keys.items())
    data = b""
    for name, shape, kind, size in tensors:
        head += gguf_text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        head += struct.pack("<IQ", kind, len(data))
        data += bytes(i % 251 for i in range(size)) + b"\0" * (-size % 32)
    return head + b"\0" * (-len(head) % 32) + data


llama = {"general.architecture": "llama", "general.alignment": 32, "llama.vocab_size": 6, "llama.context_length": 16,
         "llama.embedding_length": 8, "llama.block_count": 1, "llama.feed_forward_length": 16, "llama.attention.head_count": 2,
         "llama.attention.head_count_kv": 1, "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 10000.0}
words = {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2", "tokenizer.ggml.tokens": ["a", "b", "ab", "Ġ", "1", "<s>"],
         "tokenizer.ggml.token_type": [1, 1, 1, 1, 1, 3], "tokenizer.ggml.merges": ["a b"], "tokenizer.ggml.bos_token_id": 5,
         "tokenizer.ggml.add_bos_token": True}
pieces = {"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>", "<0x0A>", "▁", "a", "b", "ab", "▁a"],
          "tokenizer.ggml.scores": [0.0, 0.0, 0.0, 0.0, -1.0, -2.0, -3.0, -0.5, -0.7],
          "tokenizer.ggml.token_type": [2, 3, 3, 6, 1, 1, 1, 1, 1], "tokenizer.ggml.bos_token_id": 1,
          "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.unknown_token_id": 0, "tokenizer.ggml.add_space_prefix": True}
put("gguf", "llama", gguf({**llama, **words}, [("token_embd.weight", [8, 6], 0, 192), ("output_norm.weight", [8], 0, 32)]))
sparse = {**llama, "llama.expert_count": 2, "llama.expert_used_count": 1, **words}
put("gguf", "sparse", gguf(sparse, [("token_embd.weight", [8, 6], 0, 192), ("blk.0.ffn_gate_inp.weight", [8, 2], 0, 64),
                                    ("blk.0.ffn_gate_exps.weight", [8, 16, 2], 1, 512), ("blk.0.ffn_up_exps.weight", [8, 16, 2], 1, 512),
                                    ("blk.0.ffn_down_exps.weight", [16, 8, 2], 1, 512)]))
put("gguf", "pieces", gguf({**llama, **pieces}))
put("gguf", "quants", gguf({"general.architecture": "other"}, [
    ("q8_0", [32], 8, 34), ("q4_0", [32], 2, 18), ("q4_1", [32], 3, 20), ("q5_0", [32], 6, 22), ("q5_1", [32], 7, 24),
    ("q4_k", [256], 12, 144), ("q5_k", [256], 13, 176), ("q6_k", [256], 14, 210), ("f16", [2, 2], 1, 8), ("bf16", [2], 30, 4)], 2))


# --- Tokenizers: a few tokens, all kinds of rules

def tokenizer(model, normalizer=None, pre=None, post=None, decoder=None, added=(), text=None):
    added = [{"id": i, "content": c, "special": True} for i, c in added]
    return compact({"version": "1.0", "added_tokens": added, "normalizer": normalizer, "pre_tokenizer": pre,
                    "post_processor": post, "decoder": decoder, "model": model}) + ("" if text is None else "\0" + text)


bytes_model = {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "Ġ": 4, "Ġa": 5, "1": 6, "2": 7, "Ċ": 8, ",": 9},
               "merges": ["a b", ["Ġ", "a"]]}
pieces_model = {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True,
                "vocab": {"<unk>": 0, "<s>": 1, "<0x0A>": 2, "▁": 3, "a": 4, "b": 5, "ab": 6, "▁a": 7}, "merges": ["a b", "▁ a"]}
level = {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}
put("tokenizer", "byte-level", tokenizer(bytes_model, pre=level, decoder={"type": "ByteLevel"}, added=[(10, "<s>")],
    post={"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
          "special_tokens": {"<s>": {"id": "<s>", "ids": [10]}}}, text="ab a,12 <s>\n ab"))
put("tokenizer", "sequence", tokenizer({**bytes_model, "ignore_merges": True},
    normalizer={"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
    pre={"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "\\p{N}{1,3}|[^\\s\\p{L}]+|\\s+(?!\\S)"}, "behavior": "Isolated", "invert": False},
        {"type": "Digits", "individual_digits": True}, {**level, "add_prefix_space": False, "use_regex": False}]},
    added=[(10, "<x>")]))
put("tokenizer", "metaspace", tokenizer(pieces_model, normalizer={"type": "Sequence", "normalizers": [
    {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
    decoder={"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
                                              {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}, text=" ab é\nb"))
put("tokenizer", "split-metaspace", tokenizer(pieces_model, pre={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}))
put("tokenizer", "wordpiece", tokenizer({"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9,
    "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "##b": 4, "ab": 5, ",": 6, "e": 7}}, normalizer={"type": "BertNormalizer", "clean_text": True,
    "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}, pre={"type": "BertPreTokenizer"},
    post={"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]}, text="Ab,É abb 漢a"))
put("tokenizer", "unigram", tokenizer({"type": "Unigram", "unk_id": 0, "byte_fallback": True, "vocab": [["<unk>", 0.0], ["\u2581", -2.0], ["a", -1.5],
    ["aa", -3.0], ["\u2581a", -2.5], ["<0xC3>", 0], ["\u0000", -1.0]]}, normalizer={"type": "Sequence", "normalizers": [
        {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(struct.pack("<2I", 4, 0) + b"x\0").decode()}, {"type": "Nmt"},
        {"type": "StripAccents"}, {"type": "Replace", "pattern": {"Regex": "[ \\t&&[^\\n]]{2,}"}, "content": " "}, {"type": "Strip", "strip_left": True, "strip_right": True}]},
    pre={"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"}]},
    decoder={"type": "Metaspace"}, text="a aa  é\x00aaa"))
put("tokenizer", "words", tokenizer({**pieces_model, "byte_fallback": False, "vocab": {**pieces_model["vocab"], "\u0000": 8}}, pre={"type": "Sequence", "pretokenizers": [
    {"type": "Whitespace"}, {"type": "Punctuation", "behavior": "MergedWithNext"}, {"type": "CharDelimiterSplit", "delimiter": "b"}]},
    post={"type": "RobertaProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0]}, text="ab, a.b ab"))
for name, pattern in (("found-match-ends-before-it-begins", "x(?=(?1))(?:(ab\\K)){0}"), ("found-no-jit", "(*NO_JIT)(a+)+$"),
                      ("found-quadratic", "(a+)+$")):
    put("tokenizer", name, tokenizer(bytes_model, pre={"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}, level]}, text="xab" + "a" * 40 + "b"))
put("tokenizer", "found-doubling-replaces", tokenizer(bytes_model, pre=level, normalizer={"type": "Sequence", "normalizers": [
    {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * 34}, text="a b a"))


# --- Datasets of numbers

def npy(descr, shape, data, version=1):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + data


put("samples", "rows.npy", npy("<u2", "(3, 4)", struct.pack("<12H", *range(12))))
put("samples", "line.npy", npy("<i8", "(5,)", struct.pack("<5q", *range(5)), 2))
put("samples", "negative.npy", npy("<i4", "(4,)", struct.pack("<4i", 1, 2, -100, 3)))
put("samples", "ids.bin", struct.pack("<20H", *range(20)))
put("samples", "images-idx3", b"\0\0\x08\3" + struct.pack(">3I", 2, 2, 3) + bytes(12))
put("samples", "labels-idx1", b"\0\0\x08\1" + struct.pack(">I", 2) + b"\1\2")
put("samples", "cifar10.gz", gzip.compress(b"\3" + bytes(3072), 9, mtime=0))
put("samples", "cifar100.gz", gzip.compress(b"\3\x10" + bytes(3072), 9, mtime=0))
put("samples", "names.txt", "".join(f"name{i}\n" for i in range(10)))
# As long as a .npy's header may be, its last key cut inside the value.
cut = b"\x93NUMPY\1\0" + struct.pack("<H", 4096)
put("samples", "found-descr-cut-at-the-end.npy", cut + b"{" + b" " * (4096 - 11) + b"'descr':'<")


# --- Text

lines = "".join(compact(o) + "\n" for o in (
    {"text": "one\ttwo é \ud83d\ude42".encode("utf-16", "surrogatepass").decode("utf-16"), "meta": {"pile_set_name": "A"}},
    {"meta": {"pile_set_name": "B"}, "text": "a longer text, so that it is cut at the context"},
    {"text": "", "other": [1, -2.5e3, True, None, {"a": []}], "meta": {"pile_set_name": "A"}}))
put("text", "lines.jsonl", lines)
put("text", "escapes.jsonl", '{"meta.pile_set_name":"A","text":"\\u00e9\\n\\ud83d\\ude42\\ud800\\"\\/"}\n\n')
put("text", "not-a-number.jsonl", '{"text":"a b","meta":{"pile_set_name":"A"},"score":NaN}\n')
put("text", "null-text.jsonl", '{"text":null,"meta":{"pile_set_name":"A"}}\n')
put("text", "lines.jsonl.gz", gzip.compress(lines.encode(), 9, mtime=0))
put("text", "gzip-trailing-zeros.gz", gzip.compress(lines.encode(), 9, mtime=0) + bytes(8))
packed = subprocess.run(["zstd", "-19", "-c"], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
put("text", "lines.jsonl.zst", packed)
put("text", "skippable-frame.zst", struct.pack("<II", 0x184D2A50, 4) + b"size" + packed)
put("text", "questions.csv", 'Which?,1,2,3,4,B\r\n"Which, ""then""?\nHere","a, b",b,c,d,A\n\nWhat is é?,a,b,c,d,D\n')
put("text", "plain.txt", "A line.\nAnother, longer than the context of the harness.\n\xe4\xff".encode("latin-1"))


# --- Images: PNGs of each kind, and small JPEGs of tests/reference

def png(width, height, depth, kind, rows, extra=b"", interlace=0):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace)) + extra + \
        chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


put("image", "grey.png", png(3, 2, 8, 0, b"\0abc\1def"))
put("image", "grey1.png", png(9, 2, 1, 0, b"\0ab\2cd"))
put("image", "grey16.png", png(2, 2, 16, 0, b"\0abcd\3efgh"))
put("image", "colour.png", png(2, 2, 8, 2, b"\0abcdef\4ghijkl"))
put("image", "alpha16.png", png(1, 2, 16, 6, b"\0abcdefgh\0ijklmnop"))
palette = struct.pack(">I", 6) + b"PLTE" + b"abcdef" + struct.pack(">I", zlib.crc32(b"PLTEabcdef"))
put("image", "palette.png", png(4, 2, 1, 3, b"\0\xa0\0\x50", palette))
put("image", "interlaced.png", png(3, 3, 8, 0, b"\0a\0b\0cd\0e\0f\0ghi", interlace=1))
put("image", "found-bomb.png", png(30000, 30000, 1, 0, bytes(64)))
for name in ("grey.jpg", "progressive.jpg", "cmyk.jpg", "sampling2.jpg"):
    put("image", name, (tree / "tests/reference/images" / name).read_bytes())


# --- What is in an output folder

events = [
    {"event": "run", "time": 1.5, "epoch": 1, "ranks": 2, "threads": 1, "memory": 1e6, "host": "h", "version": "0.2.0", "pipeline": "/p.yaml"},
    {"event": "input", "time": 1.5, "path": "/dev/null", "size": 0, "inode": 5, "mtime_ns": 1, "ctime_ns": 2, "digest": "0" * 32},
    {"event": "start", "time": 2, "task": "a[x=1]", "step": "a", "stage": "collect", "key": "k", "epoch": 1},
    {"event": "progress", "time": 2.5, "task": "a[x=1]", "round": 0, "done": 1, "units": 4, "rate": 0.5},
    {"event": "saved", "time": 2.6, "task": "a[x=1]", "round": 0, "done": 2, "units": 4, "next": 1.0},
    {"event": "resumed", "time": 2.7, "task": "a[x=1]", "round": 0, "done": 2, "units": 4, "epoch": 1},
    {"event": "done", "time": 3, "task": "a[x=1]", "step": "a", "stage": "collect", "key": "k", "path": "journal.jsonl",
     "digest": "0" * 32, "file_digest": "1" * 32, "bytes": 10, "mtime_ns": 5, "seconds": 1.0, "units": 4, "operations": 1e9, "ranks": 2,
     "threads": 1, "busy": 1.0, "worked": 1.0, "expected": 0.0, "alone": 0.1, "memory": 1e6, "fields": {"stage": "collect", "x": "1 \u00e9\n"}},
    {"event": "failed", "time": 4, "task": "b", "key": "k", "result": 3, "message": "b: no"},
    {"event": "wave", "time": 4, "units": 4, "ranks": 2},
    {"event": "end", "time": 5, "epoch": 1, "result": 0, "message": "", "saving_seconds": 0.1}]
put("store", "journal", "".join(compact(e) + "\n" for e in events))
put("store", "found-journal-largest-epoch", compact({"event": "run", "time": 1.0, "epoch": 2**63 - 1, "ranks": 1, "threads": 1}) + "\n")
put("store", "found-journal-torn", compact(events[0]) + "\n" + compact(events[6])[:100])
put("store", "lease", "id 12345678-12-1700000000.000000000\nhost node7\nboot 12345678-1234\nspace pid:[1]\npid 12\nstart 34\njob \nrestart \n"
    "since 2026-01-31 23:59:59\nbeat 0000000000\n")


def checkpoint(units, done, vector, bits, fields):  # fields: (type, items as bytes, length)
    head = b"succkpt1" + b"k" * 32 + b"\0" + bytes(7) + struct.pack("<6q2d", 1, 0, len(vector), units, done, 0, 1e9, 2.5)
    head += struct.pack("<q", len(fields)) + b"".join(struct.pack("<2q", t, n) for t, _, n in fields)
    return head, struct.pack(f"<{len(vector)}q", *vector) + bits + b"".join(b for _, b, _ in fields)


def put_checkpoint(name, fields_max, *what):
    head, rest = checkpoint(*what)
    put("store", name, head + bytes(16 * (fields_max - len(what[4]))) + rest)


FIELDS_MAX = int(next(line.split("=")[1].strip(" ,};\n") for line in (tree / "include/pipeline/base/partial.h").read_text().splitlines()
                      if "PARTIAL_MAX_FIELDS =" in line).split()[0])
put_checkpoint("checkpoint", FIELDS_MAX, 3, 2, [7, -1], struct.pack("<Q", 5), [(0, struct.pack("<q", 9), 1), (1, bytes(16), 1)])
put_checkpoint("checkpoint-begun", FIELDS_MAX, 3, 0, [1], b"", [])
put("store", "netcdf-head", b"\x89HDF\r\n\x1a\n" + bytes([2, 8, 8, 0]) + struct.pack("<4Q", 0, 2**64 - 1, 64, 48) + bytes(20))
