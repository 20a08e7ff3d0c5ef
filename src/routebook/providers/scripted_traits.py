"""What the `scripted` API can carry: everything, since nothing is sent."""

from __future__ import annotations

from ..canonical.options import OPTION_NAMES
from ..routing.traits import ApiTraits

_REASONING = ("reasoning.effort", "reasoning.budget_tokens")

TRAITS = ApiTraits(
    name="scripted",
    options=frozenset(OPTION_NAMES).union(_REASONING) - {"reasoning"},
    needs_base_url=False,
    needs_script=True,
    takes_credential=False,
)
