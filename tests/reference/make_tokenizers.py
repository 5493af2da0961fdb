#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/reference/tokenizers: hard strings, tokenizers of real families, and the ids the `tokenizers` package gives.

The families' own vocabularies are large; what decides whether a tokenizer is read right is in their rules. So each is
the family's real normalizer, pre-tokenizer, post-processor, decoder and model options around a small vocabulary trained
on the example text. The embedded Mistral's tokenizer is taken as it is.

strings.bin: for each string its length (uint32, little-endian) and bytes. NAME.ids: a line of ids for each string.
"""
import json
import random
import struct
import sys
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


def main():
    OUT.mkdir(exist_ok=True)
    texts, strings = corpus()
    digits = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                      pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    made = {
        "gpt2": byte_level(texts, 700, pre_tokenizers.ByteLevel(add_prefix_space=False), ["<|endoftext|>"]),
        "prefixed": byte_level(texts, 500, pre_tokenizers.ByteLevel(add_prefix_space=True), ["<s>", "</s>"], bos("<s>")),
        "llama3": byte_level(texts, 900, split(LLAMA3), ["<|begin_of_text|>", "<|eot_id|>"], bos("<|begin_of_text|>"), ignore_merges=True),
        "qwen2": byte_level(texts, 800, split(QWEN2), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizer=normalizers.NFC()),
        "smollm": byte_level(texts, 700, digits, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]),
        "metaspace": metaspace(texts, 900),
    }
    for name, t in made.items():
        path = OUT / f"{name}.json"
        path.write_text(json.dumps(json.loads(t.to_str()), ensure_ascii=False, separators=(",", ":")))
        made[name] = Tokenizer.from_file(str(path))
    made["mistral"] = Tokenizer.from_file(str(ROOT / "examples/mistral-debtext/tokenizer.json"))
    (OUT / "strings.bin").write_bytes(b"".join(struct.pack("<I", len(s)) + s for s in strings))
    for name, t in made.items():
        lines = [" ".join(map(str, t.encode(s.decode("utf-8", "replace")).ids)) for s in strings]
        (OUT / f"{name}.ids").write_text("\n".join(lines) + "\n")
    print(len(strings), "strings", {n: t.get_vocab_size() for n, t in made.items()}, file=sys.stderr)


if __name__ == "__main__":
    main()
