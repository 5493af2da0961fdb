# SPDX-License-Identifier: Apache-2.0
"""Makes the fixtures of tests/unit/data: what Pillow and transformers make of images.

    python tests/reference/make_images.py      (Pillow below 13, transformers 5.23.0, numpy)

Pillow 13 resizes columns first where the height shrinks much more than the width; all before it resize rows first,
which is what the published models were run with and what resize.h promises. The results differ by 1 in 255.

images/resize.txt     one resize a line: seed, input height, width, channels, output height, width,
                      Pillow's number of the filter, CRC-32 of the output; `-` or, for a few, the output itself
images/decode.txt     one file a line: name, height, width; NAME.rgb beside it holds convert("RGB")
images/processor.txt  one case a line: folder of the config, seed, input height, width, channels, output
                      height, width, CRC-32 of the float32 output [channels, height, width]
Input images are made from a recipe that the tests follow too: byte i of image `seed` is the top byte of
(i + 1) × 2654435761 + seed × 2246822519 (mod 2^32), and where seed % 3 is 2 rather 255 where that is over 127, else 0.
"""
import collections, json, pathlib, warnings, zlib
import numpy as np
import PIL
from PIL import Image
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

assert int(PIL.__version__.split(".")[0]) < 13, "needs Pillow below 13: see above"
here = pathlib.Path(__file__).parent / "images"
here.mkdir(exist_ok=True)


def recipe(seed, h, w, c):
    i = np.arange(h * w * c, dtype=np.uint64)
    x = (((i + 1) * 2654435761 + seed * 2246822519) % 2**32 >> 24).astype(np.uint8)
    if seed % 3 == 2:
        x = np.where(x > 127, 255, 0).astype(np.uint8)
    return x.reshape(h, w, c) if c == 3 else x.reshape(h, w)


def resize():
    shapes = [(1, 1, 5, 7), (1, 9, 4, 3), (8, 8, 8, 8), (7, 5, 7, 9), (7, 5, 3, 5), (28, 28, 224, 224),
              (32, 32, 224, 224), (32, 32, 48, 31), (37, 53, 224, 224), (375, 500, 224, 224), (500, 333, 32, 32),
              (33, 65, 32, 64), (100, 3, 1, 1), (3, 100, 99, 2), (17, 23, 16, 22), (480, 640, 256, 341), (2, 2, 3, 3),
              (64, 64, 65, 63), (211, 199, 105, 100), (1000, 10, 7, 11)]
    lines, seed = [], 0
    for h, w, oh, ow in shapes:
        for c in (1, 3):
            for f in (2, 3):
                out = np.array(Image.fromarray(recipe(seed, h, w, c)).resize((ow, oh), f)).tobytes()
                full = out.hex() if len(out) <= 128 else "-"
                lines.append(f"{seed} {h} {w} {c} {oh} {ow} {f} {zlib.crc32(out):08x} {full}")
                seed += 1
    (here / "resize.txt").write_text("\n".join(lines) + "\n")


def smooth(h, w):
    y, x = np.mgrid[0:h, 0:w]
    return np.stack([x * 255 // (w - 1), y * 255 // (h - 1), (x * 5 + y * 11) % 256], -1).astype(np.uint8)


def decode():
    rgb = Image.fromarray(smooth(17, 23))
    grey, lines = rgb.convert("L"), []
    rgba = rgb.copy()
    rgba.putalpha(grey)
    palette = rgb.quantize(37)
    deep = Image.fromarray((smooth(17, 23)[..., 0].astype(np.uint16) * 3))
    cmyk = Image.fromarray(np.concatenate([smooth(17, 23), smooth(17, 23)[..., ::-1][..., :1] // 2], -1), "CMYK")
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turned by 90 degrees, which convert("RGB") does not undo

    def save(name, image, **options):
        image.save(here / name, **options)
        expected(name)

    def expected(name):
        raw = np.array(Image.open(here / name).convert("RGB"))
        (here / (name + ".rgb")).write_bytes(raw.tobytes())
        lines.append(f"{name} {raw.shape[0]} {raw.shape[1]}")

    for s in (0, 1, 2):
        save(f"sampling{s}.jpg", rgb, quality=85, subsampling=s)
    save("progressive.jpg", rgb, quality=70, progressive=True)
    save("optimised.jpg", rgb, quality=95, optimize=True, restart_marker_rows=1)
    save("grey.jpg", grey, quality=80)
    save("cmyk.jpg", cmyk, quality=90)
    save("exif.jpg", rgb, quality=85, exif=exif)
    save("large.jpg", Image.fromarray(smooth(67, 131)), quality=60)
    save("rgb.png", rgb)
    save("rgba.png", rgba)
    save("grey.png", grey)
    save("grey_alpha.png", rgba.convert("LA"))
    save("grey_transparent.png", grey, transparency=7)
    save("rgb_transparent.png", rgb, transparency=(1, 2, 3))
    save("palette.png", palette)
    save("palette_transparent.png", palette, transparency=bytes(range(0, 37 * 5, 5)))
    save("bits1.png", grey.convert("1"))
    for bits in (1, 2, 4):
        save(f"palette{bits}.png", rgb.quantize(2**bits), bits=bits)
    save("deep_grey.png", deep)
    # What Pillow does not write: 2- and 4-bit grey, 16-bit colours, interlacing. Written by hand, read by Pillow.
    s = smooth(17, 23).astype(np.uint16)
    hand_png(here / "grey2.png", s[..., :1] >> 6, 2, 0)
    hand_png(here / "grey4.png", s[..., :1] >> 4, 4, 0)
    hand_png(here / "deep_rgb.png", s * 257 ^ 0x55, 16, 2)
    hand_png(here / "deep_rgba.png", np.concatenate([s, s[..., :1]], -1) * 257 ^ 0xAA, 16, 6)
    hand_png(here / "deep_grey_alpha.png", s[..., :2] * 257 ^ 0x33, 16, 4)
    hand_png(here / "interlaced.png", s, 8, 2, True)
    hand_png(here / "interlaced_grey4.png", s[..., :1] >> 4, 4, 0, True)
    hand_png(here / "interlaced_deep.png", s[..., :1], 16, 0, True)
    for name in ("grey2 grey4 deep_rgb deep_rgba deep_grey_alpha interlaced interlaced_grey4 interlaced_deep").split():
        expected(name + ".png")
    save("lossy.webp", rgb, quality=60, method=4)
    save("lossy_alpha.webp", rgba, quality=60, method=4, exact=True)
    save("lossless.webp", rgb, lossless=True)
    save("lossless_alpha.webp", rgba, lossless=True, exact=True)
    (here / "decode.txt").write_text("\n".join(lines) + "\n")


def hand_png(path, a, bits, kind, interlace=False):
    def pack(part):
        if part.size == 0:
            return b""
        out = b""
        for row in part:
            if bits == 16:
                line = row.astype(">u2").tobytes()
            elif bits == 8:
                line = row.astype(np.uint8).tobytes()
            else:
                flat = "".join(format(int(v), f"0{bits}b") for v in row.ravel())
                flat += "0" * (-len(flat) % 8)
                line = int(flat, 2).to_bytes(len(flat) // 8, "big")
            out += b"\0" + line
        return out

    def chunk(name, data):
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    adam7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    passes = [a[y::dy, x::dx] for y, x, dy, dx in adam7] if interlace else [a]
    head = a.shape[1].to_bytes(4, "big") + a.shape[0].to_bytes(4, "big") + bytes([bits, kind, 0, 0, int(interlace)])
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) +
                     chunk(b"IDAT", zlib.compress(b"".join(map(pack, passes)), 9)) + chunk(b"IEND", b""))


CLASSES = collections.defaultdict(lambda: ViTImageProcessorPil) | dict(
    deit=DeiTImageProcessorPil, bit=BitImageProcessorPil, clip=CLIPImageProcessorPil, siglip=SiglipImageProcessorPil)


def processor():
    base = {"image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"height": 48, "width": 40},
            "resample": 2, "do_rescale": True, "rescale_factor": 0.00392156862745098, "do_normalize": True,
            "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    cases = {
        "plain": (base, 3),
        "bicubic": (dict(base, resample=3), 3),
        "crop": (dict(base, size={"shortest_edge": 40}, do_center_crop=True, crop_size={"height": 31, "width": 30}), 3),
        "no_resize": (dict(base, do_resize=False), 3),
        "no_rescale": (dict(base, do_rescale=False), 3),
        "no_normalize": (dict(base, do_normalize=False), 3),
        "raw": (dict(base, do_rescale=False, do_normalize=False), 3),
        "scalar": (dict(base, image_mean=0.5, image_std=0.25), 3),
        "defaults": ({"feature_extractor_type": "ViTFeatureExtractor", "size": 24}, 3),
        "grey": (dict(base, image_mean=[0.1307], image_std=[0.3081]), 1),
        # As files of DeiT have it: two types, three sizes of which height and width count, its class's defaults.
        "deit": ({"feature_extractor_type": "DeiTFeatureExtractor", "image_processor_type": "DeiTFeatureExtractor",
                  "size": {"height": 36, "shortest_edge": 24, "width": 32}, "crop_size": 24}, 3),
        "deit_defaults": ({"image_processor_type": "DeiTImageProcessor"}, 3),
        # As files of DINOv2, CLIP and SigLIP have it, and what they leave out.
        "bit": ({"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 37}, "crop_size": {"height": 32, "width": 32},
                 "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}, 3),
        "bit_defaults": ({"image_processor_type": "BitImageProcessor"}, 3),
        "clip": ({"feature_extractor_type": "CLIPFeatureExtractor", "size": 26, "crop_size": 25, "resample": 3}, 3),
        "siglip": ({"image_processor_type": "SiglipImageProcessor", "size": {"height": 28, "width": 28}, "processor_class": "SiglipProcessor"}, 3),
        "siglip_defaults": ({"image_processor_type": "SiglipImageProcessor"}, 3),
    }
    lines, seed = [], 100
    for name, (config, c) in cases.items():
        (here / name).mkdir(exist_ok=True)
        (here / name / "preprocessor_config.json").write_text(json.dumps(config, indent=1) + "\n")
        if name == "defaults":
            config = {"size": {"height": 24, "width": 24}}
        if name == "deit":
            config = {"size": {"height": 36, "width": 32}, "crop_size": {"height": 24, "width": 24}}
        if name == "clip":
            config = {"size": {"shortest_edge": 26}, "crop_size": {"height": 25, "width": 25}, "resample": 3}
        p = CLASSES[name.split("_")[0]](**{k: v for k, v in config.items() if "type" not in k and "class" not in k})
        for h, w in ((32, 32), (61, 45), (48, 40), (50, 77)):
            a = recipe(seed, h, w, c)
            out = p(Image.fromarray(a), return_tensors="np")["pixel_values"][0].astype(np.float32)
            assert out.shape[0] == c
            lines.append(f"{name} {seed} {h} {w} {c} {out.shape[1]} {out.shape[2]} {zlib.crc32(out.tobytes()):08x}")
            seed += 1
    (here / "processor.txt").write_text("\n".join(lines) + "\n")


warnings.simplefilter("ignore")
resize()
decode()
processor()
