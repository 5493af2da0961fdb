#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/reference/tokenizers: hard strings, tokenizers of real families, and the ids the `tokenizers` package gives.

The families' own vocabularies are large; what decides whether a tokenizer is read right is in their rules. So each is
the family's real normalizer, pre-tokenizer, post-processor, decoder and model options around a small vocabulary trained
on the example text. The embedded Mistral's tokenizer is taken as it is.

strings.bin: for each string its length (uint32, little-endian) and bytes. NAME.ids: a line of ids for each string; "-" where
nothing is said, for long strings of the later families.

With names: makes these only.
"""
import json
import random
import struct
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

ROOT = Path(__file__).resolve().parents[2]
OUT = Path(__file__).resolve().parent / "tokenizers"
GPT2_ALPHABET = pre_tokenizers.ByteLevel.alphabet()
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

SCRIPTS = """The quick brown fox jumps over the lazy dog; it's 'Twas, they'LL and we'Ve I'm.
Voix ambiguë d'un cœur qui au zéphyr préfère les jattes de kiwis.
Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. ẞ ŉ ǆ ﬁ ﬃ
El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia; ¿añoraba?
Quel vituperabile xenofobo zelante assaggia il whisky ed esclama: alleluja!
Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία. ΑΒΓ ς σ Σ
Съешь же ещё этих мягких французских булок, да выпей чаю. Ѣ Ӂ
דג סקרן שט בים מאוכזב ולפתע מצא חברה שָׁלוֹם
نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر ومغلف بجلد أزرق ١٢٣٤
ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश करने वाले विष्णु १२३
আমি বাংলায় গান গাই। ক্ষ ১২৩৪৫
யாமறிந்த மொழிகளிலே தமிழ்மொழி போல் இனிதாவது எங்கும் காணோம்
తెలుగు దేశంబు ప్రజలు క్షేమం
เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์ ๑๒๓
ខ្ញុំអាចញ៉ាំកញ្ចក់បាន ដោយគ្មានបញ្ហា
აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ ႠႡႢ ᲐᲑ
Բել դղյակի ձախ ժամն օֆ ազգությանը ցպահանջ և
ሰማይ አይታረስ ንጉሥ አይከሰስ። ፩፪፫
ᎠᎡᎢᎣᎤᎥ ᏣᎳᎩ ꭰꭱ
ᚠᛇᚻ᛫ᛒᛦᚦ᛫ᚠᚱᚩᚠᚢᚱ᛫ᚠᛁᚱᚪ᛫ᚷᛖᚻᚹᛦᛚᚳᚢᛗ
■▲●◆★☂♞➤ ∀x∈ℝ: ⌈x⌉ = −⌊−x⌋ ½ ² Ⅷ ③ ㊿ 𝟘𝟙 𐄇
天地玄黃，宇宙洪荒。日月盈昃，辰宿列張。㐂𠀋𪚥
いろはにほへと ちりぬるを ｶﾀｶﾅ ガ か゚ 〇
다람쥐 헌 쳇바퀴에 타고파 각 (decomposed: 각)""".split("\n")

HARD = ["", " ", "  ", "   ", "\n", "\n\n", "\n\n\n x", "\t", " \t \n \t\n", "\r\n\r\n", "a\r\nb", "a\r\rb", "a \n b", "  a", "a  ", "a   b    c",
        "\u00a0x\u2003y\u3000z\u2028w\u0085v\u200bu\ufeffq", " \u00a0 \u2003", "x" * 300, "ab" * 200, " " * 130, "\n" * 70, "=" * 90,
        "1", "12", "123", "1234", "12345678901234567890", "3.14159e-10", "1,234,567.89", "0xDEADBEEF", "2024-02-29T23:59:59Z", "v1.2.3-rc4",
        " 1 22 333 4444", "a1b22c333", "१२३456٧٨٩", "²³¹½", "x²+y³", "Ⅳ.",
        "don't DON'T Don't dON'T 's 'S 'RE 'll've", "'", "''", "'''s", "’s can’t", "I'dn't", "'ſ", "o'K", "'tis", "it's's",
        "snake_case CamelCase kebab-case SCREAMING_CASE __init__ a.b.c() -> {x: [1, 2]}", "if (a<=b && c!=d) { return *p++; } // x\n\tfoo();\n",
        "def f(x):\n    return x ** 2\n\n\nclass A:\n\tpass\n", "<html><body class=\"x\">&nbsp;</body></html>", "https://example.org/a?b=c&d=%20e#f",
        "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f3f3\ufe0f\u200d\U0001f308 \U0001f1eb\U0001f1f7\U0001f1e9\U0001f1ea",
        "\U0001f44d\U0001f3fd\U0001f44d\U0001f3ff", "\u2764\ufe0f\u200d\U0001f525", "1\ufe0f\u20e3#\ufe0f\u20e3", "\U0001f9d1\U0001f3fb\u200d\U0001f4bb code",
        "e\u0301 \u00e9 a\u0308\u0323 \u1ea1\u0308 Z\u0351\u036b\u0343a\u0329\u030bl\u035bg\u0312o\u0345", "\u0301 alone", "\u1100\u1161\u11a8", "\u212b \u2126 \ufb03 \uff21\uff11",
        "\x00", "a\x00b", "\x01\x02\x7f", "\u0080\u009f", "\ufffd", "\uffff\ufffe", "\U0010ffff", "\ue000\uf8ff", "\u202eabc\u202c", "\u00ad soft",
        "▁", "▁▁x", "a▁b", " ▁ ", "<0x41>", "<0x0A>x", "Ġ Ċ Ã", "##x", "@@",
        "<s>", "</s>", "<unk>", "a<s>b", " <s> x", "<s></s>", "<s", "s>", "<|endoftext|>", "a <|endoftext|> b", "<|im_start|>user\nhi<|im_end|>\n",
        "<|begin_of_text|>x<|eot_id|>", "<|endoftext|", "<tool>  y", "x  <tool>", "<tool><tool>", "a<mask> b", "wordword", " word word.word word", "[INST] hi [/INST]"]

BROKEN = [b"\x80", b"a\xffb", b"\xc3", b"\xc3(", b"\xe2\x82", b"\xe2\x82x", b"\xf0\x9f\x98", b"\xf0\x9f\x98 \xf0\x9f\x98\x80", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80",
          b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe\xff", b"ok \xe4\xb8 half", b"\xef\xbf", b"<s\xff>", b" \xa0 ", b"\xe2\x96\x81\xe2\x96", b"caf\xe9 au lait"]


def corpus():
    texts = [json.loads(line) for line in (ROOT / "examples/debtext/test.jsonl").open()]
    pieces, seen = [], {}
    for t in texts:
        name = t["meta"]["pile_set_name"]
        seen[name] = seen.get(name, 0) + 1
        if seen[name] <= 2:
            pieces.append(t["text"][:600])
    rng = random.Random(7)
    alphabet = " \n\t'aZé9²-_.▁漢\u0301😀\u200d<s>\r"
    mixed = ["".join(rng.choice(alphabet) for _ in range(rng.randint(1, 60))) for _ in range(120)]
    strings = [s.encode() for s in SCRIPTS + HARD + pieces + mixed] + BROKEN
    return [t["text"] for t in texts] + SCRIPTS, strings


def byte_level(texts, size, pre, added, post=None, normalizer=None, ignore_merges=False):
    t = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, initial_alphabet=GPT2_ALPHABET, show_progress=False))
    t.add_special_tokens([AddedToken(a, normalized=False, special=True) for a in added])
    t.post_processor = post(t) if post else processors.ByteLevel(trim_offsets=False)
    return t


def bos(token):
    return lambda t: processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single=f"{token} $A", pair=f"{token} $A {token} $B", special_tokens=[(token, t.token_to_id(token))])])


def split(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated", False),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def metaspace(texts, size):
    """As Mistral v0.3 and newer Llama conversions: Metaspace instead of normalizers."""
    t = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    train = Tokenizer(models.BPE(unk_token="<unk>"))
    train.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=True)
    train.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, special_tokens=special, limit_alphabet=150, show_progress=False))
    model = json.loads(train.to_str())["model"]
    t.model = models.BPE(vocab=model["vocab"], merges=[tuple(m) for m in model["merges"]], byte_fallback=True, unk_token="<unk>", fuse_unk=True)
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    t.add_special_tokens([AddedToken(s, normalized=False, special=True) for s in ("<unk>", "<s>", "</s>")])
    t.add_tokens([AddedToken("<tool>", lstrip=True, rstrip=True, normalized=False), AddedToken("word", single_word=True, normalized=True)])
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A <s> $B", special_tokens=[("<s>", 1), ("</s>", 2)])
    return t


def bert(texts, size, normalizer, pre, post):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.decoder = decoders.WordPiece()
    t.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=size, limit_alphabet=170, show_progress=False,
                                                           special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    t.post_processor = post(t)
    return t


def cls_sep(t):
    return processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                         special_tokens=[(n, t.token_to_id(n)) for n in ("[CLS]", "[SEP]")])


CHARSMAP = """41\t61\n0D\t20\n0D 0A\t0A\n09\t20\nA0\t20\n3000\t20\n2003\t20\n1\t\n7F\t\nAD\t\n200B\t\nFF21\t41\nFB01\t66 69\nFB03\t66 66 69
BD\t31 2044 32\nB2\t32\n65 301\tE9\n61 308\tE4\n61 308 323\t1EA1 308\n212B\tC5\n2126\t3A9\n1100 1161 11A8\tAC01\n2603\t73 6E 6F 77\n0915 094D\t6B
2167\t56 49 49 49\n1D7D8\t30\n1F600\t3A 29\nE01\t67\n4E00\t2F00\n66 66\tFB00\n"""


def field(message, wanted):
    """The first field of a protobuf message that has this number and holds bytes."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = number()
        size = {0: 0, 1: 8, 5: 4}.get(key & 7)
        if size == 0:
            number()
            continue
        size = number() if size is None else size
        if key == wanted << 3 | 2:
            return message[at:at + size]
        at += size
    raise KeyError(wanted)


def charsmap():
    """A small table of SentencePiece's, made by itself."""
    import sentencepiece
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rules.tsv").write_text(CHARSMAP)
        (Path(folder) / "text").write_text("\n".join(SCRIPTS))
        sentencepiece.SentencePieceTrainer.train(input=f"{folder}/text", model_prefix=f"{folder}/m", vocab_size=600, hard_vocab_limit=False, character_coverage=1.0,
                                                 normalization_rule_tsv=f"{folder}/rules.tsv", minloglevel=2)
        return field(field((Path(folder) / "m.model").read_bytes(), 3), 2)  # normalizer_spec, precompiled_charsmap


def unigram(texts, size, normalizer, pre, single, byte_fallback=False):
    """As T5, XLM-R and SigLIP; some scores made equal, so that ties are broken."""
    train = Tokenizer(models.Unigram())
    train.normalizer = normalizer
    train.pre_tokenizer = pre
    special = ["<pad>", "</s>", "<unk>", "<s>"] + ([f"<0x{b:02X}>" for b in range(256)] if byte_fallback else [])
    common = {c for c, _ in Counter("".join(texts)).most_common(110)}  # it must hold all that it is trained on
    filtered = ["".join(c for c in text if c in common) for text in texts]
    train.train_from_iterator(filtered, trainers.UnigramTrainer(vocab_size=size, special_tokens=special, unk_token="<unk>", show_progress=False,
                                                             shrinking_factor=0.5, max_piece_length=8))
    vocab = [(p, round(s, 1)) for p, s in json.loads(train.to_str())["model"]["vocab"]]
    have = {p for p, _ in vocab}
    vocab += [(p, -9.0) for p in ("aa", "aaa", "aaaa", "ab", "aba", "ba", "x" * 5, "x" * 7, "==", "===", "\u0000") if p not in have]
    if byte_fallback:  # an incomplete set of bytes: the rest is unknown
        vocab = [(p, s) for p, s in vocab if p not in ("<0xF0>", "<0xE0>")]
    t = Tokenizer(models.Unigram(vocab, unk_id=2, byte_fallback=byte_fallback))
    t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.decoder = decoders.Metaspace()
    t.add_special_tokens([AddedToken(s, normalized=False, special=True) for s in ("<pad>", "</s>", "<unk>", "<s>")])
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False, special=True)])
    t.post_processor = processors.TemplateProcessing(single=single, pair="$A $B", special_tokens=[("<s>", 3), ("</s>", 1)])
    return t


def words(texts, size, pre, normalizer=None):
    """The quick tour of `tokenizers`: characters, cut at white space."""
    t = Tokenizer(models.BPE(unk_token="[UNK]"))
    t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, limit_alphabet=120, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False))
    t.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return t


def later(texts):
    n, p = normalizers, pre_tokenizers
    marks = p.Metaspace(replacement="\u2581", prepend_scheme="always")
    table = charsmap()
    return {
        "bert": lambda: bert(texts, 700, n.BertNormalizer(), p.BertPreTokenizer(), cls_sep),
        "cased": lambda: bert(texts, 600, n.BertNormalizer(clean_text=False, handle_chinese_chars=True, strip_accents=True, lowercase=False), p.Whitespace(), lambda t:
                              processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))),
        "t5": lambda: unigram(texts, 500, n.Precompiled(table), p.Sequence([p.WhitespaceSplit(), marks]), "$A </s>"),
        "xlmr": lambda: unigram(texts, 700, n.Sequence([n.Nmt(), n.NFKC(), n.Replace(Regex(" {2,}"), " "), n.Strip()]), marks, "<s> $A </s>", byte_fallback=True),
        "siglip": lambda: unigram(texts, 400, n.Sequence([n.Lowercase(), n.Replace(Regex(r"""[!"\#\$%\&'\(\)\*\+,\-\.:;=\?@\[\\\]\^_`\{\|\}\~]"""), ""),
                                                          n.Replace(Regex(r"\s+"), " "), n.Strip(), n.Precompiled(table)]),
                                  p.Metaspace(replacement="\u2581", prepend_scheme="first", split=False), "$A </s>"),
        "words": lambda: words(texts, 500, p.Whitespace()),
        "parts": lambda: words(texts, 400, p.Sequence([p.WhitespaceSplit(), p.Punctuation("merged_with_next"), p.Digits(), p.CharDelimiterSplit("e")]),
                               n.Sequence([n.NFKD(), n.StripAccents(), n.Lowercase(), n.Prepend("_"), n.Replace("th", "\u00fe")])),
        "roberta": lambda: byte_level(texts, 450, p.ByteLevel(add_prefix_space=False), ["<s>", "</s>"], lambda t:
                                      processors.RobertaProcessing(("</s>", t.token_to_id("</s>")), ("<s>", t.token_to_id("<s>")))),
    }


def main():
    OUT.mkdir(exist_ok=True)
    texts, strings = corpus()
    digits = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                      pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    made = {} if sys.argv[1:] else {
        "gpt2": byte_level(texts, 700, pre_tokenizers.ByteLevel(add_prefix_space=False), ["<|endoftext|>"]),
        "prefixed": byte_level(texts, 500, pre_tokenizers.ByteLevel(add_prefix_space=True), ["<s>", "</s>"], bos("<s>")),
        "llama3": byte_level(texts, 900, split(LLAMA3), ["<|begin_of_text|>", "<|eot_id|>"], bos("<|begin_of_text|>"), ignore_merges=True),
        "qwen2": byte_level(texts, 800, split(QWEN2), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizer=normalizers.NFC()),
        "smollm": byte_level(texts, 700, digits, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]),
        "metaspace": metaspace(texts, 900),
    }
    wanted = later(texts)
    made |= {name: make() for name, make in wanted.items() if not sys.argv[1:] or name in sys.argv[1:]}
    for name, t in made.items():
        path = OUT / f"{name}.json"
        path.write_text(json.dumps(json.loads(t.to_str()), ensure_ascii=False, separators=(",", ":")))
        made[name] = Tokenizer.from_file(str(path))
    if not sys.argv[1:]:
        made["mistral"] = Tokenizer.from_file(str(ROOT / "examples/mistral-debtext/tokenizer.json"))
        (OUT / "strings.bin").write_bytes(b"".join(struct.pack("<I", len(s)) + s for s in strings))
    for name, t in made.items():
        lines = ["-" if name in wanted and len(s) > 320 and i % 5 else " ".join(map(str, t.encode(s.decode("utf-8", "replace")).ids)) for i, s in enumerate(strings)]
        (OUT / f"{name}.ids").write_text("\n".join(lines) + "\n")
    print(len(strings), "strings", {n: t.get_vocab_size() for n, t in made.items()}, file=sys.stderr)


if __name__ == "__main__":
    main()
