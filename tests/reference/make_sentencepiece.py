#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/reference/tokenizers/sentencepiece.gguf and .ids: a vocabulary trained by SentencePiece itself with Llama 2's settings, packed as
llama.cpp's converter packs one (pieces, scores, types), and the ids that SentencePiece gives the strings of strings.bin (make_tokenizers.py).

A line `-` stands for a string on which the two are not comparable: malformed UTF-8, and names of special tokens, which SentencePiece takes for text.
"""
import io
import struct

import gguf
import sentencepiece

from make_tokenizers import OUT, corpus

CONTROL = ("<s>", "</s>", "<unk>")


def train(texts):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line for t in texts for line in t.split("\n") if line), model_writer=model, model_type="bpe", vocab_size=1200,
        byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True, add_dummy_prefix=True,
        allow_whitespace_only_pieces=True, character_coverage=0.99, num_threads=1, minloglevel=2)
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def kind(p, i):
    if p.is_unknown(i):
        return gguf.TokenType.UNKNOWN
    if p.is_control(i):
        return gguf.TokenType.CONTROL
    return gguf.TokenType.BYTE if p.is_byte(i) else gguf.TokenType.NORMAL


def main():
    texts, strings = corpus()
    p = train(texts)
    size = p.get_piece_size()
    w = gguf.GGUFWriter(str(OUT / "sentencepiece.gguf"), "llama")
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list([p.id_to_piece(i).encode() for i in range(size)])
    w.add_token_scores([p.get_score(i) for i in range(size)])
    w.add_token_types([kind(p, i) for i in range(size)])
    w.add_bos_token_id(p.bos_id())
    w.add_eos_token_id(p.eos_id())
    w.add_unk_token_id(p.unk_id())
    w.add_add_bos_token(True)
    w.add_add_space_prefix(True)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()
    lines = []
    for s in strings:
        try:
            text = s.decode()
            comparable = not any(c in text for c in CONTROL)
        except UnicodeDecodeError:
            comparable = False
        lines.append(" ".join(map(str, [p.bos_id()] + p.encode(text))) if comparable else "-")
    (OUT / "sentencepiece.ids").write_text("\n".join(lines) + "\n")
    print(size, "pieces;", sum(line != "-" for line in lines), "of", len(lines), "strings")


if __name__ == "__main__":
    main()
