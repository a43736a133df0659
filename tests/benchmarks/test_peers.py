"""The peers: what is compared does the same work."""

from __future__ import annotations

import pytest

from . import peers, shapes


@pytest.mark.parametrize("name", [*peers.having("starting")])
@pytest.mark.parametrize("shape", [*shapes.SHAPES])
async def test_every_library_starts_each_resource_after_its_needs(
    name: str, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is compared does the same work."""
    plan = shapes.SHAPES[shape](12)
    made: list[type] = []
    kinds = [_kind(number, made) for number in range(12)]
    module = peers.having("starting")[name]
    monkeypatch.setattr(module, "KINDS", kinds)
    starting = module.starting(plan, 0)
    if starting is None:
        assert (name, shape) in {
            ("django-asgi-lifespan", "layered"),
            ("django-asgi-lifespan", "chained"),
        }
        return

    async with starting():
        order = [kinds.index(kind) for kind in made]

    assert sorted(order) == list(range(12))
    for number, needs in enumerate(plan):
        assert [need for need in needs if order.index(need) > order.index(number)] == []


def _kind(number: int, made: list[type]) -> type:
    def created(self: object) -> None:
        made.append(type(self))

    return type(f"Kind{number}", (), {"__init__": created})


@pytest.mark.parametrize(
    ("shape", "depth"),
    [
        pytest.param(shapes.independent(9), 1, id="independent"),
        pytest.param(shapes.chained(9), 9, id="chained"),
        pytest.param(shapes.layered(9), 3, id="square"),
        pytest.param(shapes.layered(10, 4), 4, id="uneven layers"),
        pytest.param(shapes.layered(1), 1, id="one"),
    ],
)
def test_a_shape_is_as_deep_as_it_says(shape: shapes.Shape, depth: int) -> None:
    """The critical path of a start follows from it."""
    assert shapes.depth(shape) == depth
    assert all(need < number for number, needs in enumerate(shape) for need in needs)
