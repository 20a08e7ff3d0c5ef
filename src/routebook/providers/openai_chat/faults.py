"""Faults: a refused chat completions call → kind, sentence, and how long to wait.

Pure. The words are those of all that OpenAI and its copies refuse: see `..openai.refusals`.
"""

from __future__ import annotations

from ..openai.refusals import LEXICON

read_fault = LEXICON.read_fault
fault_of_error = LEXICON.fault_of_error
