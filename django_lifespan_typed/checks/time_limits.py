"""System check of time limits: a shutdown must fit into its budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from inspect import isclass, iscoroutinefunction
from math import isinf
from typing import Any, NamedTuple, get_origin

from django.core.checks import CheckMessage, Warning as Warn

from .._declare.resources import Resource
from .._declare.value_types import is_context_manager
from .._settings import LifespanSettings, given_settings
from ..exceptions import InvalidSetting


class _Chain(NamedTuple):
    """Resources that shut down one after the other, the last one first."""

    seconds: float = 0.0
    limits: tuple[tuple[Resource[Any], float], ...] = ()

    def plus(self, resource: Resource[Any], limit: float) -> _Chain:
        """Return the chain that ends with *resource*, unless it takes no time."""
        if not limit:
            return self
        return _Chain(self.seconds + limit, (*self.limits, (resource, limit)))


def check_stop_limits(
    order: Iterable[Resource[Any]], managers: Sequence[Resource[Any]]
) -> Iterator[CheckMessage]:
    """
    Check that no chain of shutdowns may take longer than the stop budget.

    *order* has each resource after its dependencies.
    """
    try:
        limits = LifespanSettings.read()
    except InvalidSetting:
        return  # check_settings() reports it
    # For each resource, the longest chain of dependencies that ends with it.
    chains: dict[str, _Chain] = {}
    for resource in order:
        before = [chains[need.name] for need in resource.needs if need.name in chains]
        longest = max(before, default=_Chain(), key=lambda chain: chain.seconds)
        chains[resource.name] = longest.plus(resource, _stop_limit(resource, limits))
    of_managers = _Chain()
    for manager in managers:
        of_managers = of_managers.plus(manager, _stop_limit(manager, limits))

    all_chains = [*chains.values(), of_managers]
    seconds, chain = max(all_chains, key=lambda chain: chain.seconds)
    if seconds <= limits.STOP_BUDGET or not _is_chosen(chain):
        return
    # A resource shuts down before its dependencies.
    listed = ", then ".join(
        f"{resource.name!r} ({limit:g} s)" for resource, limit in reversed(chain)
    )
    yield Warn(
        f"lifespan resources that shut down one after the other may take {seconds:g} "
        f"s, more than the stop budget of {limits.STOP_BUDGET:g} s: {listed}",
        hint="The last one has only the rest of the budget. Lower stop_timeout= or "
        'LIFESPAN["STOP_TIMEOUT"], or raise LIFESPAN["STOP_BUDGET"], which must stay '
        "below the limit of the orchestrator.",
        obj=chain[0][0],
        id="lifespan.W008",
    )


def _stop_limit(resource: Resource[Any], limits: LifespanSettings) -> float:
    if iscoroutinefunction(resource.factory):
        cls = get_origin(resource.value_type) or resource.value_type
        if not (isclass(cls) and is_context_manager(cls)):
            return 0.0  # it has no cleanup
    own = resource.stop_timeout
    limit = limits.STOP_TIMEOUT if own is None else own
    return 0.0 if isinf(limit) else limit  # only the budget limits it


def _is_chosen(chain: Iterable[tuple[Resource[Any], float]]) -> bool:
    """Return whether the project chose a limit: three defaults exceed the budget."""
    is_set = not {"STOP_TIMEOUT", "STOP_BUDGET"}.isdisjoint(given_settings())
    return is_set or any(resource.stop_timeout is not None for resource, _ in chain)
