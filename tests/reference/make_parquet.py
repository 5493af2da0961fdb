# SPDX-License-Identifier: Apache-2.0
"""Makes the fixtures of data/parquet and of `format: parquet`: tests/reference/parquet.

    python tests/reference/make_parquet.py     (from the repository root; pyarrow 26, datasets 5.2, pillow below 13)

files/NAME.parquet     every codec × page version, in each a column for every encoding × type × nesting; and, put together here byte
                       by byte, what pyarrow no longer writes: BIT_PACKED levels, LZ4 in Hadoop's frames, lists of two levels
files/cases.txt        a file a line: its name and that of its values
files/values-N.txt     a column a line, as pyarrow reads it: NAME VALUE..., where a value is - (null), xHEX (bytes), a number,
                       rHEX (the bits of a double), t or f, and a list of them [a,b]
refused/NAME.parquet   one thing each that is refused
wrong/NAME.parquet     a row each that is wrong as data
../../fuzz/corpus      seeds of tests/fuzz/fuzz_parquet.c
text/, quiz/, glyphs/  what datasets.to_parquet makes of some of the examples: documents in shards, questions, images with labels; and
                       text-jsonl/, quiz-csv/ the same documents as JSON lines, the same questions as MMLU's CSV
"""
import csv
import gzip
import io
import json
import pathlib
import shutil
import struct

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
OUT = HERE / "parquet"
ROWS, GROUP = 17, 10


# --- Values, as the tests compare them

def spell(v):
    if v is None:
        return "-"
    if isinstance(v, bool):
        return "t" if v else "f"
    if isinstance(v, int):
        return str(v)
    if isinstance(v, float):
        return "r" + struct.pack(">d", v).hex()
    if isinstance(v, str):
        v = v.encode()
    if isinstance(v, bytes):
        return "x" + v.hex()
    return "[" + ",".join(map(spell, v)) + "]"


def leaves(name, kind, take):
    """(name, function of a row) of every leaf below a column, named as sulcus names it."""
    if pa.types.is_struct(kind):
        for field in kind:
            yield from leaves(f"{name}.{field.name}", field.type,
                              lambda row, take=take, key=field.name: descend(take(row), key))
    elif pa.types.is_list(kind):
        yield from leaves(name, kind.value_type, take)
    else:
        yield name, take


def descend(v, key):
    if isinstance(v, list):
        return [descend(e, key) for e in v]
    return None if v is None else v[key]


def values_of(table):
    rows = table.to_pylist()
    lines = []
    for field in table.schema:
        for name, take in leaves(field.name, field.type, lambda row, key=field.name: row[key]):
            lists = "list" in str(field.type)
            lines.append(name + " " + " ".join(spell([] if lists and take(r) is None else take(r)) for r in rows))
    return "\n".join(lines) + "\n"


known, cases = {}, []


def note_case(name, values=None):
    """Notes what pyarrow reads in files/NAME.parquet."""
    values = values or values_of(pq.read_table(OUT / f"files/{name}.parquet"))
    if values not in known:
        known[values] = f"values-{len(known) + 1}"
        (OUT / f"files/{known[values]}.txt").write_text(values)
    cases.append(f"{name} {known[values]}")


# --- What pyarrow writes

def words(i):
    return "" if i % 7 == 3 else ("prefix of number " if i % 3 else "ä€😀") + str(i * 17 % 10)


def some(value, i):
    return None if i % 4 == 1 else value


COLUMNS = {  # name: (type, values by row, encodings)
    "text": (pa.field("", pa.string(), nullable=False), lambda i: words(i), "PLAIN DICT DELTA_LENGTH_BYTE_ARRAY DELTA_BYTE_ARRAY"),
    "maybe": (pa.string(), lambda i: some(words(i), i), "PLAIN DICT DELTA_LENGTH_BYTE_ARRAY DELTA_BYTE_ARRAY"),
    "int": (pa.int32(), lambda i: some(i * i * 7919 - 100000 * (i % 5), i), "PLAIN DICT DELTA_BINARY_PACKED"),
    "long": (pa.field("", pa.int64(), nullable=False), lambda i: (-1) ** i * 3 ** i, "PLAIN DICT DELTA_BINARY_PACKED"),
    "unsigned": (pa.uint32(), lambda i: 4294967295 - i, "PLAIN DELTA_BINARY_PACKED"),
    "truth": (pa.bool_(), lambda i: some(i % 3 == 0, i), "PLAIN RLE"),
    "real": (pa.float64(), lambda i: i / 3 - 5, "PLAIN DICT"),
    "small": (pa.float32(), lambda i: i / 4, "PLAIN"),
    "pair": (pa.struct([pa.field("word", pa.string()), pa.field("number", pa.int64(), nullable=False)]),
             lambda i: some({"word": some(words(i), i // 2), "number": i}, i), "PLAIN"),
    "list": (pa.list_(pa.string()), lambda i: some([some(words(i + k), k) for k in range(i % 5)], i),
             "PLAIN DICT DELTA_LENGTH_BYTE_ARRAY DELTA_BYTE_ARRAY"),
    "four": (pa.field("", pa.list_(pa.field("item", pa.string(), nullable=False)), nullable=False), lambda i: [str(i), "b", "cc", "d"], "PLAIN"),
    "numbers": (pa.list_(pa.int32()), lambda i: list(range(-i, i % 3)), "PLAIN DICT DELTA_BINARY_PACKED"),
    "pairs": (pa.list_(pa.struct([("word", pa.string()), ("yes", pa.bool_())])),
              lambda i: [some({"word": words(k), "yes": k == i}, k) for k in range(i % 4)], "PLAIN"),
    "deep": (pa.struct([("list", pa.list_(pa.string()))]), lambda i: some({"list": some(["x"] * (i % 3), i // 3)}, i), "PLAIN"),
    "null": (pa.string(), lambda i: None, "PLAIN DICT"),
}


def leaf_path(name, field):
    kind = field.type
    return {"list": f"{name}.list.element", "four": f"{name}.list.element", "numbers": f"{name}.list.element"}.get(name.split("_")[0], name) \
        if pa.types.is_list(kind) else name


def matrix():
    fields, arrays, dictionary, encoding = [], [], [], {}
    for name, (kind, value, encodings) in COLUMNS.items():
        for e in encodings.split():
            column = f"{name}_{e[:3] if e != 'DELTA_LENGTH_BYTE_ARRAY' else 'LEN'}"
            field = kind.with_name(column) if isinstance(kind, pa.Field) else pa.field(column, kind)
            fields.append(field)
            arrays.append(pa.array([value(i) for i in range(ROWS)], field.type))
            if e == "DICT":
                dictionary.append(leaf_path(column, field))
            elif e != "PLAIN":
                encoding[leaf_path(column, field)] = e
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    for codec in "none", "snappy", "gzip", "zstd", "lz4":
        for version in "1.0", "2.0":
            name = f"{codec}-{version[0]}"
            pq.write_table(table, OUT / f"files/{name}.parquet", compression=codec, data_page_version=version, use_dictionary=dictionary,
                           version="1.0" if codec == "gzip" else "2.6",  # PLAIN_DICTIONARY
                           column_encoding=encoding, row_group_size=GROUP, data_page_size=40, write_batch_size=9, write_statistics=False,
                           store_schema=False, write_page_checksum=codec == "zstd")
            note_case(name)


def odd():
    """Sizes at the edges: no rows, no row groups, groups of one row, a dictionary that was given up, long runs."""
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), OUT / "files/empty.parquet", store_schema=False)
    note_case("empty")
    with pq.ParquetWriter(OUT / "files/no-groups.parquet", pa.schema([("text", pa.string())])):
        pass
    note_case("no-groups")
    pq.write_table(pa.table({"text": ["a", None, "c"], "n": [1, 2, 3]}), OUT / "files/small-groups.parquet", row_group_size=1,
                   store_schema=False, write_statistics=True)
    note_case("small-groups")
    many = pa.table({"text": [f"{i * 7 % 1000:06}" for i in range(250)], "run": [i // 120 for i in range(250)],
                     "wide": [(i * 2654435761 << 20) % 2**63 for i in range(250)]})
    pq.write_table(many, OUT / "files/fallback.parquet", dictionary_pagesize_limit=500, store_schema=False, data_page_size=1000,
                   use_dictionary=["text", "run"], column_encoding={"wide": "DELTA_BINARY_PACKED"}, compression="zstd")
    note_case("fallback")


# --- What pyarrow does not write: a writer of one row group and pages of the first version

def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def number(n):
    return varint(n << 1 if n >= 0 else (-n << 1) - 1)


class Long(int):
    """An integer that is 64 bits wide."""


def thrift(*fields):
    """A struct of (id, value): int, bytes, list of ints, of bytes or of structs, or a struct, which is a tuple of such."""
    out, before = b"", 0
    for key, value in fields:
        kind = 6 if isinstance(value, Long) else 5 if isinstance(value, int) else 8 if isinstance(value, bytes) else 9 if isinstance(value, list) else 12
        out += bytes([key - before << 4 | kind])
        before = key
        if kind in (5, 6):
            out += number(value)
        elif kind == 8:
            out += varint(len(value)) + value
        elif kind == 12:
            out += thrift(*value)
        else:
            inner = 5 if value and isinstance(value[0], int) else 8 if value and isinstance(value[0], bytes) else 12
            out += bytes([min(len(value), 15) << 4 | inner]) + (varint(len(value)) if len(value) > 14 else b"")
            out += b"".join(number(v) if inner == 5 else varint(len(v)) + v if inner == 8 else thrift(*v) for v in value)
    return out + b"\0"


def write(name, rows, tree, chunks, footer=(), folder="files"):
    """tree: SchemaElements; chunks: (path, type, codec, entries, bytes of the page as packed, its unpacked size, encodings of values and levels)."""
    out, columns = b"PAR1", []
    for path, kind, codec, entries, body, size, encoding, levels in chunks:
        head = thrift((1, 0), (2, size), (3, len(body)), (5, ((1, entries), (2, encoding), (3, levels), (4, levels))))
        columns.append(((2, Long(len(out))), (3, ((1, kind), (2, [encoding]), (3, path), (4, codec), (5, Long(entries)),
                                                  (6, Long(len(head) + size)), (7, Long(len(head) + len(body))), (9, Long(len(out)))))))
        out += head + body
    foot = thrift((1, 1), (2, tree), (3, Long(rows)), (4, [((1, columns), (2, Long(0)), (3, Long(rows)))]), *footer)
    (OUT / folder / f"{name}.parquet").write_bytes(out + foot + struct.pack("<I", len(foot)) + b"PAR1")


def texts(values):
    return b"".join(struct.pack("<I", len(v)) + v for v in values)


def runs(levels):
    """Levels of one bit or two as the first version has them: their length, then a run each."""
    out = b"".join(varint(2) + bytes([level]) for level in levels)
    return struct.pack("<I", len(out)) + out


def high_bits(levels, width):
    bits = "".join(f"{level:0{width}b}" for level in levels)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def root(n):
    return ((4, b"schema"), (5, n))


def leaf(name, kind, repetition, *more):
    return ((1, kind), (3, repetition), (4, name), *more)


def group(name, repetition, children, *more):
    return ((3, repetition), (4, name), (5, children), *more)


def by_hand():
    BYTES, REQUIRED, OPTIONAL, REPEATED, LIST = 6, 0, 1, 2, (6, 3)
    # The values of this one are by the format's description: pyarrow takes the bits from the other end.
    there = [1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1]
    body = high_bits(there, 1) + texts([b"v%d" % i for i, d in enumerate(there) if d])
    pair = [2, 0, 1, 2, 2]
    body_2 = high_bits(pair, 2) + texts([b"w%d" % i for i, d in enumerate(pair) if d == 2])
    write("bits", 11, [root(1), leaf(b"text", BYTES, OPTIONAL)], [([b"text"], BYTES, 0, 11, body, len(body), 0, 4)])
    note_case("bits", "text " + " ".join(spell(b"v%d" % i if d else None) for i, d in enumerate(there)) + "\n")
    write("bits-pair", 5, [root(1), group(b"p", OPTIONAL, 1), leaf(b"text", BYTES, OPTIONAL)],
          [([b"p", b"text"], BYTES, 0, 5, body_2, len(body_2), 0, 4)])
    note_case("bits-pair", "p.text " + " ".join(spell(b"w%d" % i if d == 2 else None) for i, d in enumerate(pair)) + "\n")

    plain = texts([b"word %d" % (i % 3) for i in range(60)])
    cut = len(plain) // 2
    frames = b""
    for part in plain[:cut], plain[cut:]:
        packed = pa.compress(part, codec="lz4_raw", asbytes=True)
        frames += struct.pack(">II", len(part), len(packed)) + packed
    tree = [root(1), leaf(b"text", BYTES, REQUIRED)]
    write("lz4-hadoop", 60, tree, [([b"text"], BYTES, 5, 60, frames, len(plain), 0, 3)])
    note_case("lz4-hadoop", "text " + " ".join(spell(b"word %d" % (i % 3)) for i in range(60)) + "\n")  # pyarrow wants one frame
    packed = pa.compress(plain, codec="lz4_raw", asbytes=True)
    write("lz4-bare", 60, tree, [([b"text"], BYTES, 5, 60, packed, len(plain), 0, 3)])
    note_case("lz4-bare")

    # Lists of two levels: a repeated field alone; in a LIST; a LIST of structs; and Hive's names, which are of three.
    tree = [root(4), leaf(b"bare", BYTES, REPEATED, (6, 0)),
            group(b"old", OPTIONAL, 1, LIST), leaf(b"array", BYTES, REPEATED, (6, 0)),
            group(b"tuple", OPTIONAL, 1, LIST), group(b"tuple_tuple", REPEATED, 1), leaf(b"word", BYTES, REQUIRED, (6, 0)),
            group(b"hive", OPTIONAL, 1, LIST), group(b"bag", REPEATED, 1), leaf(b"array_element", BYTES, OPTIONAL, (6, 0))]
    # Rows: [a, b], [], [c]; of those that may be null the middle one is.
    write("old-lists", 3, tree, [
        ([b"bare"], BYTES, 0, 4, b := runs([0, 1, 0, 0]) + runs([1, 1, 0, 1]) + texts([b"a", b"b", b"c"]), len(b), 0, 3),
        ([b"old", b"array"], BYTES, 0, 4, b := runs([0, 1, 0, 0]) + runs([2, 2, 0, 2]) + texts([b"a", b"b", b"c"]), len(b), 0, 3),
        ([b"tuple", b"tuple_tuple", b"word"], BYTES, 0, 4, b, len(b), 0, 3),
        ([b"hive", b"bag", b"array_element"], BYTES, 0, 4, b := runs([0, 1, 0, 0]) + runs([3, 2, 0, 3]) + texts([b"a", b"c"]), len(b), 0, 3)])
    note_case("old-lists")

    tree = [root(1), leaf(b"text", BYTES, REQUIRED)]
    page = ([b"text"], BYTES, 0, 1, texts([b"a"]), 5, 0, 3)
    write("encrypted", 1, tree, [page], [(8, ((1, ()),))], "refused")
    write("lzo", 1, tree, [page[:2] + (3,) + page[3:]], folder="refused")


def refused():
    def one(name, column, **more):
        pq.write_table(pa.table({"text": column}), OUT / f"refused/{name}.parquet", store_schema=False, **more)
    one("brotli", ["a"] * 50, compression="brotli")
    one("split", pa.array([1, 2], pa.int32()), use_dictionary=False, column_encoding={"text": "BYTE_STREAM_SPLIT"})
    one("fixed", pa.array([b"ab"], pa.binary(2)))
    one("int96", pa.array([0], pa.timestamp("ns")), use_deprecated_int96_timestamps=True)
    one("nested", pa.array([[["a"]]], pa.list_(pa.list_(pa.string()))))


def wrong():
    def one(name, **columns):
        pq.write_table(pa.table(columns), OUT / f"wrong/{name}.parquet", compression="none", store_schema=False, write_statistics=False)
    one("null-text", text=["a", "b", None])
    one("number-text", text=[1])
    one("no-utf8", text=pa.array([b"a", b"\xff"]))
    one("list-text", text=[["a"]])
    one("null-subset", text=["a", "b"], set=["x", None])
    one("named-subset", text=["a"], set=["x\ny"])
    one("other-kinds", text=["a", "b", "c"], set=[2.5, 2.5, 1.0], on=[True, False, True], number=[7, 7, 8])
    png = (HERE / "images/bits1.png").read_bytes()
    image = {"bytes": png, "path": "a.png"}
    one("null-image", image=[image, None], label=[0, 0])
    one("no-image", image=[{"bytes": b"GIF89a", "path": ""}], label=[0])
    cut, lost = {"bytes": png[:len(png) // 2], "path": ""}, {"bytes": None, "path": "gone.png"}
    one("bad-images", image=[cut, image, image, lost, image, image, {"bytes": b"<html>", "path": ""}], label=[7, 7, None, 7, 7, 7, 7])
    one("late-image", image=[image, image, cut], label=[0, 1, 0])
    one("two-images", image=[image], mask=[image], label=[0])
    one("bare-image", png=[png], label=["b"])
    one("words", image=[image] * 3, label=["b", "a", "b"])
    one("null-label", image=[image], label=pa.array([None], pa.int64()))
    one("real-label", image=[image, image], label=[1.0, 1.5])
    one("negative-label", image=[image], label=[-1])
    good = {"question": ["q"], "choices": [["1", "2", "3", "4"]], "answer": [0], "subject": ["s"]}
    one("three-choices", **{**good, "choices": [["1", "2", "3"]]})
    one("null-choice", **{**good, "choices": [["1", "2", "3", None]]})
    one("answer-4", **{**good, "answer": [4]})
    one("answer-1", **{**good, "answer": [1]})
    one("answer-e", **{**good, "answer": ["E"]})
    one("answer-c", **{**good, "answer": ["C"]})
    one("no-subject", **{k: v for k, v in good.items() if k != "subject"})


# --- What hubs have

def hubs():
    keep, documents = {"bible": 12, "german": 12, "c_code": 12}, []
    for line in open(ROOT / "examples/debtext/test.jsonl", encoding="utf-8"):
        d = json.loads(line)
        name = d["meta"]["pile_set_name"]
        if keep.get(name, 0) > 0:
            keep[name] -= 1
            documents.append({"text": d["text"][:500], "meta": {"pile_set_name": name}, "id": len(documents)})
    (OUT / "text").mkdir()
    (OUT / "text-jsonl").mkdir()
    with open(OUT / "text-jsonl/documents.jsonl", "w", encoding="utf-8") as f:
        f.writelines(json.dumps(d, ensure_ascii=False) + "\n" for d in documents)
    for i in range(2):
        shard = datasets.Dataset.from_list(documents[i * 20:i * 20 + 20])
        shard.to_parquet(OUT / f"text/train-0000{i}-of-00002.parquet", batch_size=7)

    letters = datasets.ClassLabel(names=["A", "B", "C", "D"])
    features = datasets.Features({"question": datasets.Value("string"), "subject": datasets.Value("string"),
                                  "choices": datasets.List(datasets.Value("string")), "answer": letters})
    for split, name, most in ("test", "test", 12), ("dev", "dev", 3):
        rows = []
        for path in sorted((ROOT / "examples/debquiz" / split).glob("*.csv")):
            (OUT / "quiz-csv" / split).mkdir(parents=True, exist_ok=True)
            with open(path, newline="") as f, open(OUT / "quiz-csv" / split / path.name, "w", newline="") as to:
                for row in list(csv.reader(f))[:most]:
                    csv.writer(to).writerow(row)
                    rows.append({"question": row[0], "subject": path.name.rsplit("_", 1)[0], "choices": row[1:5], "answer": row[5]})
        rows = [r for part in range(most) for r in by_turns(rows, part)]
        (OUT / "quiz/all").mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_list(rows, features=features).to_parquet(OUT / f"quiz/all/{name}-00000-of-00001.parquet")

    fine = (ROOT / "examples/glyph100/fine_label_names.txt").read_text().split("\n")[:100]
    coarse = (ROOT / "examples/glyph100/coarse_label_names.txt").read_text().split("\n")[:20]
    raw, wanted, rows = gzip.open(ROOT / "examples/glyph100/test.bin.gz").read(), {"latin": 7, "digits": 7, "greek": 7, "hebrew": 7}, []
    for at in range(0, len(raw), 3074):
        name = coarse[raw[at]]
        if wanted.get(name, 0) == 0:
            continue
        wanted[name] -= 1
        planes = [Image.frombytes("L", (32, 32), raw[at + 2 + 1024 * c:at + 2 + 1024 * (c + 1)]) for c in range(3)]
        png = io.BytesIO()
        Image.merge("RGB", planes).save(png, "PNG", optimize=True)
        rows.append({"img": {"bytes": png.getvalue(), "path": f"{len(rows)}.png"}, "fine_label": raw[at + 1], "coarse_label": raw[at]})
    features = datasets.Features({"img": datasets.Image(), "fine_label": datasets.ClassLabel(names=fine),
                                  "coarse_label": datasets.ClassLabel(names=coarse)})
    (OUT / "glyphs").mkdir()
    datasets.Dataset.from_list(rows, features=features).to_parquet(OUT / "glyphs/test-00000-of-00001.parquet", batch_size=10)


def by_turns(rows, part):
    """The part-th question of each subject: in the file subjects are mixed, each in its own order."""
    seen = {}
    for r in rows:
        i = seen[r["subject"]] = seen.get(r["subject"], -1) + 1
        if i == part:
            yield r


def seeds():
    """Small files of every kind for the fuzzer, which has bytes for no others: tests/fuzz/corpus/parquet."""
    corpus = ROOT / "tests/fuzz/corpus/parquet"
    corpus.mkdir(exist_ok=True)
    table = pa.table({"text": ["a", "ab", "ab", None], "set": ["x", "y", "x", "x"], "list": [["a", "b"], [], None, ["a"]],
                      "n": [1, 2, 2, None], "on": [True, None, True, False]})
    encodings = {"text": "DELTA_BYTE_ARRAY", "set": "DELTA_LENGTH_BYTE_ARRAY", "list.list.element": "PLAIN", "n": "DELTA_BINARY_PACKED", "on": "RLE"}
    for codec in "none", "snappy", "gzip", "zstd", "lz4":
        for version in "1.0", "2.0":
            plain = {} if codec in ("snappy", "zstd") else {"use_dictionary": False, "column_encoding": encodings}
            pq.write_table(table, corpus / f"{codec}-{version[0]}.parquet", compression=codec, data_page_version=version, row_group_size=3,
                           write_statistics=False, store_schema=False, **plain)
    for path in [*OUT.glob("wrong/*.parquet"), *OUT.glob("refused/*.parquet"), *OUT.glob("files/*.parquet")]:
        if path.stat().st_size < 1500 and path.stem not in ("bare-image", "real-label", "two-images", "null-label", "negative-label"):
            shutil.copy(path, corpus / path.name)
    quiz = {"question": ["q", "r"], "choices": [["1", "2", "3", "4"]] * 2, "answer": [0, 3], "subject": ["s", "t"]}
    pq.write_table(pa.table(quiz), corpus / "questions.parquet", store_schema=False, write_statistics=False)
    (corpus / "README.md").write_text("---\ndataset_info:\n  features:\n  - name: label\n    dtype:\n      class_label:\n        names:\n"
                                      "          '0': a\n          '1': 'b: c'\n---\n# Text\n" + "\n")
    (corpus / "dataset_info.json").write_text('{"features": {"label": {"names": ["a", "b"], "_type": "ClassLabel"}}}')


shutil.rmtree(OUT, ignore_errors=True)
for folder in "files", "refused", "wrong":
    (OUT / folder).mkdir(parents=True)
matrix()
odd()
by_hand()
(OUT / "files/cases.txt").write_text("\n".join(cases) + "\n")
refused()
wrong()
hubs()
seeds()
print(sum(p.stat().st_size for p in OUT.rglob("*") if p.is_file()), "bytes")
