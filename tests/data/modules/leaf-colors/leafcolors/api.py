# -*- coding: utf-8 -*-
"""
API of the leaf colors module
"""
import os
import shutil
import tempfile
import zipfile
from functools import wraps

import pkg_resources
from aiohttp.web import HTTPBadRequest
from deepaas.model.v2.wrapper import UploadedFile
from PIL import Image
from webargs import fields, validate

CONTENT_TYPES = ["application/json", "image/png", "application/zip"]


def _catch_error(f):
    @wraps(f)
    def wrap(*args, **kwargs):
        try:
            return f(*args, **kwargs)
        except Exception as e:
            raise HTTPBadRequest(reason=e)

    return wrap


def get_metadata():
    base = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    pkg = list(pkg_resources.find_distributions(base, only=True))[0]
    meta = {"Name": None, "Version": None, "Summary": None, "License": None}
    for line in pkg.get_metadata_lines("PKG-INFO"):
        for par in meta:
            if line.startswith(par + ":"):
                meta[par] = line.split(":", 1)[1].strip()
    return meta


def get_predict_args():
    return {
        "data": fields.Field(
            required=True,
            type="file",
            location="form",
            description="Photograph of a leaf, an image file",
        ),
        "threshold": fields.Int(
            required=False,
            missing=20,
            validate=[validate.Range(min=0, max=255)],
            description="How much greener than red and blue",
        ),
        "color-space": fields.Str(
            missing="rgb",
            enum=["rgb", "hsv"],
            description="Which one to count in",
        ),
        "accept": fields.Str(
            missing="application/json",
            location="headers",
            validate=validate.OneOf(CONTENT_TYPES),
        ),
    }


def _mask(filename, threshold):
    image = Image.open(filename).convert("RGB")
    mask = Image.new("L", image.size)
    mask.putdata([255 if g > max(r, b) + threshold else 0 for r, g, b in image.getdata()])
    return mask


@_catch_error
def predict(**args):
    data = args["data"]
    if not isinstance(data, UploadedFile):
        raise TypeError("no UploadedFile: %s" % type(data))
    mask = _mask(data.filename, args["threshold"])
    if args["accept"] == "image/png":
        path = os.path.join(tempfile.mkdtemp(), "mask.png")
        mask.save(path)
        return open(path, "rb")
    if args["accept"] == "application/zip":
        folder = tempfile.mkdtemp()
        mask.save(os.path.join(folder, "mask.png"))
        shutil.copyfile(data.filename, os.path.join(folder, os.path.basename(data.original_filename)))
        with zipfile.ZipFile(folder + ".zip", "w") as archive:
            for name in os.listdir(folder):
                archive.write(os.path.join(folder, name), name)
        return open(folder + ".zip", "rb")
    pixels = list(mask.getdata())
    green = pixels.count(255) / len(pixels)
    return {
        "filename": data.original_filename,
        "content_type": data.content_type,
        "labels": ["green", "other"],
        "probabilities": [green, 1 - green],
        "color-space": args["color-space"],
    }
