"""Every call of the plugin to the engine of Pants, under one set of names for all supported versions.

Pants 2.17 requests a value by its type; from 2.30 on, rules are called by name. `get_api` and `by_name_api` have the
same helpers with the same parameters and return types (a test compares their syntax trees), and this module chooses one
when it is first imported. Call a helper by a static name:

    from cascade_pants import engine

    contents = await engine.path_globs_contents(PathGlobs([...]))

Call a rule of the plugin itself through an accessor beside it, so that its result is shared:

    if engine.BY_NAME:

        async def table_of(request: TableRequest) -> Table:
            return await find_table(request, **engine.implicitly())

    else:
        from cascade_pants.engine.own_rules import own_rule

        table_of = own_rule(Table, TableRequest)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pants.version import PANTS_SEMVER

from cascade_pants.engine import versions

CALLS_BY_NAME = versions.engine_for(str(PANTS_SEMVER), PANTS_SEMVER.major, PANTS_SEMVER.minor) == versions.BY_NAME

if TYPE_CHECKING or not CALLS_BY_NAME:
    from cascade_pants.engine.get_api import *  # noqa: F403
else:
    from cascade_pants.engine.by_name_api import *  # noqa: F403
