"""Edits of the book that the fixture `root` writes."""

from __future__ import annotations

import yaml


def saying(text):
    """The providers of a book whose model says *text*."""
    return {"providers": {"stage": {"api": "scripted", "script": [{"reply": {"text": text}}]}}}


def save(root, text):
    (root / "providers.yaml").write_text(yaml.safe_dump(saying(text)))
