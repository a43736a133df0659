from collections.abc import Sequence

class Layout:
    coords: list[list[float]]
    edge_routing: list[list[list[float]]]

class Graph:
    def __init__(
        self,
        n: int = 0,
        edges: Sequence[tuple[int, int]] | None = None,
        directed: bool = False,
    ) -> None: ...
    def layout_sugiyama(
        self,
        layers: Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
        hgap: float = 1,
        vgap: float = 1,
        maxiter: int = 100,
    ) -> Layout: ...
