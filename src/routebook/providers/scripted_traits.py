"""What the `scripted` API can carry: everything, since nothing is sent."""

from __future__ import annotations

from ..canonical.options import OPTION_PATHS
from ..routing.traits import ApiTraits

TRAITS = ApiTraits(
    name="scripted",
    options=frozenset(OPTION_PATHS),
    embedding_options=frozenset(OPTION_PATHS),
    image_options=frozenset(OPTION_PATHS),
    needs_base_url=False,
    needs_script=True,
    takes_credential=False,
)
