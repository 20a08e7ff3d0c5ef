"""Analysis: what is asked of a feature once it is linked, over every decision that it can make.

What a request cannot come to is said, and what it can come to is held against what the feature needs. What is found
here is remembered with the feature, for as long as it and all that it leads to are the same.
"""

from __future__ import annotations

from ..document.entry import Definition
from ..document.features import Feature
from ..routing.reach.live import find_live
from ..routing.spec import FeatureSpec
from .build import Build
from .fitness.check import Fitness
from .reached.fallbacks import report_idle_fallbacks
from .reached.touched import touched_by, twins_of
from .reached.unreached import report_unreached
from .routes import FeatureRoutes


def analyse_feature(
    build: Build, definition: Definition[Feature], feature: FeatureSpec, routes: FeatureRoutes, fitness: Fitness
) -> None:
    """Report what of *feature* no request comes to, and which of its targets cannot serve the requests that do."""
    live = find_live(feature, build.profiles, build.shared)
    routes.check_all(live.places())
    fitness.check_live(live, routes.linked, definition.span)
    report_unreached(build, definition, live)
    report_idle_fallbacks(build, definition, live)
    build.found.touched |= touched_by(live, twins_of(build))
    build.found.decisions += live.decisions()
    build.found.cut += live.keys.is_cut
