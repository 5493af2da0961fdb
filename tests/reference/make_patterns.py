#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/reference/tokenizers/patterns.json: patterns, and the words that the `tokenizers` package cuts with them.

Its patterns are Oniguruma's. `otherwise` are those that PCRE2 takes for something else: handed to it as they are, they must
give other words. `same` are read alike, or made at random; `refused` must be refused.
"""
import json
import random
from pathlib import Path

from tokenizers import Regex, pre_tokenizers

OUT = Path(__file__).resolve().parent / "tokenizers" / "patterns.json"
CHARACTERS = "aabBsSkK  \n\n\t1\u0663_.-&'\u00e9\u00c9\u6f22\u5b57\u3001\u00df\u017f\u212a\u0345\u03b9\u0399\uff21\u00b2\u00bd\u200d\u180e\u0085\u2028" \
             "\ufb01\U0001f600[]{}^$#\x0b\x1b\r\u2603$+ \u3007\u304c\u30f6\u0416\u0436\u0301\ufb06\u2167\u01c5"
HAN = r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t)?|\p{N}{1,3}"
OTHERWISE = [HAN, r"[\p{L}&&[^\p{Han}]]+", r"[a-z&&[^aeiou]]", r"[a[bc]]+", r"[^a[^b]]", r"[[^\s]&&[^\p{L}]]+", r"[\w&&[^\d_]]+", r"[a-k&&b-z&&[^d]]",
             r"\h+", r"\H+", r"[\h_]+", r"\v", r"[\v]", r"a{,2}", r"\p{L}{,2}\s", r"a{2}?b", r"a{1,2}+a", r"^.", r".$", r"\S+$", r"(?m:.+)", r"(?m:.)[^\n]",
             r"\p{Han}+", r"\p{Greek}+", r"[\p{Katakana}\p{Hiragana}]+", r"\s+", r"[^\s]+", r"\w+", r"\W+", r"[\w]+", r"[^\w\s]+", r"\bb", r"\Bb", r"\p{Letter}+",
             r"\p{Uppercase_Letter}", r"\p{alpha}+", r"\p{Punct}+", r"[[:punct:]]+", r"[[:alpha:]]+", r"[[:word:]]+", r"[[:^alpha:]]+", r"\p{White_Space}", r"\p{Alnum}+",
             r"\O\n", r"\u0041|\u00e9", r"\p{LC}+", r"\p{^L}+", r"a(?i)b|k", r"(?i:K)\S"]
SAME = [r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\s+(?!\S)|\s+",
        r"(?i:[sdmt]|ll|ve|re)|\p{N}{1,3}+|\s++$", r"a++", r"a*?b", r"(?<=a)b", r"(?<!a)b", r"(?=b)\S", r"(?>a|ab)b", r"(a|b)\1", r"(?<x>a)+", r"(?#c)b", r"\Ra",
        r"\x{41}|\x62", r"\t|\n|\e", r"[\]\[\-]", r"[a-c-]+", r"[-a]+", r"\Aa|\Z", r"a\Kb", r"[{}]|{|}|]", r"", r"x*", r"[\u4e00-\u9fa5]+", "[\u6f22-\u7000\u3001]+"]
REFUSED = [r"\X", r"(?<=a+)b", r"\y", r"\G", r"(?~ab)", r"(?x) a", r"(?W:a)", r"(?P<n>a)", r"(?1)", r"(?R)", r"(?(1)a)", r"(?<n>a)\k<n>", r"\g<1>", r"(*FAIL)", r"\Qa\E", r"\C",
           r"(?i:ss)", r"(?i:\u00e9)", "(?i:\u00df)", r"(?i:[\p{L}])", r"(?i:[^[.[^a-z]]$])", r"(?i:s(?:s))", r"a**", r"a{1}{2}", r"a{3,1}", r"*a", r"(?=a)*", r"\b+", r"[a-\d]", r"[\w-.]",
           r"[z-a]", r"[a-c-e]", r"[a", r"[]", r"[&&a]", r"[a&&]", r"[^\v[^[:^alpha:]\D]]", r"[[:foo:]]", r"\p{Nothing_Known}", r"\p{}", r"\pL", r"\p{In_Greek}", r"(a", r"a)", r"(?i", r"\1", r"(a\1)",
           r"\101", r"\0", r"\xC3\xA9", r"\x{110000}", r"\x{d800}", r"\cA", r"\i", "a\\", r"(?s:.)", r"(?u:a)", r"\N{1}{2}", r"[\R]", r"[\X]"]


def words(pattern, text):
    return [w for w, _ in pre_tokenizers.Split(Regex(pattern), "removed", invert=True).pre_tokenize_str(text)]


ATOMS = [r"a", r"b", r"B", r"s", r"k", " ", r"\n", "1", "_", r"\.", r".", r"\d", r"\D", r"\s", r"\S", r"\w", r"\W", r"\h", r"\H", r"\R", r"\O", r"\b", r"\B", r"^", r"$",
         r"\p{L}", r"\p{Lu}", r"\P{Ll}", r"\p{^N}", r"\p{Han}", r"\p{Greek}", r"\p{Latin}", r"\p{Alpha}", r"\p{Punct}", r"\p{M}", r"\p{S}", "\u00e9", "\u6f22", "{", "}", "]", "-", r"(?<=a)", r"(?<!\s)", r"(?<![ab]|\n.)"]
ITEMS = ["a", "b", "k", "s", "&", r"\n", "1", "_", "\u00e9", "\u6f22", ".", " ", r"\d", r"\D", r"\s", r"\S", r"\w", r"\W", r"\h", r"\p{L}", r"\P{L}", r"\p{^Lu}", r"\p{Han}",
         "[:alpha:]", "[:punct:]", "[:space:]", "[:^space:]", r"\]", r"\[", "a-z", "A-Z", "0-9", "[a-c]", "[^b]", r"[^\s]", "{", "$", r"\p{N}"]
REPEATS = [""] * 12 + ["*", "+", "?", "*?", "+?", "*+", "++", "{2}", "{1,2}", "{,2}", "{1,}", "{2}?", "{1,2}?", "{1,2}+"]
GROUPS = ["(", "(?:", "(?=", "(?!", "(?>", "(?m:", "(?<n>"]


def random_pattern(rng, depth=0):
    made = ""
    for _ in range(rng.randint(1, 3)):
        if depth < 2 and rng.random() < 0.2:
            made += rng.choice(GROUPS) + random_pattern(rng, depth + 1) + ")"
        elif rng.random() < 0.4:
            items = "".join(rng.choice(ITEMS) for _ in range(rng.randint(1, 3)))
            meets = "&&" + rng.choice(ITEMS) if rng.random() < 0.4 else ""
            made += "[" + ("^" if rng.random() < 0.3 else "") + items + meets + "]" + rng.choice(REPEATS)
        else:
            made += rng.choice(ATOMS) + rng.choice(REPEATS)
    return made + ("|" + random_pattern(rng, depth + 1) if depth < 2 and rng.random() < 0.2 else "")


def main():
    rng = random.Random(16)
    text = "".join(rng.choice(CHARACTERS) for _ in range(230)) + "aab aaab Abc'S the 12345 x\u6f22\u3001\u5b57Y don't\nend\n"
    made = []
    while len(made) < 150:
        pattern = random_pattern(rng)
        try:
            cut = words(pattern, text)
        except BaseException:  # Oniguruma has its own limits
            continue
        if cut:
            made.append(pattern)
    lists = {"otherwise": OTHERWISE, "same": SAME, "random": made}
    out = {"text": text, "refused": REFUSED} | {k: [{"pattern": p, "words": words(p, text)} for p in v] for k, v in lists.items()}
    OUT.write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")).replace('{"pattern"', '\n{"pattern"') + "\n")


if __name__ == "__main__":
    main()
